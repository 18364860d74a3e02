---@meta viesti
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.AsyncSender.Options: viesti.Session.Options
---@field session? viesti.Session a Session to share; other options then go to it

--- AsyncSender(session): sends, and suspends the running task until the response is there. On the
--- main thread, where there is no task, it drives the loop meanwhile.
---@class viesti.AsyncSender: viesti.Sender
---@field session viesti.Session a Session to share; other options then go to it
---@overload fun(options?: viesti.AsyncSender.Options): viesti.AsyncSender
---@overload fun(session?: viesti.Session, timeout?: number, connect_timeout?: number, idle_timeout?: number, low_speed_limit?: integer, low_speed_time?: integer, max_body?: integer, max_connections?: integer, max_connections_per_host?: integer, max_idle_connections?: integer, http_version?: "auto"|"1.1"|"2"|"3", decode?: boolean, verify?: boolean, ca?: string, proxy?: string, trust_env?: boolean, min_tls?: "1.2"|"1.3", client_cert?: string, client_key?: string, unix_socket?: string, interface?: string, resolve?: string[], cookies?: boolean, curl?: table, user_agent?: string): viesti.AsyncSender

---@class viesti.AuthenticatingSender.Options
---@field basic? string[] { user, password } (RFC 7617)
---@field bearer? string a token that does not expire
---@field token? fun(): string?, any returns a token, and the seconds it is good for if known; or nil and an error
---@field renew_before? number seconds before its expiry that a token is replaced; half its life at most (default 30)
---@field header? string the field to set; a token stands alone in any but Authorization (default "Authorization")
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field origins? string[] list of the origins to authenticate to; that of the first request if not given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- AuthenticatingSender{ basic | bearer | token, sender = ... }: says who is asking, to the origins
--- it is meant for and no others. It stands outside the cache and inside RedirectingSender.
---@class viesti.AuthenticatingSender: viesti.ExtendingSender
---@field basic string[]? { user, password }
---@field bearer string? a token that does not expire
---@field token (fun(): string?, any)? returns a token, and the seconds it is good for if known; or nil and an error
---@field renew_before number seconds before its expiry that a token is replaced; half its life at most (default 30)
---@field header string the field to set; a token stands alone in any but Authorization (default "Authorization")
---@field origins string[]? list of the origins to authenticate to; that of the first request if not given
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.AuthenticatingSender.Options): viesti.AuthenticatingSender
---@overload fun(basic?: string[], bearer?: string, token?: (fun(): string?, any), renew_before?: number, header?: string, sender?: viesti.Sender, origins?: string[]): viesti.AuthenticatingSender

---@class viesti.CachingSender.Options
---@field max_size? integer most responses kept, the least recently used goes first; no bound if not given (1 or more)
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field store? viesti.AnyStore a Store to share with other caches; its own bounds count, and over sqlite those given here, too
---@field max_bytes? integer most bytes of memory that the responses hold in all, likewise (1 or more)
---@field max_entry_bytes? integer a response that holds more is not kept (1 or more)
---@field shared? boolean the cache serves many users; false: only one, whose private responses it keeps, too (default true)
---@field store_errors? boolean keep 4xx and 5xx responses, too, where the server, or `heuristic`, says for how long (default false)
---@field heuristic? number part of the time since Last-Modified, a day at most, for which a response is taken for fresh where the server does not say; 0.1 is usual (from 0 to 1; default 0)
---@field targeted? string[] fields that, where they are there, say more than Cache-Control (RFC 9213), such as CDN-Cache-Control
---@field stale_if_error? number seconds for which a stale response may stand in for a 500, 502, 503, 504 or no answer, where the server does not say (RFC 5861) (default 0)
---@field stale_on_disconnect? boolean serve a stale response, however old, where there is no answer at all (default false)
---@field stale_while_revalidate? number seconds for which a stale response is served while a task asks for a new one, where the server does not say (RFC 5861); in chains that block see background (default 0)
---@field background? boolean serve stale-while-revalidate in a chain that blocks, too: a thread fetches what is new, or, where Lua has a say, the chain does when it is used, at the latest by close (default false)
---@field key? fun(request: viesti.Request): string? called with the request, returns the string to keep its responses under; nil: its URL
---@field ignore_params? string[] params of the URL that make no other resource, such as "utm_*"
---@field partition? string|(fun(request: viesti.Request): string?) keeps apart what is for different users: a string, or called with the request
---@field methods? string[] methods whose responses are kept besides GET's, each by the request's body, such as QUERY
---@field ttl? number|(fun(request: viesti.Request, response: viesti.Response): number?) seconds that a response is fresh, whatever the server says; called with request and response, nil: as the server says
---@field store_if? fun(request: viesti.Request, response: viesti.Response): boolean? called with request and response: whether it may be kept
---@field tags? string[]|(fun(request: viesti.Request, response: viesti.Response): string[]?) names to purge responses by; called with request and response
---@field set_cookie? "store"|"strip"|"skip" strip: Set-Cookie is not kept; skip: nothing that has one is (default "store")
---@field collapse? boolean of tasks that ask for the same, one sends, and the others wait for its answer (default true)
---@field cache_status? boolean add what response.cache says as a Cache-Status field, too (RFC 9211) (default false)
---@field select_language? boolean a response in the language that a request likes best is served to it, though its Accept-Language is another than that it was asked for with (default false)
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- CachingSender(max_size, sender): keeps responses and serves them again, by the rules of HTTP
--- caching (RFC 9111). The store and the rules are the core's.
---@class viesti.CachingSender: viesti.ExtendingSender
---@field max_size integer? most responses kept; nil for no bound
---@field store viesti.AnyStore where they are kept
---@field max_bytes integer? most bytes that they hold
---@field max_entry_bytes integer? a response that holds more is not kept (1 or more)
---@field shared boolean the cache serves many users; false: only one, whose private responses it keeps, too (default true)
---@field store_errors boolean keep 4xx and 5xx responses, too, where the server, or `heuristic`, says for how long (default false)
---@field heuristic number part of the time since Last-Modified, a day at most, for which a response is taken for fresh where the server does not say; 0.1 is usual (from 0 to 1; default 0)
---@field targeted string[]? fields that, where they are there, say more than Cache-Control (RFC 9213), such as CDN-Cache-Control
---@field stale_if_error number seconds for which a stale response may stand in for a 500, 502, 503, 504 or no answer, where the server does not say (RFC 5861) (default 0)
---@field stale_on_disconnect boolean serve a stale response, however old, where there is no answer at all (default false)
---@field stale_while_revalidate number seconds for which a stale response is served while a task asks for a new one, where the server does not say (RFC 5861); in chains that block see background (default 0)
---@field background boolean serve stale-while-revalidate in a chain that blocks, too: a thread fetches what is new, or, where Lua has a say, the chain does when it is used, at the latest by close (default false)
---@field key (fun(request: viesti.Request): string?)? called with the request, returns the string to keep its responses under; nil: its URL
---@field ignore_params string[]? params of the URL that make no other resource, such as "utm_*"
---@field partition string|(fun(request: viesti.Request): string?)|nil keeps apart what is for different users: a string, or called with the request
---@field methods string[]? methods whose responses are kept besides GET's, each by the request's body, such as QUERY
---@field ttl number|(fun(request: viesti.Request, response: viesti.Response): number?)|nil seconds that a response is fresh, whatever the server says; called with request and response, nil: as the server says
---@field store_if (fun(request: viesti.Request, response: viesti.Response): boolean?)? called with request and response: whether it may be kept
---@field tags string[]|(fun(request: viesti.Request, response: viesti.Response): string[]?)|nil names to purge responses by; called with request and response
---@field set_cookie "store"|"strip"|"skip" strip: Set-Cookie is not kept; skip: nothing that has one is (default "store")
---@field collapse boolean of tasks that ask for the same, one sends, and the others wait for its answer (default true)
---@field cache_status boolean add what response.cache says as a Cache-Status field, too (RFC 9211) (default false)
---@field select_language boolean a response in the language that a request likes best is served to it, though its Accept-Language is another than that it was asked for with (default false)
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.CachingSender.Options): viesti.CachingSender
---@overload fun(max_size?: integer, sender?: viesti.Sender, store?: viesti.AnyStore, max_bytes?: integer, max_entry_bytes?: integer, shared?: boolean, store_errors?: boolean, heuristic?: number, targeted?: string[], stale_if_error?: number, stale_on_disconnect?: boolean, stale_while_revalidate?: number, background?: boolean, key?: (fun(request: viesti.Request): string?), ignore_params?: string[], partition?: string|(fun(request: viesti.Request): string?), methods?: string[], ttl?: number|(fun(request: viesti.Request, response: viesti.Response): number?), store_if?: (fun(request: viesti.Request, response: viesti.Response): boolean?), tags?: string[]|(fun(request: viesti.Request, response: viesti.Response): string[]?), set_cookie?: "store"|"strip"|"skip", collapse?: boolean, cache_status?: boolean, select_language?: boolean): viesti.CachingSender
local CachingSender = {}

