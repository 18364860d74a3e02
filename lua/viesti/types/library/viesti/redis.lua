---@meta viesti.redis
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.redis.Options
---@field url? string redis://user:password@host:port/database or unix:///path/of/a/socket; redis://127.0.0.1 if neither this nor unix_socket is given
---@field unix_socket? string path of a socket to connect to instead of a URL
---@field user? string whom the server knows the password of
---@field password? string what the server wants to hear
---@field database? integer its number; the URL's or 0 if not given
---@field key_prefix? string what the names of all keys there begin with (default "viesti:")
---@field timeout? number seconds that anything asked of the server may take, connecting included (0.001 or more; default 0.5)
---@field walk_timeout? number seconds that what goes through all keys may take in all: clear, purge, each, count, bytes (0.001 or more; default 60)
---@field max_entry_bytes? integer a response that holds more is not kept (1 or more; default 8388608)
---@field lease? number seconds for which one machine may fetch what is missing while the others wait for it; 0: nobody waits (default 0)

--- A store on a Redis server. Nothing is sent before it is needed.
---@param options? viesti.redis.Options
---@return viesti.Redis
---@overload fun(url?: string, unix_socket?: string, user?: string, password?: string, database?: integer, key_prefix?: string, timeout?: number, walk_timeout?: number, max_entry_bytes?: integer, lease?: number): viesti.Redis
local function redis(options) end

---@class viesti.Redis: viesti.ForeignStore
---@field lease_seconds number
local Redis = {}

--- The entries of a key, and what `put` wants back. The second is false where that is not known.
---@param key string
---@return string[] entries, table|false generation
function Redis:get(key) end

--- Keeps the entry of a variant, in place of an older one, unless the key was invalidated, or
--- anything purged, since the generation was read.
---@param key string
---@param variant string
---@param entry string
---@param choices { seconds: number, tags?: string[], generation?: table|false }
---@return boolean kept
function Redis:put(key, variant, entry, choices) end

--- Drops one variant.
---@param key string
---@param variant string
function Redis:remove(key, variant) end

--- Drops all variants, on all machines; what is being fetched for them just now is not kept. While
--- the server cannot be reached this is remembered, and done first of all when it can.
---@param key string
---@return true? done, string? reason
function Redis:invalidate(key) end

--- Forgets every response under the store's key_prefix, on all machines; or nil and why that has to
--- wait until the server can be reached, or did not give back all the room.
---@return true? done, string? reason
function Redis:clear() end

--- Forgets the responses of a URL, all variants of it; or nil and why that has to wait.
---@param url string
---@return true? done, string? reason
function Redis:delete(url) end

--- How many responses there are; 0 if that is not to be known. The server is asked for all keys, a
--- batch at a time.
---@return integer
function Redis:count() end

--- How many bytes they and their names hold, found out likewise.
---@return integer
function Redis:bytes() end

--- Calls `visit(entry)` for every response there is, with its `key`, its `bytes`, and when it
--- `expires`, in seconds since 1970, until that returns false; one that changes meanwhile may come
--- twice. Or returns nil and why that could not be done, or not to its end.
---@param visit fun(entry: viesti.StoredEntry): false?
---@return true? done, string? reason
function Redis:each(visit) end

--- Counts what a CachingSender says of what `get` has found: "stale", it has to be validated first;
--- "miss", none of it fits the request.
---@param event "stale"|"miss"
function Redis:note(event) end

--- What this object has done: `hits`, `misses`, `stale` (it had to be validated first), `stores`,
--- `invalidations`, and `errors`, all that was left out; and of the whole server `evictions`, keys
--- that it dropped for want of memory, and `bytes`, the memory that it has in use. Those are 0
--- where it does not tell.
---@return table<string, integer>
function Redis:stats() end

--- Forgets the responses that have a tag, or whose URLs begin so, on all machines. Returns how many
--- there were; or nil and why not.
---@param given { tag: string }|{ prefix: string }
---@return integer? count, string? reason
function Redis:purge(given) end

--- Asks for the right to fetch what is missing: true if the caller is to do so, false if somebody
--- else is at it. It ends with a put, remove or invalidate of the key, `release`, or after so many
--- seconds.
---@param key string
---@param seconds? number
---@return boolean
function Redis:lease(key, seconds) end

--- Gives that right back, without waiting.
---@param key string
function Redis:release(key) end

--- Closes the connection; after that nothing is found or kept.
function Redis:close() end

return redis
