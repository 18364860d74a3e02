---@meta viesti.core
-- What the C core supplies, and what else no line of Lua shows, for editors. What is written in Lua
-- is annotated where it stands; tools/stubs puts both together in library/.

--- What all classes have that can be extended, and their objects, too.
---@class viesti.Class
---@field name string
---@field options viesti.OptionDeclaration[] in the order in which they are positional arguments
---@field super any the class that it is a child of
local Class = {}

--- A new class, a child of this one, with further options.
---@param name string
---@param declared? viesti.OptionDeclaration[]
---@return self
function Class:extend(name, declared) end

--- An option of a class. See docs/layers.md.
---@class viesti.OptionDeclaration
---@field name string
---@field type string Lua's types, "integer", "any", "sender", "strings", ... joined by "|"
---@field default any
---@field min number?
---@field max number?
---@field values any[]? the allowed ones
---@field required boolean?
---@field fields viesti.OptionDeclaration[]? of a table
---@field secret boolean? never shown
---@field secret_strings boolean? no string in it is shown
---@field by_name boolean? it has no position
---@field mistaken string[]? names that others call it by
---@field doc string?

--- What is closer about the options of a Request than their declaration.
---@class viesti.Request.Options
---@field multipart { [string]: any }|viesti.Part[]|viesti.Multipart

--- An immutable value. `params`, `data`, `json` and `content` read back as they were given.
--- `multipart` is for another request: #multipart is the number of its parts.
---@class viesti.Request
---@field method string in upper case
---@field url string the whole URL as sent: normal form, params included
---@field headers viesti.Headers
---@field omitted string[]? names of fields that are not sent, not even unasked
---@field body string? the bytes to send
---@field params table? as it was given; so are those below
---@field data table?
---@field json any
---@field content string|function|file*?
---@field multipart viesti.Multipart?
---@field length integer? bytes of a body that a function supplies
---@field timeout number? seconds for the whole exchange, instead of the session's
---@field factory boolean? whether the function in `content` makes the one that supplies the body
---@field deadline number? the moment, on the clock of sender:now(), at which all ends
---@field idempotent boolean? true: the caller's word that sending it twice does no harm
---@field on_progress fun(done: integer, total: integer?)? told of the bytes that have come
---@field secret_headers string[]? names of header fields that are for its origin alone
---@field ttl number? seconds that a CachingSender keeps the response fresh
---@field stream boolean whether the response is read piece by piece
local Request = {}

--- `given` as a Request: a request as it is, a table of options made into one. `what` was called
--- with it, `send` if not said.
---@param given viesti.Request|viesti.Request.Options
---@param what? string
---@return viesti.Request
function Request.from(given, what) end

--- True if sending it twice is as good as once (RFC 9110 9.2.2).
---@return boolean
function Request:is_idempotent() end

--- True if its body is still there to be sent another time.
---@return boolean
function Request:is_replayable() end

--- The parts of a multipart body: immutable, and reads its files where they stand.
---@class viesti.Multipart
---@operator len: integer

--- A part of one, as a request takes it in a list: `content` or `path`.
---@class viesti.Part
---@field name string
---@field content string|number|boolean|file*|table? a list of them makes a part of each
---@field path string?
---@field filename string? what the server is told; "" for none
---@field type string? the media type
---@field headers table|viesti.Headers?

--- What a cache had to do with a response, in the words of RFC 9211.
---@class viesti.CacheFacts
---@field hit boolean whether nothing was sent
---@field forwarded? "bypass"|"method"|"uri-miss"|"vary-miss"|"request"|"stale"|"partial" why it was
---@field forward_status integer? the status of the answer to that
---@field stored boolean whether that answer was stored
---@field refused string? why not, in a word: "private", "no-lifetime", see docs/caching.md
---@field collapsed boolean whether another's request was waited for
---@field ttl number? seconds of freshness left, negative for a stale one
---@field key string under which it is kept, or would be: its URL, or what the options make of it

