-- The chain that is soaked: a chain file, for Lua and C alike. `port` is the faulty origin's, `ca`
-- the authority of the secure one; `store` is shared with whoever looks into it, and `on_event` is
-- told of each attempt, where there is one.

-- Names for the same origin, so that a 429 holds back no more than what is sent there.
local function here(name)
  return ("%s:%d:127.0.0.1"):format(name, port)
end

return standard {
  asynchronous = asynchronous,
  session = {
    timeout = 5,
    idle_timeout = 0.1,
    max_body = 2 * 1024 * 1024,
    ca = ca,
    trust_env = false,
    resolve = { here "limited.test", here "closed.test" },
  },
  redirecting = { max_redirects = 5 },
  caching = { store = store },
  deadline = { max_time = 0.9 }, -- so that a Retry-After of a second is not waited for
  retrying = {
    retries = 3,
    backoff = { base = 0.001, cap = 0.01 },
    rate_limit = { max_wait = 0.05, pad = 0, shared = Cooldown { step = 0.001 } },
  },
  circuit_breaking = {
    key = function(request)
      return request.url:match "^%a+://[^/]+/[^/]*" -- each case by itself
    end,
    window = 0.5,
    open_for = 0.002,
    max_open_for = 0.01,
  },
  tracing = on_event and { on_event = on_event } or false,
}
