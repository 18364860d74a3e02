---@meta viesti.redis.limit
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.RedisLimit.Options
---@field url? string redis://user:password@host:port/database or unix:///path/of/a/socket; redis://127.0.0.1 if neither this nor unix_socket is given
---@field unix_socket? string path of a socket to connect to instead of a URL
---@field user? string whom the server knows the password of
---@field password? string what the server wants to hear
---@field database? integer its number; the URL's or 0 if not given
---@field key_prefix? string what the names of all keys there begin with (default "viesti:")
---@field timeout? number seconds that anything asked of the server may take, connecting included (0.001 or more; default 0.5)
---@field rate number how many requests may go (from 0.001 to 1000000000)
---@field per? number in so many seconds (from 0.001 to 1000000000; default 1)
---@field burst? integer how many may go at once when none went for a while (from 1 to 1000000000; default 1)
---@field queue? integer how many may wait; for each key (default 1000)
---@field cooldown? viesti.Cooldown keeps who is held back by a 429, for other layers that are to know, or are known here
---@field max_keys? integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)

--- RedisLimit{ url, rate, per, burst, ... }: a RateLimit that holds over many machines, whose
--- tokens are on a Redis server. Where the server is lost, each machine keeps to the same limit by
--- itself: no request fails for that.
---@class viesti.RedisLimit: viesti.RateLimit
---@field url string? redis://user:password@host:port/database or unix:///path/of/a/socket; redis://127.0.0.1 if neither this nor unix_socket is given
---@field unix_socket string? path of a socket to connect to instead of a URL
---@field user string? whom the server knows the password of
---@field password string? what the server wants to hear
---@field database integer? its number; the URL's or 0 if not given
---@field key_prefix string what the names of all keys there begin with (default "viesti:")
---@field timeout number seconds that anything asked of the server may take, connecting included (0.001 or more; default 0.5)
---@field max_keys integer how many keys are told apart; those beyond have one limit together, until one of the others was not used for so long that it is as good as new (1 or more; default 1024)
---@overload fun(options: viesti.RedisLimit.Options): viesti.RedisLimit
---@overload fun(url?: string, unix_socket?: string, user?: string, password?: string, database?: integer, key_prefix?: string, timeout?: number, rate: number, per?: number, burst?: integer, queue?: integer, cooldown?: viesti.Cooldown, max_keys?: integer): viesti.RedisLimit
local RedisLimit = {}

--- As a RateLimit's, of this object alone, and `errors`: how often the server was done without.
---@return table<string, integer>
function RedisLimit:stats() end

--- Ends the connection; each machine keeps to the limit by itself then.
function RedisLimit:close() end

return RedisLimit