--- What `send` would do with the request, and why: a table with `action` ("hit", "refresh",
--- "validate", "fetch", "complete", "bypass" or "timeout"), `forwarded` (why it would be sent on),
--- `key`, `variants` (how many responses are kept under it), and of the one that fits `age` and
--- `ttl` (seconds) and `status_code`.
---@param request viesti.Request|viesti.Request.Options|string a string is a URL
---@return viesti.Inspection
function CachingSender:inspect(request) end

--- Forgets what is kept for a request, all variants of it: for a URL under the key and in the
--- partition that this cache would ask for it by.
---@param request viesti.Request|viesti.Request.Options|string a string is a URL
---@return true? done, string? reason nil and why not, where the store could not
function CachingSender:delete(request) end

--- Ends what is under way in the background, and closes the inner sender.
function CachingSender:close() end

--- Forgets every stored response, where the store has a method for that.
---@return true? done, string? reason nil and why not, where it could not
function CachingSender:clear() end

---@class viesti.CircuitBreaker.Options
---@field window? number seconds of the past that count (0.001 or more; default 30)
---@field ratio? number the part of the requests in them that have failed when it opens (from 0 to 1; default 0.5)
---@field minimum? integer it does not open before there are so many requests in them (1 or more; default 20)
---@field open_for? number seconds that it stays open the first time, and up to a quarter more, by chance; each time that it opens again soon, twice as long (default 5)
---@field max_open_for? number seconds that this grows to, without what chance adds; `open_for` where that is more (default 60)
---@field probes? integer how many requests at once find out whether it can be closed (1 or more; default 1)
---@field successes? integer how many probes have to go well before it is; one that fails opens it again (1 or more; default 2)
---@field lease? number seconds after which another may go in the place of a probe that has not returned (0.001 or more; default 60)
---@field on_change? fun(key: string, before: string, now: string) called with the key, an origin by default, and its state before and now: "closed", "open", "half_open"

--- CircuitBreaker{ window, ratio, ... }: which origins fail so often that they are left alone for a
--- while. Several chains may share one.
---@class viesti.CircuitBreaker: viesti.Shared
---@field window number seconds of the past that count (0.001 or more; default 30)
---@field ratio number the part of the requests in them that have failed when it opens (from 0 to 1; default 0.5)
---@field minimum integer it does not open before there are so many requests in them (1 or more; default 20)
---@field open_for number seconds that it stays open the first time, and up to a quarter more, by chance; each time that it opens again soon, twice as long (default 5)
---@field max_open_for number seconds that this grows to, without what chance adds; `open_for` where that is more (default 60)
---@field probes integer how many requests at once find out whether it can be closed (1 or more; default 1)
---@field successes integer how many probes have to go well before it is; one that fails opens it again (1 or more; default 2)
---@field lease number seconds after which another may go in the place of a probe that has not returned (0.001 or more; default 60)
---@field on_change (fun(key: string, before: string, now: string))? called with the key, an origin by default, and its state before and now: "closed", "open", "half_open"
---@overload fun(options?: viesti.CircuitBreaker.Options): viesti.CircuitBreaker
---@overload fun(window?: number, ratio?: number, minimum?: integer, open_for?: number, max_open_for?: number, probes?: integer, successes?: integer, lease?: number, on_change?: (fun(key: string, before: string, now: string))): viesti.CircuitBreaker
local CircuitBreaker = {}

--- The state of a key, an origin by default: open also when its time is over, until the next
--- request finds that out; closed where nothing is known of it.
---@param key string
---@return "closed"|"open"|"half_open"
function CircuitBreaker:state(key) end

---@class viesti.CircuitBreakingSender.Options
---@field breaker? viesti.CircuitBreaker a CircuitBreaker to share with other chains; most other options are then its own
---@field key? string|(fun(request: viesti.Request): string?) what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field window? number seconds of the past that count (0.001 or more; default 30)
---@field ratio? number the part of the requests in them that have failed when it opens (from 0 to 1; default 0.5)
---@field minimum? integer it does not open before there are so many requests in them (1 or more; default 20)
---@field open_for? number seconds that it stays open the first time, and up to a quarter more, by chance; each time that it opens again soon, twice as long (default 5)
---@field max_open_for? number seconds that this grows to, without what chance adds; `open_for` where that is more (default 60)
---@field probes? integer how many requests at once find out whether it can be closed (1 or more; default 1)
---@field successes? integer how many probes have to go well before it is; one that fails opens it again (1 or more; default 2)
---@field lease? number seconds after which another may go in the place of a probe that has not returned (0.001 or more; default 60)
---@field on_change? fun(key: string, before: string, now: string) called with the key, an origin by default, and its state before and now: "closed", "open", "half_open"
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- CircuitBreakingSender{ window, ratio, ... }: an origin that fails too often is left alone for a
--- while: requests to it fail at once, then a few find out whether it has recovered.
---@class viesti.CircuitBreakingSender: viesti.ExtendingSender
---@field breaker viesti.CircuitBreaker a CircuitBreaker to share with other chains; most other options are then its own
---@field key string|(fun(request: viesti.Request): string?)|nil what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field window number seconds of the past that count (0.001 or more; default 30)
---@field ratio number the part of the requests in them that have failed when it opens (from 0 to 1; default 0.5)
---@field minimum integer it does not open before there are so many requests in them (1 or more; default 20)
---@field open_for number seconds that it stays open the first time, and up to a quarter more, by chance; each time that it opens again soon, twice as long (default 5)
---@field max_open_for number seconds that this grows to, without what chance adds; `open_for` where that is more (default 60)
---@field probes integer how many requests at once find out whether it can be closed (1 or more; default 1)
---@field successes integer how many probes have to go well before it is; one that fails opens it again (1 or more; default 2)
---@field lease number seconds after which another may go in the place of a probe that has not returned (0.001 or more; default 60)
---@field on_change (fun(key: string, before: string, now: string))? called with the key, an origin by default, and its state before and now: "closed", "open", "half_open"
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.CircuitBreakingSender.Options): viesti.CircuitBreakingSender
---@overload fun(breaker?: viesti.CircuitBreaker, key?: string|(fun(request: viesti.Request): string?), window?: number, ratio?: number, minimum?: integer, open_for?: number, max_open_for?: number, probes?: integer, successes?: integer, lease?: number, on_change?: (fun(key: string, before: string, now: string)), sender?: viesti.Sender): viesti.CircuitBreakingSender

---@class viesti.Client.Options
---@field sender? viesti.Sender the chain to send with; a SyncSender if none is given
---@field asynchronous? boolean the kind of sender required; decides where it and the sender differ
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- Client(sender, asynchronous): the base of API clients, and the outermost sender of a chain.
---@class viesti.Client: viesti.ExtendingSender
---@field asynchronous boolean? the kind of sender required; decides where it and the sender differ
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.Client.Options): viesti.Client
---@overload fun(sender?: viesti.Sender, asynchronous?: boolean): viesti.Client

---@class viesti.ConcurrencyLimit.Options
---@field limit integer how many requests may be under way at once, for each key (1 or more)
---@field queue? integer how many tasks may wait for each key; who comes after them fails at once (default 1000)

--- ConcurrencyLimit(limit, queue): how many requests may be under way at once, by key; who comes
--- when there is no slot left waits in line. Several chains may share one.
---@class viesti.ConcurrencyLimit: viesti.Shared
---@field limit integer how many requests may be under way at once, for each key (1 or more)
---@field queue integer how many tasks may wait for each key; who comes after them fails at once (default 1000)
---@overload fun(options: viesti.ConcurrencyLimit.Options): viesti.ConcurrencyLimit
---@overload fun(limit: integer, queue?: integer): viesti.ConcurrencyLimit
local ConcurrencyLimit = {}

--- How many requests of the key are under way, and how many wait.
---@param key string
---@return integer used, integer waiting
function ConcurrencyLimit:state(key) end

---@class viesti.ConcurrencyLimitingSender.Options
---@field limit integer|viesti.ConcurrencyLimit how many requests may be under way at once, for each key; or a ConcurrencyLimit to share that with other chains (1 or more)
---@field queue? integer how many tasks may wait for each key, 1000 if nothing is given; who comes after them fails at once (`rate_limited`)
---@field key? string|(fun(request: viesti.Request): string?) what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- ConcurrencyLimitingSender(limit, queue, key, sender): no more than so many requests at once to
--- an origin; others wait for their turn.
---@class viesti.ConcurrencyLimitingSender: viesti.ExtendingSender
---@field limit integer|viesti.ConcurrencyLimit how many requests may be under way at once, for each key; or a ConcurrencyLimit to share that with other chains (1 or more)
---@field queue integer? how many tasks may wait for each key, 1000 if nothing is given; who comes after them fails at once (`rate_limited`)
---@field key string|(fun(request: viesti.Request): string?)|nil what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@field slots viesti.ConcurrencyLimit
---@overload fun(options: viesti.ConcurrencyLimitingSender.Options): viesti.ConcurrencyLimitingSender
---@overload fun(limit: integer|viesti.ConcurrencyLimit, queue?: integer, key?: string|(fun(request: viesti.Request): string?), sender?: viesti.Sender): viesti.ConcurrencyLimitingSender

