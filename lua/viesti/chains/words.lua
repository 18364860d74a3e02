--- The words of chain files, which programs have in `viesti`.
local async = require "viesti.tasks.async"
local core = require "viesti.core"
local json = require "viesti.message.json"
local warnings = require "viesti.base.warnings"

return {
  VERSION = core.version,
  CURL_VERSION = core.curl_version,

  Error = require "viesti.base.errors",
  Request = require "viesti.message.request",
  Response = require "viesti.message.response",
  Session = require "viesti.transport.session",
  Store = require "viesti.cache.store",
  tiered = require "viesti.cache.tiered",

  Sender = require "viesti.senders.sender",
  SyncSender = require "viesti.senders.sync",
  AsyncSender = require "viesti.senders.async",
  TracingSender = require "viesti.layers.tracing",
  RecordingSender = require "viesti.senders.recording",
  MockSender = require "viesti.senders.mock",
  ExtendingSender = require "viesti.senders.extending",
  RetryingSender = require "viesti.layers.retrying",
  CachingSender = require "viesti.layers.caching",
  RedirectingSender = require "viesti.layers.redirecting",
  AuthenticatingSender = require "viesti.layers.authenticating",
  DeadlineSender = require "viesti.layers.deadline",
  DefaultsSender = require "viesti.layers.defaults",
  FailoverSender = require "viesti.layers.failover",
  HedgingSender = require "viesti.layers.hedging",
  CircuitBreakingSender = require "viesti.layers.circuit_breaking",
  ConcurrencyLimitingSender = require "viesti.layers.concurrency_limiting",
  RateLimitingSender = require "viesti.layers.rate_limiting",
  RateLimit = require "viesti.limits.rate_limit",
  RetryBudget = require "viesti.retrying.budget",
  Cooldown = require "viesti.retrying.cooldown",
  ConcurrencyLimit = require "viesti.limits.concurrency_limit",
  CircuitBreaker = require "viesti.limits.circuit_breaker",
  policies = require "viesti.retrying.policies",
  har = require "viesti.tracing.har",
  Client = require "viesti.layers.client",
  chain = require "viesti.chains.chain",
  standard = require "viesti.chains.standard",

  ChainFileWarning = warnings.ChainFileWarning,
  SenderConflictWarning = warnings.SenderConflictWarning,
  StoreWarning = warnings.StoreWarning,
  TaskWarning = warnings.TaskWarning,
  InsecureWarning = warnings.InsecureWarning,

  run = async.run,
  spawn = async.spawn,
  sleep = async.sleep,
  timeout = async.timeout,
  map = async.map,
  features = core.features,
  resolve_url = require "viesti.message.resolve_url",

  testing = require "viesti.testing",

  null = json.null,
  array = json.array,
}
