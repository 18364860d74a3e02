--- RetryBudget(max_tokens, token_ratio): keeps retries from multiplying the load of servers that
--- fail all at once, as gRPC's retry throttling does.
---
--- It starts full. Each failure takes a token, each success gives back a part of one, and while
--- half of the tokens or fewer are left nothing is sent again. Several chains may share one.
local Shared = require "viesti.base.shared"

---@class viesti.RetryBudget: viesti.Shared
---@field tokens number what is left
local RetryBudget = Shared:extend("RetryBudget", {
  { name = "max_tokens", type = "number", default = 10, min = 1,
    doc = "how many there are; retries stop when half of them are gone" },
  { name = "token_ratio", type = "number", default = 0.1, min = 0.001,
    doc = "what a success gives back: 0.1 allows one retry for ten successes in the long run" },
})

function RetryBudget:init()
  self.tokens = self.max_tokens
end

--- Whether something may be sent again.
---@return boolean
function RetryBudget:allows()
  return self.tokens > self.max_tokens / 2
end

--- Somebody's request failed, and the server may have had the work of it.
function RetryBudget:note_failure()
  self.tokens = math.max(0, self.tokens - 1)
end

function RetryBudget:note_success()
  self.tokens = math.min(self.max_tokens, self.tokens + self.token_ratio)
end

return RetryBudget