---@class viesti.Cooldown.Options
---@field step? number seconds from one group of those who waited to the next, twice as large (default 0.25)

--- Cooldown: origins that asked for no more requests for a while (429), so that nobody sends them
--- any before it is over; and then not everybody at once.
---@class viesti.Cooldown: viesti.Shared
---@field step number seconds from one group of those who waited to the next, twice as large (default 0.25)
---@field count integer how many origins are being held back; 0: nobody has to wait for anything
---@overload fun(options?: viesti.Cooldown.Options): viesti.Cooldown
---@overload fun(step?: number): viesti.Cooldown

---@class viesti.DeadlineSender.Options
---@field max_time number seconds from when the request comes here until it has to be done; its own deadline holds where that comes first
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- DeadlineSender(max_time, sender): gives each request a moment at which all that is done for it
--- ends: waits, retries and what is on the wire.
---@class viesti.DeadlineSender: viesti.ExtendingSender
---@field max_time number seconds from when the request comes here until it has to be done; its own deadline holds where that comes first
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options: viesti.DeadlineSender.Options): viesti.DeadlineSender
---@overload fun(max_time: number, sender?: viesti.Sender): viesti.DeadlineSender

---@class viesti.DefaultsSender.Options
---@field base_url? string what a relative URL is appended to, with one slash between
---@field headers? table names to values, or a list of pairs, for requests without a field of that name; with base_url they are secret_headers of the request, but for Accept and the like
---@field params? table names to values, or a list of pairs, for requests without a param of that name
---@field secret_headers? string[] without base_url, which of the headers no redirect is to take to another origin
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- DefaultsSender{ base_url, headers, params }: what all requests to one API have in common.
---@class viesti.DefaultsSender: viesti.ExtendingSender
---@field base_url string? what a relative URL is appended to, with one slash between
---@field headers table? names to values, or a list of pairs, for requests without a field of that name; with base_url they are secret_headers of the request, but for Accept and the like
---@field params table? names to values, or a list of pairs, for requests without a param of that name
---@field secret_headers string[]? without base_url, which of the headers no redirect is to take to another origin
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.DefaultsSender.Options): viesti.DefaultsSender
---@overload fun(base_url?: string, headers?: table, params?: table, secret_headers?: string[], sender?: viesti.Sender): viesti.DefaultsSender

---@class viesti.Error.Options
---@field kind string one of the kinds: "timeout", "connect", "script", ...
---@field message string one clause that says what happened
---@field request? viesti.Request the request that it is about
---@field sent? "no"|"maybe" whether any of the request may have left; if not said, what is usual for the kind. From that, the kind and the request follows `retryable`

--- Why there is no response; tostring gives a sentence.
---@class viesti.Error.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options: viesti.Error.Options): viesti.Error
---@overload fun(kind: string, message: string, request?: viesti.Request, sent?: "no"|"maybe"): viesti.Error

---@class viesti.ExtendingSender.Options
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- ExtendingSender(sender): the base of layers. A layer has one `send`, straight-line, for sync and
--- async alike: it calls `self.sender:send(request)` and `self:sleep(seconds)`, and whether those
--- block or suspend is the concrete sender's affair.
---@class viesti.ExtendingSender: viesti.Sender
---@field sender viesti.Sender the inner sender
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.ExtendingSender.Options): viesti.ExtendingSender
---@overload fun(sender?: viesti.Sender): viesti.ExtendingSender
local ExtendingSender = {}

--- Completes a new object. The `init` of a layer calls that of its parent first:
--- `Stamping.super.init(self)`.
function ExtendingSender:init() end

--- Hands the request on. Layers replace this.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response? response, viesti.Error? err
function ExtendingSender:send(request) end

--- What an inner sender of the user's own answered, for a layer that looks into it: an error in
--- words becomes an error object, and anything that is neither response nor error is refused.
---@param request viesti.Request
---@param response any
---@param err any
---@return viesti.Response? response, viesti.Error? err
function ExtendingSender:check_answer(request, response, err) end

--- Closes the inner sender.
function ExtendingSender:close() end

--- The same layer over another inner sender: options and shared state (a store, a limit) are kept.
---@param sender viesti.Sender
---@return viesti.ExtendingSender
function ExtendingSender:with_sender(sender) end

---@class viesti.FailoverSender.Options
---@field origins string[] those of the service, such as "https://a.example", the preferred one first
---@field rest? number seconds for which one that failed is asked only where the others fail, too (default 30)
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- FailoverSender{ origins, sender }: the same service at several places: what fails at one is
--- asked of the next.
---@class viesti.FailoverSender: viesti.ExtendingSender
---@field origins string[] those of the service, such as "https://a.example", the preferred one first
---@field rest number seconds for which one that failed is asked only where the others fail, too (default 30)
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options: viesti.FailoverSender.Options): viesti.FailoverSender
---@overload fun(origins: string[], rest?: number, sender?: viesti.Sender): viesti.FailoverSender

---@class viesti.HedgingSender.Options
---@field delay number seconds without an answer before the request is sent once more; somewhat more than most answers take
---@field max_attempts? integer how often the request is sent at most, the first time included (1 or more; default 2)
---@field budget? viesti.RetryBudget keeps further attempts few while much fails; to share with a RetryingSender
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- HedgingSender{ delay, max_attempts, sender }: where an answer is slow to come, asks once more,
--- and takes the answer that comes first.
---@class viesti.HedgingSender: viesti.ExtendingSender
---@field delay number seconds without an answer before the request is sent once more; somewhat more than most answers take
---@field max_attempts integer how often the request is sent at most, the first time included (1 or more; default 2)
---@field budget viesti.RetryBudget? keeps further attempts few while much fails; to share with a RetryingSender
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options: viesti.HedgingSender.Options): viesti.HedgingSender
---@overload fun(delay: number, max_attempts?: integer, budget?: viesti.RetryBudget, sender?: viesti.Sender): viesti.HedgingSender

---@class viesti.MockSender.Options
---@field routes? viesti.MockRoute[] list of { method, url or pattern or matches, answer }; the first that fits answers
---@field asynchronous? boolean whether it suspends tasks for a `delay` and starts tasks beside them, as an AsyncSender does, instead of blocking (default false)
---@field clock? viesti.Clock what it and the layers around it tell the time by, and sleep on
---@field keep? integer how many requests it remembers, the last ones (default 1000)

--- MockSender{ routes = { { method, url, answer }, ... } }: a concrete sender for tests, which
--- sends nothing: it answers what it was told to, and remembers what it was asked.
---@class viesti.MockSender: viesti.Sender
---@field routes viesti.MockRoute[]? as they were given
---@field asynchronous boolean whether it suspends tasks for a `delay` and starts tasks beside them, as an AsyncSender does, instead of blocking (default false)
---@field clock viesti.Clock? what it and the layers around it tell the time by, and sleep on
---@field keep integer how many requests it remembers, the last ones (default 1000)
---@overload fun(options?: viesti.MockSender.Options): viesti.MockSender
---@overload fun(routes?: viesti.MockRoute[], asynchronous?: boolean, clock?: viesti.Clock, keep?: integer): viesti.MockSender
local MockSender = {}

--- Adds a route behind those that there are. Returns the sender.
---@param given viesti.MockRoute
---@return viesti.MockSender
function MockSender:route(given) end

--- The requests that it was sent, the last one last.
---@return viesti.Request[]
function MockSender:requests() end

--- Forgets the requests.
function MockSender:clear() end

--- The same in blocking or in suspending: with the same routes, and one memory of requests. Client
--- asks for it where its chain is to be of the other kind.
---@param asynchronous boolean
---@return viesti.MockSender
function MockSender:of_kind(asynchronous) end

--- Answers the request as the first route that fits it says.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response? response, viesti.Error? err
function MockSender:send(request) end

---@class viesti.RateLimit.Options
---@field rate number how many requests may go (from 0.001 to 1000000000)
---@field per? number in so many seconds (from 0.001 to 1000000000; default 1)
---@field burst? integer how many may go at once when none went for a while (from 1 to 1000000000; default 1)
---@field queue? integer how many may wait; for each key (default 1000)
---@field cooldown? viesti.Cooldown keeps who is held back by a 429, for other layers that are to know, or are known here
---@field max_keys? integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)

--- RateLimit(rate, per, burst): at most `rate` requests in `per` seconds, for each key, in the
--- order in which they come. Several chains may share one.
---@class viesti.RateLimit: viesti.Shared
---@field rate number how many requests may go (from 0.001 to 1000000000)
---@field per number in so many seconds (from 0.001 to 1000000000; default 1)
---@field burst integer how many may go at once when none went for a while (from 1 to 1000000000; default 1)
---@field queue integer how many may wait; for each key (default 1000)
---@field cooldown viesti.Cooldown|false keeps who is held back by a 429, for other layers that are to know, or are known here
---@field max_keys integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)
---@overload fun(options: viesti.RateLimit.Options): viesti.RateLimit
---@overload fun(rate: number, per?: number, burst?: integer, queue?: integer, cooldown?: viesti.Cooldown, max_keys?: integer): viesti.RateLimit
local RateLimit = {}

