--- Policies ready to be given to a RetryingSender: functions of what happened (a
--- viesti.RetryContext) that return nil for what the sender would do by itself, false not to send
--- again, true to send again after the usual wait, or the seconds to wait.
local core = require "viesti.core"
local format = require "viesti.base.format"
local nearest = require "viesti.base.nearest"
local tables = require "viesti.base.tables"

local policies = {}

-- That there is something among what a policy is made of, and nothing that is not what it wants.
local function check(name, wanted, is_wanted, list)
  for index = 1, math.max(1, list.n) do
    if not is_wanted(list[index]) then
      error(("%spolicies.%s needs %s, got %s"):format(core.place(), name, wanted,
        format.given(list[index])), 0)
    end
  end
end

local function is_status(value)
  return math.type(value) == "integer"
end

local function is_function(value)
  return type(value) == "function"
end

--- Nothing is sent again, not even after a 429.
---@return false
function policies.never()
  return false
end

--- Only what certainly never left is sent again, and what a rate limit turned away.
---@param context viesti.RetryContext
---@return false?
function policies.unsent(context)
  if context.reason ~= "rate_limited" and context.sent ~= "no" then
    return false
  end
end

--- Also sends again, at once, what came as early data and was not wanted so (425, RFC 8470 5.2).
---@param context viesti.RetryContext
---@return integer?
function policies.too_early(context)
  if context.status_code == 425 then
    return 0
  end
end

--- Also asks again where the answer is not ready yet (202), as long as there are retries.
---@param context viesti.RetryContext
---@return boolean|number|nil
function policies.accepted(context)
  if context.status_code == 202 then
    return context.retry_after or true
  end
end

--- Also sends again what has these statuses.
---@param ... integer
---@return fun(context: viesti.RetryContext): boolean?
function policies.on_statuses(...)
  check("on_statuses", "statuses, each an integer", is_status, table.pack(...))
  local statuses = {}
  for _, status in ipairs { ... } do
    statuses[status] = true
  end
  return function(context)
    return statuses[context.status_code] or nil
  end
end

--- What the first of the policies says that says anything.
---@param ... fun(context: viesti.RetryContext): boolean|number|nil
---@return fun(context: viesti.RetryContext): boolean|number|nil
function policies.first_of(...)
  local list = table.pack(...)
  check("first_of", "policies, each a function", is_function, list)
  return function(context)
    for _, policy in ipairs(list) do
      local verdict = policy(context)
      if verdict ~= nil then
        return verdict
      end
    end
  end
end

-- With a slip in its name there would be no policy at all, and nobody told.
return setmetatable(policies, { __index = function(_, name)
  local near = type(name) == "string" and nearest(name, tables.sorted_keys(policies))
  if near then
    error(("%spolicies: there is no %s, did you mean '%s'?"):format(core.place(),
      format.value(name), near), 0)
  end
end })