--- An immutable value.
---@class viesti.Response
---@field status_code integer any, also 4xx and 5xx
---@field reason string the reason phrase; empty in HTTP/2
---@field url string that of the request; behind redirects the last one
---@field headers viesti.Headers
---@field body string the bytes, decompressed
---@field content any the body decoded as JSON; nil if it is none
---@field elapsed number seconds, its wait in the queue not counted; of a stream up to its head
---@field timings viesti.Timings
---@field http_version string? "1.0", "1.1", "2" or "3"; nil if it did not come off the wire
---@field from_cache boolean whether its body came out of a cache
---@field cache viesti.CacheFacts? what a cache had to do with it
---@field attempts viesti.Attempt[] how often the request was sent for it, and what came of each
---@field give_up string? why a RetryingSender, which would have, did not send it again
---@field hedged integer? which of a HedgingSender's attempts it answers, where there were several
---@field encoding string? the Content-Encoding that was undone
---@field reused boolean whether the connection had served before
---@field complete boolean|"unknown" whether the body is whole; a stream once it was read to its end
---@field remote { address: string, port: integer }? who answered: the server, or a proxy
---@field interim viesti.Response[] the 1xx answers before it, the first one first
---@field streamed boolean whether the body is read piece by piece
---@field begun boolean whether some of a streamed body was read, or it was closed
local Response = {}

--- Ends a streamed body that is not wanted to its end. Harmless otherwise.
function Response:close() end

--- Seconds from the start of the exchange; 0 where a step did not happen.
---@class viesti.Timings
---@field dns number until the name was looked up
---@field connect number until the connection stood
---@field tls number until TLS did
---@field first_byte number until the head of the answer began
---@field total number until its end

--- Header fields: `headers["Name"]` (any case; repeated fields joined by ", ", of Set-Cookie the
--- first), `#headers`, and `pairs(headers)` for every field in order.
---@class viesti.Headers
---@operator len: integer
---@field [string] string?
local Headers = {}

--- As headers[name], also for names that are methods.
---@param name string
---@return string?
function Headers:get(name) end

--- Every value of a repeated field, in order.
---@param name string
---@return string[]
function Headers:get_all(name) end

--- One attempt at a request, as a RetryingSender saw it.
---@class viesti.Attempt
---@field number integer the first is 1
---@field start number? the moment, on the clock of sender:now()
---@field duration number seconds
---@field status_code integer? of the response
---@field error viesti.Error? instead of it
---@field sent "no"|"maybe" whether any of the request may have left
---@field wait number? seconds waited before the next one
---@field reason "rate_limited"|"server_error"|"transport_error"|"policy"|nil what called for it

--- Why there is no response; tostring gives a sentence.
---@class viesti.Error
---@operator concat(any): string
---@field kind viesti.ErrorKind what happened, in a word: see below
---@field message string what happened, in a sentence
---@field code integer libcurl's CURLcode; 0 if it took no part
---@field sent "no"|"maybe" whether any of the request may have left
---@field timeout "connect"|"total"|"idle"|"low_speed"|nil which one struck, if one did
---@field retryable boolean sending it again cannot do it twice, and may succeed
---@field request viesti.Request? what was, or was to be, sent
---@field response viesti.Response? of the kind status: the response
---@field place string? of the kind status: "file:line: " where it was raised
---@field cause any of the kind script: what the user's function raised or gave up with
---@field attempts viesti.Attempt[]? how often it was sent, where a layer repeats it
---@field give_up string? why that layer did not send it again
---@field retry_after number? of `rate_limited` and `circuit_open`: seconds until it is worth trying
---@field retry_at number? likewise the moment, on the clock of sender:now()

---@alias viesti.ErrorKind
---| "resolve"
---| "connect"
---| "tls"
---| "timeout"
---| "reset"
---| "empty_reply"
---| "truncated"
---| "protocol"
---| "too_large"
---| "refused"
---| "redirect"
---| "cancelled"
---| "closed"
---| "forked"
---| "circuit_open"
---| "rate_limited"
---| "deadline"
---| "script"
---| "status"
---| "out_of_memory"

--- Connections and settings, which several senders may share.
---@class viesti.Session
local Session = {}

--- Ends what is in flight with the error `closed` and closes all connections. Closing again does
--- nothing.
function Session:close() end

--- Whether it sends nothing any more.
---@return boolean
function Session:is_closed() end

--- A function that runs beside others, suspended while it waits. One in a to-be-closed variable is
--- cancelled with its block.
---@class viesti.Task
local Task = {}

--- Waits for the task's end. Returns what its function returned, raises what it raised, or returns
--- nil and an error of kind `cancelled`. With `seconds`, waits no longer than that: it then returns
--- nil and an error of kind `timeout`, and the task goes on.
---@param seconds? number
---@return any ...
function Task:join(seconds) end