--- What has happened since it was made.
---@return viesti.RateLimitStats
function RateLimit:stats() end

---@class viesti.RateLimitingSender.Options
---@field rate? number how many requests may go; needed where no limit is given (from 0.001 to 1000000000)
---@field per? number in so many seconds (from 0.001 to 1000000000; default 1)
---@field burst? integer how many may go at once when none went for a while (from 1 to 1000000000; default 1)
---@field key? string|(fun(request: viesti.Request): string?) what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field max_wait? number seconds that a request may wait; who would have to wait longer fails at once (default 60)
---@field queue? integer how many may wait; for each key (default 1000)
---@field learn? boolean whether to go slower where the RateLimit fields of responses say so (default false)
---@field limit? viesti.RateLimit a limit to share with other chains, instead of one of its own
---@field cooldown? viesti.Cooldown keeps who is held back by a 429, for other layers that are to know, or are known here
---@field max_keys? integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- RateLimitingSender{ rate, per, burst, ... }: sends no more than so many requests in a time; who
--- comes earlier waits for his turn, or is told at once that it would take too long.
---@class viesti.RateLimitingSender: viesti.ExtendingSender
---@field rate number? how many requests may go; needed where no limit is given (from 0.001 to 1000000000)
---@field per number in so many seconds (from 0.001 to 1000000000; default 1)
---@field burst integer how many may go at once when none went for a while (from 1 to 1000000000; default 1)
---@field key string|(fun(request: viesti.Request): string?)|nil what is counted by: a function of the request that returns a string, or nil for what is not counted; or one string for all requests; the request's origin if nothing is given
---@field max_wait number seconds that a request may wait; who would have to wait longer fails at once (default 60)
---@field queue integer how many may wait; for each key (default 1000)
---@field learn boolean whether to go slower where the RateLimit fields of responses say so (default false)
---@field limit viesti.RateLimit a limit to share with other chains, instead of one of its own
---@field cooldown viesti.Cooldown? keeps who is held back by a 429, for other layers that are to know, or are known here
---@field max_keys integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)
---@field clock viesti.Clock|false what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.RateLimitingSender.Options): viesti.RateLimitingSender
---@overload fun(rate?: number, per?: number, burst?: integer, key?: string|(fun(request: viesti.Request): string?), max_wait?: number, queue?: integer, learn?: boolean, limit?: viesti.RateLimit, cooldown?: viesti.Cooldown, max_keys?: integer, sender?: viesti.Sender): viesti.RateLimitingSender

---@class viesti.RecordingSender.Options
---@field path string the file
---@field mode? "once"|"none"|"new"|"all" once: records if there is no file, and answers out of it otherwise; none: never lets a request out; new: lets out what the file does not have, and adds it; all: lets all out, into a new file (default "once")
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field secrets? string[] names of further header fields, params, form fields and members of JSON whose values are not kept
---@field max_body? integer bytes of a streamed body that it takes; more is the error too_large (default 67108864)
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- RecordingSender{ path, mode = "once" | "none" | "new" | "all", sender }: for tests: lets
--- requests out once, keeps what they came to in a text file, and answers out of that from then on.
---@class viesti.RecordingSender: viesti.ExtendingSender
---@field path string the file
---@field mode "once"|"none"|"new"|"all" once: records if there is no file, and answers out of it otherwise; none: never lets a request out; new: lets out what the file does not have, and adds it; all: lets all out, into a new file (default "once")
---@field secrets string[]? names of further header fields, params, form fields and members of JSON whose values are not kept
---@field max_body integer bytes of a streamed body that it takes; more is the error too_large (default 67108864)
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options: viesti.RecordingSender.Options): viesti.RecordingSender
---@overload fun(path: string, mode?: "once"|"none"|"new"|"all", sender?: viesti.Sender, secrets?: string[], max_body?: integer): viesti.RecordingSender

---@class viesti.RedirectingSender.Options
---@field max_redirects? integer redirects followed for one request; one more is the error redirect (default 20)
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field allow_downgrade? boolean follow a redirect from https to http (default false)
---@field secret_headers? string[] further header fields that are for the first origin alone: a list of names
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- RedirectingSender(max_redirects, sender): follows redirects (RFC 9110 15.4), to http and https
--- alone, and takes no secret to another origin. It stands outside the cache.
---@class viesti.RedirectingSender: viesti.ExtendingSender
---@field max_redirects integer redirects followed for one request; one more is the error redirect (default 20)
---@field allow_downgrade boolean follow a redirect from https to http (default false)
---@field secret_headers string[]? further header fields that are for the first origin alone: a list of names
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options?: viesti.RedirectingSender.Options): viesti.RedirectingSender
---@overload fun(max_redirects?: integer, sender?: viesti.Sender, allow_downgrade?: boolean, secret_headers?: string[]): viesti.RedirectingSender

---@class viesti.Request.Options
---@field method? string the method, GET if not given; with a body it must be given; letters are made upper case
---@field url string http or https, without spaces; what else may not stand in a URL is percent-encoded
---@field params? table names to values, or a list of pairs: added to the URL's query; true and false are sent as such, and a value may be a list
---@field headers? table|viesti.Headers names to values, or a list of pairs; a value may be a list, or false: no such field is sent, not even the session's or libcurl's own
---@field data? table body: names to values, or a list of pairs, sent as a form
---@field json? any body: any value, sent as JSON
---@field content? string|function|file* body: the bytes themselves; a function that returns them piece by piece, then nil; or an open file
---@field multipart? { [string]: any }|viesti.Part[]|viesti.Multipart body: names to values as in `data`, or open files; or a list of parts { name, content or path, filename, type, headers }, sent as multipart/form-data
---@field length? integer bytes that a function in `content` will return in all; without it they go chunked
---@field factory? boolean the function in `content` returns a new function for each attempt, which supplies the bytes; so the request can be sent again
---@field timeout? number seconds for the whole exchange, instead of the session's; 0 for no limit
---@field deadline? number the moment, on the clock of sender:now(), at which all that is done for it ends: waits and retries, too; sender:now() + 5, say
---@field idempotent? boolean true: sending it twice does no harm, whatever its method
---@field stream? boolean return when the head is there; the body is read with response:chunks() or :read() (default false)
---@field on_progress? function called while the response's body comes, with the bytes so far and, if known, in all
---@field secret_headers? string[] names of header fields that no redirect is to take to another origin
---@field ttl? number seconds that a CachingSender keeps the response fresh, instead of its own `ttl`

--- An immutable value. `params`, `data`, `json` and `content` read back as they were given.
--- `multipart` is for another request: #multipart is the number of its parts.
---@class viesti.Request.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options: viesti.Request.Options): viesti.Request
---@overload fun(method?: string, url: string, params?: table, headers?: table|viesti.Headers, data?: table, json?: any, content?: string|function|file*, multipart?: { [string]: any }|viesti.Part[]|viesti.Multipart, length?: integer, factory?: boolean, timeout?: number, deadline?: number, idempotent?: boolean, stream?: boolean, on_progress?: function, secret_headers?: string[], ttl?: number): viesti.Request
local RequestClass = {}

--- `given` as a Request: a request as it is, a table of options made into one. `what` was called
--- with it, `send` if not said.
---@param given viesti.Request|viesti.Request.Options
---@param what? string
---@return viesti.Request
function RequestClass.from(given, what) end

---@class viesti.Response.Options
---@field url? string where it came from (default "")
---@field headers? table|viesti.Headers names to values, or a list of pairs; a value may be a list
---@field status_code? integer the status (from 100 to 999; default 200)
---@field content? any the decoded body, encoded as JSON into `body`
---@field body? string the bytes of the body, instead of `content`
---@field reason? string the reason phrase (default "")

--- An immutable value.
---@class viesti.Response.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options?: viesti.Response.Options): viesti.Response
---@overload fun(url?: string, headers?: table|viesti.Headers, status_code?: integer, content?: any, body?: string, reason?: string): viesti.Response

---@class viesti.RetryBudget.Options
---@field max_tokens? number how many there are; retries stop when half of them are gone (1 or more; default 10)
---@field token_ratio? number what a success gives back: 0.1 allows one retry for ten successes in the long run (0.001 or more; default 0.1)

--- RetryBudget(max_tokens, token_ratio): keeps retries from multiplying the load of servers that
--- fail all at once, as gRPC's retry throttling does.
---@class viesti.RetryBudget: viesti.Shared
---@field max_tokens number how many there are; retries stop when half of them are gone (1 or more; default 10)
---@field token_ratio number what a success gives back: 0.1 allows one retry for ten successes in the long run (0.001 or more; default 0.1)
---@field tokens number what is left
---@overload fun(options?: viesti.RetryBudget.Options): viesti.RetryBudget
---@overload fun(max_tokens?: number, token_ratio?: number): viesti.RetryBudget

