---@meta viesti.sqlite
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.sqlite.Options
---@field path string the file, which is made if there is none, for its owner alone; beside it stand path-wal and path-shm
---@field max_size? integer most responses kept, the least recently used goes first; no bound if not given (1 or more)
---@field max_bytes? integer most bytes that they take, likewise (1 or more; default 1073741824)
---@field max_entry_bytes? integer a response that takes more is not kept; no bound but max_bytes if not given (1 or more)
---@field busy_timeout? number seconds to wait for another process that writes at the same time (from 0 to 3600; default 5)

---@class viesti.sqlite.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options: viesti.sqlite.Options): viesti.Sqlite
---@overload fun(path: string, max_size?: integer, max_bytes?: integer, max_entry_bytes?: integer, busy_timeout?: number): viesti.Sqlite
local sqlite = {}

---@class viesti.Sqlite: viesti.ForeignStore
local Sqlite = {}

--- The entries of a key and the generation that `put` wants back.
---@param key string
---@return string[] entries, integer generation
function Sqlite:get(key) end

--- Replaces the entry of a variant, unless the key was invalidated since that generation.
---@param key string
---@param variant string
---@param entry string
---@param choices viesti.PutChoices?
---@return boolean kept
function Sqlite:put(key, variant, entry, choices) end

--- Begins a body that stands apart from its entry, of that many bytes if they are known. Returns
--- what to call it by; nil where that cannot be done.
---@param expected integer?
---@return string? body
function Sqlite:begin_body(expected) end

--- Writes one more piece of it, which nobody sees until an entry is put with that body. False where
--- there is no room: it is dropped then.
---@param body string
---@param number integer from 1 on
---@param bytes string
---@return boolean written
function Sqlite:write_body(body, number, bytes) end

--- A piece of the body that an entry has; nil: the entry was dropped or replaced meanwhile.
---@param body string
---@param number integer
---@return string? bytes
function Sqlite:read_body(body, number) end

--- Forgets a body that is not to be put after all, or is damaged, and the entry that has it.
---@param body string
function Sqlite:drop_body(body) end

--- Forgets one variant of a key.
---@param key string
---@param variant string
function Sqlite:remove(key, variant) end

--- Forgets all variants of a key, also those that are under way.
---@param key string
---@return true? done, string? reason
function Sqlite:invalidate(key) end

--- Forgets every response, and gives the room in the file back; or nil and why not.
---@return true? done, string? reason
function Sqlite:clear() end

--- Forgets the responses of a URL, all variants of it; or nil and why not.
---@param url string
---@return true? done, string? reason
function Sqlite:delete(url) end

--- Forgets the responses with a tag, `{ tag = "..." }`, or those whose URL begins with a prefix,
--- `{ prefix = "https://..." }`. Returns how many, or nil and why not.
---@param which { tag: string?, prefix: string? }
---@return integer? count, string? reason
function Sqlite:purge(which) end

--- How many responses the file has.
---@return integer
function Sqlite:count() end

--- How many bytes they take.
---@return integer
function Sqlite:bytes() end

--- Calls `visit(entry)` for every response that the file has, one after the other, until that
--- returns false; or returns nil and why the file cannot be read.
---@param visit fun(entry: viesti.StoredEntry): false?
---@return true? done, string? reason
function Sqlite:each(visit) end

--- Counts what a CachingSender says of what `get` has found: "stale", it has to be validated first;
--- "miss", none of it fits the request.
---@param event "stale"|"miss"
function Sqlite:note(event) end

--- What this object has done, and what the file has.
---@return viesti.SqliteStats
function Sqlite:stats() end

--- Closes the file. A chain that still has the store goes without.
function Sqlite:close() end

---@class viesti.PutChoices
---@field seconds number? for which the entry is of use
---@field tags string[]? to purge it by
---@field generation any what `get` has returned
---@field body string? the body that stands apart from it
---@field max_size integer? the bounds of who puts it, beside the store's
---@field max_bytes integer?
---@field max_entry_bytes integer?

---@class viesti.StoredEntry
---@field key string
---@field bytes integer
---@field expires number when it is dropped, in seconds since 1970

---@class viesti.SqliteStats
---@field hits integer of this object, as are those below
---@field misses integer
---@field stale integer what was there and had to be validated first
---@field stores integer
---@field evictions integer what was over its time included
---@field invalidations integer
---@field errors integer what could not be done
---@field last_error string? why
---@field count integer stored responses in the file
---@field bytes integer that they take

return sqlite