--- Ends the task where it waits and closes its to-be-closed variables. Returns whether there was
--- anything to cancel.
---@return boolean
function Task:cancel() end

--- What has become of it.
---@return "running"|"done"|"failed"|"cancelled"
function Task:status() end

--- The state's loop, for those who drive it from another one.
---@class viesti.Loop
local Loop = {}

--- Waits at most `max_wait` seconds (for as long as it takes if nil), does the I/O that is due and
--- resumes every task whose wait is over.
---@param max_wait? number
function Loop:step(max_wait) end

--- The descriptor to poll for reading. From the first call on it is readable whenever there is
--- something for step to do, whatever that is. A child process asks for its own.
---@return integer
function Loop:fd() end

--- Whether no task can run or sleeps and no request is under way: without new work there will never
--- be anything to do.
---@return boolean
function Loop:is_idle() end

--- Seconds until there is something to do even if no socket is ready; nil: never. For hosts that
--- keep timers of their own: the descriptor knows it too.
---@return number?
function Loop:timeout() end

---@class viesti.Sender
local Sender = {}

--- Sends a request, which a table of its options may stand for, and waits for the response: a task
--- is suspended under an AsyncSender, and the caller blocked otherwise. Each concrete sender and
--- each layer has its own.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response?, viesti.Error?
function Sender:send(request) end

--- What the core has for everybody.
---@class viesti.Core
local core = {}

--- The loop of this Lua state, for those who drive it from another one.
---@return viesti.Loop
function core.loop() end

--- What the libcurl below can do.
---@return table<string, boolean>
function core.features() end

--- What tells the time, and sleeps, for a sender and those around it.
---@class viesti.Clock
---@field now fun(): number seconds on a clock that never steps
---@field wall fun(): number seconds since 1970
---@field sleep fun(seconds: number)
---@field random fun(): number a random number from 0 to 1, 1 not included

--- A clock that advances by itself.
---@class viesti.TestClock: viesti.Clock
---@field advance fun(seconds: number) lets time pass
---@field slept fun(): number how long was slept on it in all, in seconds

---@alias viesti.AnyStore viesti.Store|viesti.Tiered|viesti.ForeignStore

--- A store that is not the core's own, whose entries are strings of bytes: a file's, a server's, or
--- one of yours with these methods. See docs/caching.md.
---@class viesti.ForeignStore
local ForeignStore = {}

--- The entries of a key, and what `put` is to get back as `choices.generation`.
---@param key string
---@return string[]? entries, any generation
function ForeignStore:get(key) end

--- Keeps the entry of a variant, in the place of an older one. Returns false, or nil and a reason,
--- where it did not.
---@param key string
---@param variant string
---@param entry string
---@param choices { seconds: number, tags: string[]?, generation: any }
---@return any kept, string? reason
function ForeignStore:put(key, variant, entry, choices) end

--- Forgets one variant of a key.
---@param key string
---@param variant string
function ForeignStore:remove(key, variant) end

--- Forgets all variants of a key.
---@param key string
---@return any done, string? reason
function ForeignStore:invalidate(key) end

--- A cache store; several CachingSenders may share one.
---@class viesti.Store
local Store = {}

--- Forgets every response.
---@return true done
function Store:clear() end

--- The limits that it was made with.
---@return { max_size: integer?, max_bytes: integer?, max_entry_bytes: integer? }
function Store:limits() end

--- Bytes of memory that its responses hold.
---@return integer
function Store:bytes() end

--- Number of stored responses.
---@return integer
function Store:count() end

--- What has happened in it since it was made, for all chains that share it, and what it holds.
---@return viesti.StoreStats
function Store:stats() end

--- A snapshot: numbers that go on changing are not of the very same moment.
---@class viesti.StoreStats
---@field hits integer requests that were answered from it
---@field misses integer requests for which it had nothing that could be used
---@field stale integer requests for which it had something that had to be validated first
---@field stores integer responses that were kept, also in the place of others
---@field evictions integer responses that had to make way for others
---@field invalidations integer responses dropped because a request had changed what they stand for
---@field errors integer times it had to do without, for want of memory
---@field bytes integer of memory that its responses hold
---@field count integer stored responses