---@class viesti.RetryingSender.Options.backoff
---@field base? number seconds before the first retry (default 1)
---@field factor? number growth from retry to retry (1 or more; default 2)
---@field cap? number seconds no wait exceeds (default 30)
---@field jitter? "full"|"none" full: a random part of the wait, so that clients do not come back all at once (default "full")

---@class viesti.RetryingSender.Options.rate_limit
---@field max_wait? number seconds that one request may wait in all; it returns at once if more is asked for (default 60)
---@field pad? number seconds added to what Retry-After asks for (default 1)
---@field shared? boolean|viesti.Cooldown whether a 429 holds back all requests to its origin, or a Cooldown to share that with other chains (default true)

---@class viesti.RetryingSender.Options
---@field retries? integer how often a server or transport error is tried again (default 0)
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field statuses? string|(integer|string)[] which statuses are server errors: a list of them and of classes such as "5xx", or one class; 408, 500, 502, 503 and 504 if nothing is given
---@field methods? string|string[] what is sent again where the server may have done it already: "idempotent" methods, "any", or those of a list (default "idempotent")
---@field idempotency_key? boolean adds an Idempotency-Key to what is not idempotent, the same in all attempts, which makes it so for servers that know the field (default false)
---@field backoff? viesti.RetryingSender.Options.backoff waits after server and transport errors
---@field rate_limit? viesti.RetryingSender.Options.rate_limit waits after a 429
---@field max_time? number seconds for a request in all, its retries and waits included
---@field attempt_timeout? number seconds for each attempt, instead of the session's timeout
---@field budget? viesti.RetryBudget keeps retries few while much fails; to share between chains
---@field policy? string|(fun(context: viesti.RetryContext): boolean|number|nil) a function of what happened that returns nil (as usual), false (not again), true (again) or the seconds to wait; or the name of one of viesti.policies
---@field on_retry? fun(context: viesti.RetryContext) called with what happened before each wait
---@field on_give_up? fun(context: viesti.RetryContext) called with what happened where something is not sent again that failed
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- RetryingSender(retries, sender): sends again what failed for a reason that may pass.
---@class viesti.RetryingSender: viesti.ExtendingSender
---@field retries integer how often a server or transport error is tried again (default 0)
---@field statuses string|(integer|string)[]|nil which statuses are server errors: a list of them and of classes such as "5xx", or one class; 408, 500, 502, 503 and 504 if nothing is given
---@field methods string|string[] what is sent again where the server may have done it already: "idempotent" methods, "any", or those of a list (default "idempotent")
---@field idempotency_key boolean adds an Idempotency-Key to what is not idempotent, the same in all attempts, which makes it so for servers that know the field (default false)
---@field backoff viesti.RetryingSender.Options.backoff waits after server and transport errors
---@field rate_limit viesti.RetryingSender.Options.rate_limit waits after a 429
---@field max_time number? seconds for a request in all, its retries and waits included
---@field attempt_timeout number? seconds for each attempt, instead of the session's timeout
---@field budget viesti.RetryBudget? keeps retries few while much fails; to share between chains
---@field policy string|(fun(context: viesti.RetryContext): boolean|number|nil)|nil a function of what happened that returns nil (as usual), false (not again), true (again) or the seconds to wait; or the name of one of viesti.policies
---@field on_retry (fun(context: viesti.RetryContext))? called with what happened before each wait
---@field on_give_up (fun(context: viesti.RetryContext))? called with what happened where something is not sent again that failed
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@field cooldown viesti.Cooldown|false
---@overload fun(options?: viesti.RetryingSender.Options): viesti.RetryingSender
---@overload fun(retries?: integer, sender?: viesti.Sender, statuses?: string|(integer|string)[], methods?: string|string[], idempotency_key?: boolean, backoff?: viesti.RetryingSender.Options.backoff, rate_limit?: viesti.RetryingSender.Options.rate_limit, max_time?: number, attempt_timeout?: number, budget?: viesti.RetryBudget, policy?: string|(fun(context: viesti.RetryContext): boolean|number|nil), on_retry?: (fun(context: viesti.RetryContext)), on_give_up?: (fun(context: viesti.RetryContext))): viesti.RetryingSender

--- Sender: the interface of everything that sends. Extend it to make a concrete sender.
---@class viesti.Sender: viesti.Class
---@field is_async boolean whether `send` suspends the running task instead of blocking
local Sender = {}

--- Waits, as a request would: a task lets others run meanwhile, a synchronous caller blocks.
---@param seconds number
function Sender:sleep(seconds) end

--- Starts a function as a task beside the caller, where `send` suspends tasks; nil where it blocks.
---@param fn function
---@return viesti.Task?
function Sender:spawn(fn, ...) end

--- Seconds on a clock that never steps; only differences mean something.
---@return number
function Sender:now() end

--- Seconds since 1970 by the clock on the wall, which may step.
---@return number
function Sender:wall() end

--- A random number from 0 to 1, 1 not included.
---@return number
function Sender:random() end

--- Gives back what the sender holds; sending is over after that. Closing twice is harmless.
function Sender:close() end

--- What a declared option of the sender is now.
---@param name string
---@return any
function Sender:option(name) end

--- The sender as a table: { class, options = { every option in force }, sender = { ... } }.
---@return table
function Sender:describe() end

--- What is wrong with the order of the layers, each in a sentence; an empty list if nothing is.
---@return string[]
function Sender:check() end

--- Sends a request, which a table of its options may stand for, and waits for the response: a task
--- is suspended under an AsyncSender, and the caller blocked otherwise. Each concrete sender and
--- each layer has its own.
---@param request viesti.Request|viesti.Request.Options
---@return viesti.Response?, viesti.Error?
function Sender:send(request) end

---@class viesti.Session.Options
---@field timeout? number seconds for a whole exchange; 0 for no limit (default 60)
---@field connect_timeout? number seconds to look up, connect and shake hands; 0 for no limit (default 10)
---@field idle_timeout? number seconds without a byte either way, once connected; strikes up to a quarter later; 0 for no limit (default 30)
---@field low_speed_limit? integer bytes a second; an exchange slower than that for low_speed_time fails; 0 for no limit (default 0)
---@field low_speed_time? integer seconds that low_speed_limit is measured over (1 or more; default 30)
---@field max_body? integer bytes of a decoded body; a larger one is the error too_large (1 or more; default 67108864)
---@field max_connections? integer connections open at once, further requests queue; 0 for no limit (default 256)
---@field max_connections_per_host? integer likewise, to each host and port (default 0)
---@field max_idle_connections? integer connections kept open for later requests; 0 for four times as many as were in use (default 0)
---@field http_version? "auto"|"1.1"|"2"|"3" auto takes 2 where TLS negotiates it; with 2 requests wait to share a connection (default "auto")
---@field decode? boolean ask for compressed bodies and decompress them (default true)
---@field verify? boolean check the server's certificate and name (default true)
---@field ca? string PEM file of authorities to trust instead of the system's
---@field proxy? string URL of a proxy, "" for none; the environment's if not given
---@field trust_env? boolean heed the environment's http_proxy, https_proxy, all_proxy, no_proxy, SSL_CERT_FILE (default true)
---@field min_tls? "1.2"|"1.3" lowest TLS version; libcurl's own choice if not given
---@field client_cert? string file with the client's certificate (PEM)
---@field client_key? string file with its key, where that is another
---@field unix_socket? string path of a socket to connect to instead of TCP
---@field interface? string name or address of the interface to send from
---@field resolve? string[] list of "host:port:address": names that are not looked up
---@field cookies? boolean keep cookies and send them again, by RFC 6265; servers set none for public suffixes (default false)
---@field curl? table further options of libcurl by name, without CURLOPT_
---@field user_agent? string the User-Agent field (default "viesti/0.1.0")

--- Connections and settings, which several senders may share.
---@class viesti.Session.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options?: viesti.Session.Options): viesti.Session
---@overload fun(timeout?: number, connect_timeout?: number, idle_timeout?: number, low_speed_limit?: integer, low_speed_time?: integer, max_body?: integer, max_connections?: integer, max_connections_per_host?: integer, max_idle_connections?: integer, http_version?: "auto"|"1.1"|"2"|"3", decode?: boolean, verify?: boolean, ca?: string, proxy?: string, trust_env?: boolean, min_tls?: "1.2"|"1.3", client_cert?: string, client_key?: string, unix_socket?: string, interface?: string, resolve?: string[], cookies?: boolean, curl?: table, user_agent?: string): viesti.Session

---@class viesti.Store.Options
---@field max_size? integer most responses kept, the least recently used goes first (by and large, from 65,536 on); no bound if not given (1 or more)
---@field max_bytes? integer most bytes of memory that they hold in all, likewise (1 or more)
---@field max_entry_bytes? integer a response that holds more is not kept; no bound but max_bytes if not given (1 or more)

