--- Policies ready to be given to a RetryingSender: functions of what happened (a
--- viesti.RetryContext) that return nil for what the sender would do by itself, false not to send
--- again, true to send again after the usual wait, or the seconds to wait.
local policies = {}

--- Nothing is sent again, not even after a 429.
function policies.never()
  return false
end

--- Only what certainly never left is sent again, and what a rate limit turned away.
function policies.unsent(context)
  if context.reason ~= "rate_limited" and context.sent ~= "no" then
    return false
  end
end

--- Also sends again, at once, what came as early data and was not wanted so (425, RFC 8470 5.2).
function policies.too_early(context)
  if context.status == 425 then
    return 0
  end
end

--- Also asks again where the answer is not ready yet (202), as long as there are retries.
function policies.accepted(context)
  if context.status == 202 then
    return context.retry_after or true
  end
end

--- Also sends again what has these statuses.
---@param ... integer
---@return fun(context: viesti.RetryContext): boolean?
function policies.on_statuses(...)
  local statuses = {}
  for _, status in ipairs { ... } do
    statuses[status] = true
  end
  return function(context)
    return statuses[context.status] or nil
  end
end

--- What the first of the policies says that says anything.
---@param ... fun(context: viesti.RetryContext): boolean|number?
---@return fun(context: viesti.RetryContext): boolean|number?
function policies.first_of(...)
  local list = { ... }
  return function(context)
    for _, policy in ipairs(list) do
      local verdict = policy(context)
      if verdict ~= nil then
        return verdict
      end
    end
  end
end

return policies
