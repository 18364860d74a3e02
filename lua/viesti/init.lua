--- viesti: HTTP requests through a chain of senders.
---
---   local viesti = require "viesti"
---   local client = viesti.chain {
---     viesti.Client {},
---     viesti.CachingSender { max_size = 1000 },
---     viesti.RetryingSender { retries = 3 },
---     viesti.SyncSender { timeout = 10 },
---   }
---   local response, err = client:send { url = "https://example.org/data.json" }
local core = require "viesti.core"
core.set_home(debug.getinfo(1, "S").source)
local async = require "viesti.async"
local json = require "viesti.json"
local warnings = require "viesti.warnings"

return {
  VERSION = "0.1.0",
  CURL_VERSION = core.curl_version,

  Error = require "viesti.errors",
  Request = require "viesti.request",
  Response = require "viesti.response",
  Session = require "viesti.session",
  Store = require "viesti.store",
  tiered = require "viesti.tiered",

  Sender = require "viesti.senders.sender",
  SyncSender = require "viesti.senders.sync",
  AsyncSender = require "viesti.senders.async",
  TracingSender = require "viesti.senders.tracing",
  RecordingSender = require "viesti.senders.recording",
  MockSender = require "viesti.senders.mock",
  ExtendingSender = require "viesti.senders.extending",
  RetryingSender = require "viesti.senders.retrying",
  CachingSender = require "viesti.senders.caching",
  RedirectingSender = require "viesti.senders.redirecting",
  AuthenticatingSender = require "viesti.senders.authenticating",
  DeadlineSender = require "viesti.senders.deadline",
  DefaultsSender = require "viesti.senders.defaults",
  FailoverSender = require "viesti.senders.failover",
  HedgingSender = require "viesti.senders.hedging",
  CircuitBreakingSender = require "viesti.senders.circuit_breaking",
  ConcurrencyLimitingSender = require "viesti.senders.concurrency_limiting",
  RateLimitingSender = require "viesti.senders.rate_limiting",
  RateLimit = require "viesti.rate_limit",
  RetryBudget = require "viesti.retry_budget",
  Cooldown = require "viesti.cooldown",
  ConcurrencyLimit = require "viesti.concurrency_limit",
  CircuitBreaker = require "viesti.circuit_breaker",
  policies = require "viesti.policies",
  har = require "viesti.har",
  Client = require "viesti.senders.client",
  chain = require "viesti.chain",
  standard = require "viesti.standard",
  load = require "viesti.load",
  check = require "viesti.check",

  SenderConflictWarning = warnings.SenderConflictWarning,
  StoreWarning = warnings.StoreWarning,
  TaskWarning = warnings.TaskWarning,
  InsecureWarning = warnings.InsecureWarning,

  run = async.run,
  spawn = async.spawn,
  sleep = async.sleep,
  timeout = async.timeout,
  map = async.map,
  download = require("viesti.download").download,
  loop = core.loop,
  features = core.features,
  resolve_url = require "viesti.resolve_url",

  testing = require "viesti.testing",

  null = json.null,
  array = json.array,
}