--- A cache store; several CachingSenders may share one.
---@class viesti.Store.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options?: viesti.Store.Options): viesti.Store
---@overload fun(max_size?: integer, max_bytes?: integer, max_entry_bytes?: integer): viesti.Store

---@class viesti.SyncSender.Options: viesti.Session.Options
---@field session? viesti.Session a Session to share; other options then go to it

--- SyncSender(session): sends and blocks until the response is there.
---@class viesti.SyncSender: viesti.Sender
---@field session viesti.Session a Session to share; other options then go to it
---@overload fun(options?: viesti.SyncSender.Options): viesti.SyncSender
---@overload fun(session?: viesti.Session, timeout?: number, connect_timeout?: number, idle_timeout?: number, low_speed_limit?: integer, low_speed_time?: integer, max_body?: integer, max_connections?: integer, max_connections_per_host?: integer, max_idle_connections?: integer, http_version?: "auto"|"1.1"|"2"|"3", decode?: boolean, verify?: boolean, ca?: string, proxy?: string, trust_env?: boolean, min_tls?: "1.2"|"1.3", client_cert?: string, client_key?: string, unix_socket?: string, interface?: string, resolve?: string[], cookies?: boolean, curl?: table, user_agent?: string): viesti.SyncSender

---@class viesti.TracingSender.Options
---@field on_event fun(name: "start"|"response"|"end"|"error", span: viesti.Span) called with the event's name, start, response, end or error, and the attempt's span
---@field sender? viesti.Sender the inner sender; a SyncSender if none is given
---@field request_headers? string[] names of header fields of requests to be attributes
---@field response_headers? string[] likewise of responses
---@field secrets? string[] names of further header fields and params whose values are not told
---@field clock? viesti.Clock what this layer and those around it tell the time by, and sleep on; for tests

--- TracingSender{ on_event = fn, sender = ... }: tells of every attempt by OpenTelemetry's semantic
--- conventions for HTTP clients, without secrets. It stands inside of what sends again.
---@class viesti.TracingSender: viesti.ExtendingSender
---@field on_event fun(name: "start"|"response"|"end"|"error", span: viesti.Span) called with the event's name, start, response, end or error, and the attempt's span
---@field request_headers string[]? names of header fields of requests to be attributes
---@field response_headers string[]? likewise of responses
---@field secrets string[]? names of further header fields and params whose values are not told
---@field clock viesti.Clock? what this layer and those around it tell the time by, and sleep on; for tests
---@overload fun(options: viesti.TracingSender.Options): viesti.TracingSender
---@overload fun(on_event: (fun(name: "start"|"response"|"end"|"error", span: viesti.Span)), sender?: viesti.Sender, request_headers?: string[], response_headers?: string[], secrets?: string[]): viesti.TracingSender

---@class viesti.Har.Options
---@field path string the file, which is begun anew
---@field bodies? boolean whether bodies are written, but for those of streams (default false)
---@field max_body? integer bytes of each body that are, from its start (default 65536)

--- viesti.har{ path, bodies = false, max_body = 64 KiB }: what a TracingSender tells, as a file in
--- the HTTP Archive format (HAR 1.2), which a browser's developer tools open.
---@class viesti.Har: viesti.Shared
---@field path string the file, which is begun anew
---@field bodies boolean whether bodies are written, but for those of streams (default false)
---@field max_body integer bytes of each body that are, from its start (default 65536)
---@field on_event fun(name: string, span: viesti.Span) for a TracingSender
---@overload fun(options: viesti.Har.Options): viesti.Har
---@overload fun(path: string, bodies?: boolean, max_body?: integer): viesti.Har
local Har = {}

--- Ends the file; what is told after that is not written. Returns how many entries it has; or nil
--- and why something could not be written, as soon as that happened.
---@return integer? entries, string? reason
function Har:close() end

---@class viesti.standard.Options
---@field asynchronous? boolean an AsyncSender at the end of the chain, rather than a SyncSender (default false)
---@field session? viesti.Session.Options|viesti.Session a Session for it, or the options of one
---@field sender? viesti.Sender the end of the chain instead of those two: a MockSender, say
---@field client? viesti.Client.Options|boolean the base of API clients, outermost; false leaves it out
---@field defaults? viesti.DefaultsSender.Options|boolean what all requests to one API have in common; only where this is given
---@field redirecting? viesti.RedirectingSender.Options|boolean follows redirects; false leaves it out
---@field authenticating? viesti.AuthenticatingSender.Options|boolean says who is asking; only where this is given
---@field caching? viesti.CachingSender.Options|boolean keeps what may be kept, in memory; false leaves it out
---@field deadline? viesti.DeadlineSender.Options|boolean ends a request with all its retries; false leaves it out
---@field retrying? viesti.RetryingSender.Options|boolean sends again what may be; false leaves it out
---@field failover? viesti.FailoverSender.Options|boolean the same service at several places; only where this is given
---@field circuit_breaking? viesti.CircuitBreakingSender.Options|boolean leaves alone what fails again and again; false leaves it out
---@field hedging? viesti.HedgingSender.Options|boolean asks once more where an answer is slow to come; only where this is given
---@field rate_limiting? viesti.RateLimitingSender.Options|boolean no more than so many requests in a time; only where this is given
---@field concurrency_limiting? viesti.ConcurrencyLimitingSender.Options|boolean no more than so many at once; only where this is given
---@field tracing? viesti.TracingSender.Options|boolean tells what is sent; only where this is given

--- The chain: Client > Redirecting > Caching > Deadline > Retrying > CircuitBreaking > SyncSender,
--- with every further layer that is given options, in the recommended order. Each option is a table
--- of those of its layer; false leaves it out.
---@class viesti.standard.Class
---@field name string
---@field options viesti.OptionDeclaration[] its options, as they are declared
---@overload fun(options?: viesti.standard.Options): viesti.Sender
---@overload fun(asynchronous?: boolean, session?: viesti.Session.Options|viesti.Session, sender?: viesti.Sender, client?: viesti.Client.Options|boolean, defaults?: viesti.DefaultsSender.Options|boolean, redirecting?: viesti.RedirectingSender.Options|boolean, authenticating?: viesti.AuthenticatingSender.Options|boolean, caching?: viesti.CachingSender.Options|boolean, deadline?: viesti.DeadlineSender.Options|boolean, retrying?: viesti.RetryingSender.Options|boolean, failover?: viesti.FailoverSender.Options|boolean, circuit_breaking?: viesti.CircuitBreakingSender.Options|boolean, hedging?: viesti.HedgingSender.Options|boolean, rate_limiting?: viesti.RateLimitingSender.Options|boolean, concurrency_limiting?: viesti.ConcurrencyLimitingSender.Options|boolean, tracing?: viesti.TracingSender.Options|boolean): viesti.Sender

---@class viesti.Policies
local policies = {}

--- Also asks again where the answer is not ready yet (202), as long as there are retries.
---@param context viesti.RetryContext
---@return boolean|number|nil
function policies.accepted(context) end

--- What the first of the policies says that says anything.
---@param ... fun(context: viesti.RetryContext): boolean|number|nil
---@return fun(context: viesti.RetryContext): boolean|number|nil
function policies.first_of(...) end

--- Nothing is sent again, not even after a 429.
---@return false
function policies.never() end

--- Also sends again what has these statuses.
---@param ... integer
---@return fun(context: viesti.RetryContext): boolean?
function policies.on_statuses(...) end

--- Also sends again, at once, what came as early data and was not wanted so (425, RFC 8470 5.2).
---@param context viesti.RetryContext
---@return integer?
function policies.too_early(context) end

--- Only what certainly never left is sent again, and what a rate limit turned away.
---@param context viesti.RetryContext
---@return false?
function policies.unsent(context) end

---@class viesti.Testing
local testing = {}

---@class viesti.testing.clock.Options
---@field wall? number seconds since 1970 when it starts (default 1000000000.0)
---@field seed? integer of its random numbers (default 1)

--- A clock for the `clock` option of a chain's innermost sender: `now`, `wall`, `sleep` and
--- `random` as the real ones, but that ten minutes pass in no time, and the random numbers are the
--- same in each run. `advance(seconds)` lets time pass, `slept()` is how long was slept on it in
--- all.
---@param options? viesti.testing.clock.Options
---@return viesti.TestClock
---@overload fun(wall?: number, seed?: integer): viesti.TestClock
function testing.clock(options) end

---@class viesti
---@field AsyncSender viesti.AsyncSender
---@field AuthenticatingSender viesti.AuthenticatingSender
---@field CURL_VERSION string libcurl's version
---@field CachingSender viesti.CachingSender
---@field ChainFileWarning viesti.WarningCategory
---@field CircuitBreaker viesti.CircuitBreaker
---@field CircuitBreakingSender viesti.CircuitBreakingSender
---@field Client viesti.Client
---@field ConcurrencyLimit viesti.ConcurrencyLimit
---@field ConcurrencyLimitingSender viesti.ConcurrencyLimitingSender
---@field Cooldown viesti.Cooldown
---@field DeadlineSender viesti.DeadlineSender
---@field DefaultsSender viesti.DefaultsSender
---@field Error viesti.Error.Class
---@field ExtendingSender viesti.ExtendingSender
---@field FailoverSender viesti.FailoverSender
---@field HedgingSender viesti.HedgingSender
---@field InsecureWarning viesti.WarningCategory
---@field MockSender viesti.MockSender
---@field RateLimit viesti.RateLimit
---@field RateLimitingSender viesti.RateLimitingSender
---@field RecordingSender viesti.RecordingSender
---@field RedirectingSender viesti.RedirectingSender
---@field Request viesti.Request.Class
---@field Response viesti.Response.Class
---@field RetryBudget viesti.RetryBudget
---@field RetryingSender viesti.RetryingSender
---@field Sender viesti.Sender
---@field SenderConflictWarning viesti.WarningCategory
---@field Session viesti.Session.Class
---@field Store viesti.Store.Class
---@field StoreWarning viesti.WarningCategory
---@field SyncSender viesti.SyncSender
---@field TaskWarning viesti.WarningCategory
---@field TracingSender viesti.TracingSender
---@field VERSION string viesti's version
---@field har viesti.Har
---@field null lightuserdata stands for JSON's null: in what is encoded, and in `response:json { null = viesti.null }`
---@field policies viesti.Policies policies ready for a RetryingSender
---@field standard viesti.standard.Class
---@field testing viesti.Testing what is for tests of users' own
---@field sqlite viesti.sqlite.Class a store in an SQLite file (the rock viesti-sqlite)
---@field redis fun(options?: viesti.redis.Options|string): viesti.Redis a store on a Redis server (the rock viesti-redis)
---@field RedisLimit viesti.RedisLimit a RateLimit that holds over many machines (the rock viesti-redis)
local viesti = {}

--- Marks a table as a list, so that it encodes as [] even when it is empty. Returns it.
---@param list table
---@return table
function viesti.array(list) end

--- Builds a chain from a list of senders, outermost first. Each but the last is put over the next
--- one; those given stay as they are.
---@param senders viesti.Sender[]
---@return viesti.Sender
function viesti.chain(senders) end

---@class viesti.check.Options
---@field trusted? boolean false: the file may hold data only, and is run with bounded memory and time (default true)
---@field name? string what to call it in messages, as for Lua's own load; its path if not given

--- Loads the chain file, prints nothing, closes it again. Returns true and the text; or false and
--- the sentence that says what is wrong with the file.
---@param what string as for `load`, and so are the others
---@param env? table<string, any>
---@param choices? viesti.check.Options
---@return boolean fine, string text
function viesti.check(what, env, choices) end

---@class viesti.download.Options
---@field sender viesti.Sender the chain to send through
---@field request viesti.Request|viesti.Request.Options a GET, or a table of its options
---@field path string where the file appears when it is whole; until then it grows in `path.part`
---@field on_progress? fun(done: integer, total: integer?) called with the bytes that are there, and with how many there will be (nil: unknown)
---@field retries? integer how often it is tried again where the transfer fails; each goes on where one ended (default 0)
---@field wait? number seconds between two attempts (default 1)
---@field resume? boolean go on with what an earlier download left; false: from the start, and leave nothing (default true)

--- Writes the body of the response to a file, which appears under its name only when it is whole.
--- Takes one table of options, or them in their order. Returns the number of bytes in the file; or
--- nil and why it is not there: an error object if the transfer failed, a sentence if the file or
--- the status did, and with the status the response, whose body is not read.
---@param options viesti.download.Options
---@return integer? bytes, viesti.Error|string? reason, viesti.Response? response
---@overload fun(sender: viesti.Sender, request: viesti.Request|viesti.Request.Options, path: string, on_progress?: (fun(done: integer, total: integer?)), retries?: integer, wait?: number, resume?: boolean): integer?, viesti.Error|string?, viesti.Response?
function viesti.download(options) end

--- What the libcurl below can do.
---@return table<string, boolean>
function viesti.features() end

---@class viesti.load.Options
---@field trusted? boolean false: the file may hold data only, and is run with bounded memory and time (default true)
---@field name? string what to call it in messages, as for Lua's own load; its path if not given

--- The chain file `what`, a path or its text, as a sender that can be reloaded. It ends with
--- `return <the chain>`; its globals are viesti's names, the harmless part of Lua's, and those of
--- `env`. Of other names that it reads, which are nil, a ChainFileWarning tells. Precompiled chunks
--- are refused.
---@param what string
---@param env? table<string, any>
---@param choices? viesti.load.Options
---@return viesti.Pipeline? pipeline, string? reason
function viesti.load(what, env, choices) end

--- The loop of this Lua state, for those who drive it from another one.
---@return viesti.Loop
function viesti.loop() end

---@class viesti.map.Options
---@field concurrency? integer how many calls are under way at once (1 or more; default 10)
---@field errors? "raise"|"collect" collect: what a call raises stands among the errors, and the others go on (default "raise")

--- Calls `fn(item, index)` for every item of a list in tasks, at most `concurrency` (10) at once.
--- Returns the list of first results and the list of second ones, each in the order of the items:
--- with `send`, responses and errors. The first error raised cancels the calls under way and is
--- raised again; with `errors = "collect"` it stands in the second list and the others go on.
---@generic T
---@param list T[]
---@param fn fun(item: T, index: integer): any, any
---@param choices? viesti.map.Options
---@return any[] results, any[] errors
function viesti.map(list, fn, choices) end

--- The URL that a reference in what came from `base`, a relative link, say, leads to, in normal
--- form (RFC 3986 5.2); or nil and what is wrong with it.
---@param base string an http or https URL
---@param reference string
---@return string? url, string? reason
function viesti.resolve_url(base, reference) end

--- Runs `fn(...)` as a task, and the loop until it is done; returns what it returned. Inside a task
--- it just calls it.
---@param fn function
---@return any ...
function viesti.run(fn, ...) end

--- Waits: in a task the others run meanwhile, elsewhere the loop is driven.
---@param seconds number
function viesti.sleep(seconds) end

--- Starts `fn(...)` as a task that runs beside the caller. It takes its first step when the caller
--- next waits.
---@param fn function
---@return viesti.Task
function viesti.spawn(fn, ...) end

--- Two stores, one in front of the other.
---@param stores { [1]: viesti.Store, [2]: viesti.ForeignStore }
---@return viesti.Tiered
function viesti.tiered(stores) end

--- Runs `fn(...)` as a task for so many seconds at most; returns what it returned. When the time is
--- over the task is cancelled, with its requests, and there is nil and an error `timeout`.
---@param seconds number
---@param fn function
---@return any ...
function viesti.timeout(seconds, fn, ...) end

--- Connections and settings, which several senders may share.
---@class viesti.Session
local Session = {}

--- The cookies, a line in Netscape's format each.
---@return string[]
function Session:cookies() end

--- Takes a cookie in: a line in Netscape's format, or a Set-Cookie field. `url` says where such a
--- field comes from; without it the field must have a Domain.
---@param line string
---@param url? string
---@return boolean? done, string? reason
function Session:add_cookie(line, url) end

--- Forgets all cookies.
---@return boolean? done, string? reason
function Session:clear_cookies() end

--- Reads cookies from a file that save_cookies, or a browser's export in Netscape's format, wrote:
--- all of them or, where a line is no cookie, none.
---@param path string
---@return boolean? done, string? reason
function Session:load_cookies(path) end

--- Writes the session's cookies to a file that only its owner may read.
---@param path string
---@return boolean? done, string? reason
function Session:save_cookies(path) end

--- The options in force, defaults included.
---@return table
function Session:describe() end

--- Ends what is in flight with the error `closed` and closes all connections. Closing again does
--- nothing.
function Session:close() end

--- Whether it sends nothing any more.
---@return boolean
function Session:is_closed() end

--- What tells the time, and sleeps, for a sender and those around it.
---@class viesti.Clock
---@field now fun(): number seconds on a clock that never steps
---@field wall fun(): number seconds since 1970
---@field sleep fun(seconds: number)
---@field random fun(): number a random number from 0 to 1, 1 not included

---@alias viesti.AnyStore viesti.Store|viesti.Tiered|viesti.ForeignStore

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

--- A copy of the request with other options. Headers and params are merged by name: values given
--- here replace those of the name, and a list of none, `{}`, takes it away. false means what it
--- means to Request: a param's value is "false", a header is not sent at all. A body given here
--- replaces the one there was; a GET without one is given a method with it.
---@param changes table options as for Request
---@return viesti.Request
function Request:with(changes) end

--- True if sending it twice is as good as once (RFC 9110 9.2.2).
---@return boolean
function Request:is_idempotent() end

--- True if its body is still there to be sent another time.
---@return boolean
function Request:is_replayable() end

--- An immutable value.
---@class viesti.Response
---@field history viesti.Response[]? the redirects that led here, first one first; nil if none did
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

--- The body decoded as JSON, null as viesti.null where `choices.null` asks for it; or nil and why
--- it is none.
---@param choices? { null: any }
---@return any value, string? reason
function Response:json(choices) end

--- The next bytes of the body, at most `most`: of a streamed one as they come. nil at its end; nil
--- and an error if it was cut off.
---@param most? integer
---@return string? bytes, viesti.Error? err
function Response:read(most) end

--- What was not read yet of the body, piece by piece, each at most `most` bytes if given.
--- Leaving the loop early ends the transfer; a failure on the way is raised, so that a part is
--- never taken for the whole. A streamed body has one loop.
---   for chunk in response:chunks() do file:write(chunk) end
---@param most? integer
---@return fun(): string?
function Response:chunks(most) end

--- What was not read yet of the body, line by line, without the ends "\n" or "\r\n"; in all else
--- as `chunks`. A line of more than `most` bytes, 1 MiB if not given, is raised as the error
--- `too_large`.
---   for line in response:lines() do print(line) end
---@param most? integer
---@return fun(): string?
function Response:lines(most) end

--- Writes the body to a file, which appears under its name only when it is whole, in the place of
--- one that was there; or into what is no regular file. Returns the number of bytes; or nil and why
--- not: an error object if the transfer failed, a sentence if the file did.
---@param path string
---@return integer? bytes, viesti.Error|string? reason
function Response:save(path) end

--- True for a status of 200 to 299.
---@return boolean
function Response:is_success() end

--- The response itself if its status is below 400; raises the error `status` otherwise, which names
--- it and has it as `err.response`.
---@return viesti.Response
function Response:raise_for_status() end

--- Seconds until the request may be sent again, as Retry-After says: a number, or a date compared
--- with the response's own Date (RFC 9110 10.2.3); of a 429 or 503 without it as RateLimit,
--- RateLimit-Reset or X-RateLimit-Reset say. nil if they say nothing that makes sense, math.huge
--- for a number past all reason.
---@return number?
function Response:retry_after() end

--- Ends a streamed body that is not wanted to its end. Harmless otherwise.
function Response:close() end

---@class viesti.Inspection
---@field action "hit"|"refresh"|"validate"|"fetch"|"complete"|"bypass"|"timeout"
---@field forwarded string? why it would be sent on
---@field key string
---@field variants integer how many responses are kept under it
---@field age number? seconds, of the one that fits, as are those below
---@field ttl number? seconds of freshness left
---@field status_code integer?

---@class viesti.Shared: viesti.Class
local Shared = {}

--- The object as a table: { class, options = { every option in force } }.
---@return table
function Shared:describe() end

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

--- Why there is no response; tostring gives a sentence.
---@class viesti.Error
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
---@operator concat(any): string

---@class viesti.MockRoute
---@field method string? any if not given
---@field url string? the whole URL, with its query
---@field pattern string? a Lua pattern that is found in the URL: `%-`, `%.`, `%?` are these signs
---@field matches (fun(request: viesti.Request): boolean?)?
---@field answer any as the option `routes` says

---@class viesti.RateLimitStats
---@field admitted integer requests that were let pass
---@field waited integer requests that stood in line
---@field refused integer requests that failed since they would have waited too long
---@field held integer times that a 429 held back all of a key
---@field keys integer keys that are told apart at present
---@field errors integer? of one on a Redis server: times that it had to do without

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

--- A part of one, as a request takes it in a list: `content` or `path`.
---@class viesti.Part
---@field name string
---@field content string|number|boolean|file*|table? a list of them makes a part of each
---@field path string?
---@field filename string? what the server is told; "" for none
---@field type string? the media type
---@field headers table|viesti.Headers?

--- The parts of a multipart body: immutable, and reads its files where they stand.
---@class viesti.Multipart
---@operator len: integer

--- What a policy, `on_retry` and `on_give_up` are told.
---@class viesti.RetryContext
---@field request viesti.Request
---@field response viesti.Response? of the last attempt
---@field status_code integer? its status code
---@field error viesti.Error? where there is none
---@field sent "no"|"maybe" whether the server may have got the request
---@field reason "rate_limited"|"server_error"|"transport_error"|nil what calls for another attempt
---@field retry_after number? seconds that the response asks to wait
---@field attempts viesti.Attempt[] all so far
---@field attempt integer how many those are
---@field retries integer how many of them were retries that count
---@field retries_left integer
---@field elapsed number seconds since the first one began
---@field wait number? seconds until the next one, nil: no more; for a policy always those of true
---@field give_up string? why there is none

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

--- A cache store; several CachingSenders may share one.
---@class viesti.Store
local Store = {}

--- Forgets the responses of a URL, all variants of it.
---@param url string
---@return true done as of any store: another returns nil and why not where it could not
function Store:delete(url) end

--- Forgets what was stored with a tag, { tag = "a" }, or of URLs that begin so, { prefix =
--- "https://example.org/a/" }. Returns how many responses that were. It looks at every one.
---@param what { tag?: string, prefix?: string }
---@return integer
function Store:purge(what) end

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

--- One attempt at a request, as a TracingSender tells of it.
---@class viesti.Span
---@field id integer the first of its TracingSender's is 1
---@field attributes table<string, any> by OpenTelemetry's names, without secrets; it grows
---@field started number the moment, in seconds since 1970
---@field duration number? seconds; of a streamed response until its end; nil before that
---@field request viesti.Request itself, with all its secrets
---@field response viesti.Response? likewise
---@field error viesti.Error? why there is none, or why its body broke off
---@field resends integer how often the request came to nothing before
local Span = {}

--- The header fields of the request, or of the response, as a list of pairs without secrets.
---@param of "request"|"response"
---@return string[][]
function Span:headers(of) end

--- A clock that advances by itself.
---@class viesti.TestClock: viesti.Clock
---@field advance fun(seconds: number) lets time pass
---@field slept fun(): number how long was slept on it in all, in seconds

---@class viesti.WarningCategory
---@field name string
local WarningCategory = {}

--- What to do with warnings of this category: "print" them to stderr (the default), raise them as
--- an "error", "ignore" them, or call a function with (message, category). Returns what was done
--- before.
---@param action "print"|"error"|"ignore"|fun(message: string, category: viesti.WarningCategory)
---@return string|function previous
function WarningCategory:set(action) end

--- Emits a warning, which blames the user's line where the category raises.
---@param message string
function WarningCategory:emit(message) end

---@class viesti.Pipeline: viesti.ExtendingSender
---@field sender viesti.Sender the chain
local Pipeline = {}

--- Reads the file again, and from the next request on goes by what it says. Requests under way
--- finish on the chain they are in, which is closed with the last of them. Stores, limits and
--- sessions that the file names again with the same options are kept. Where it is broken, nothing
--- changes.
---@return true? done, string? reason nil and what is wrong with the file
function Pipeline:reload() end

--- Whether the file says something else than when it was last read, by `load` or `reload`, or is
--- there no longer; also where that failed, so that what is broken is tried once.
---@return boolean
function Pipeline:changed() end

--- Closes all that the file has made: requests under way end with the error `closed`. What the host
--- gave to it stays open.
function Pipeline:close() end

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

---@class viesti.Tiered
---@field near viesti.Store
---@field far viesti.ForeignStore
local Tiered = {}

--- Forgets every response, near and far.
---@return true? done, string? reason nil and why not, where it could not be done far away
function Tiered:clear() end

--- Forgets the responses of a URL, all variants of it, near and far.
---@param url string
---@return true? done, string? reason nil and why not, where it could not be done far away
function Tiered:delete(url) end

--- Forgets what was stored with a tag, or of URLs that begin so, near and far; see Store:purge.
---@param what { tag?: string, prefix?: string }
---@return integer? how many there were far away, nil and why not where it could not be done
---@return string? reason
function Tiered:purge(what) end

--- What `stats` of both stores tell: { near, far }.
---@return { near: table, far: table }
function Tiered:stats() end

--- Closes the far store.
function Tiered:close() end

--- Seconds from the start of the exchange; 0 where a step did not happen.
---@class viesti.Timings
---@field dns number until the name was looked up
---@field connect number until the connection stood
---@field tls number until TLS did
---@field first_byte number until the head of the answer began
---@field total number until its end

--- What a cache had to do with a response, in the words of RFC 9211.
---@class viesti.CacheFacts
---@field hit boolean whether nothing was sent
---@field forwarded "bypass"|"method"|"uri-miss"|"vary-miss"|"request"|"stale"|"partial"? why it was
---@field forward_status integer? the status of the answer to that
---@field stored boolean whether that answer was stored
---@field refused string? why not, in a word: "private", "no-lifetime", see docs/caching.md
---@field collapsed boolean whether another's request was waited for
---@field ttl number? seconds of freshness left, negative for a stale one
---@field key string under which it is kept, or would be: its URL, or what the options make of it

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

return viesti
