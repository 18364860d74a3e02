--- FailoverSender{ origins, sender }: the same service at several places: what fails at one is
--- asked of the next.
---
--- A request to any of the origins goes to the one that served last; others pass as they are.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local format = require "viesti.base.format"
local origin_of = require "viesti.message.origin"
local resending = require "viesti.retrying.resending"

---@class viesti.FailoverSender: viesti.ExtendingSender
---@field origins string[]
local FailoverSender = ExtendingSender:extend("FailoverSender", {
  { name = "origins", type = "strings", required = true,
    doc = "those of the service, such as \"https://a.example\", the preferred one first" },
  { name = "rest", type = "number", default = 30, min = 0,
    doc = "seconds for which one that failed is asked only where the others fail, too" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
})

-- Of a gateway that has nobody behind it, or of a server on its way down.
local FAILED = { [502] = true, [503] = true, [504] = true }

local function origin_among(known, text)
  local normal = core.resolve_url(text, "")
  local origin = normal and origin_of(normal)
  if not origin or normal ~= origin .. "/" then
    error(("%sFailoverSender: each of origins must be like \"https://a.example\", got %s"):format(
      core.place(), format.value(format.url(text))), 0)
  elseif known[origin] then
    error(("%sFailoverSender: %s is given twice"):format(core.place(), origin), 0)
  end
  return origin
end

function FailoverSender:init()
  FailoverSender.super.init(self)
  local given = self.origins
  self.origins, self.resting = {}, {} -- resting: until when, by origin; 0: not at all
  for index, text in ipairs(given) do
    local origin = origin_among(self.resting, text)
    self.origins[index], self.resting[origin] = origin, 0
  end
  if #self.origins == 0 then
    error(core.place() .. "FailoverSender: origins is empty", 0)
  end
end

local function all_are_well(self)
  local origins, resting = self.origins, self.resting
  for index = 1, #origins do
    if resting[origins[index]] > 0 then
      return false
    end
  end
  return true
end

-- Those that do not rest first, each part in the order given.
local function order(self)
  if all_are_well(self) then
    return self.origins
  end
  local now, awake, resting = self.tell_time(), {}, {}
  for _, origin in ipairs(self.origins) do
    if self.resting[origin] > now then
      resting[#resting + 1] = origin
    else
      self.resting[origin], awake[#awake + 1] = 0, origin
    end
  end
  return table.move(resting, 1, #resting, #awake + 1, awake)
end

-- Whether the outcome speaks of the origin, and the next one may be asked.
local function has_failed(response, err)
  if response then
    return FAILED[response.status_code] ~= nil
  end
  return resending.PASSING[err.kind] ~= nil
end

local function may_move_on(request, err)
  local is_harmless = err ~= nil and err.sent == "no" or request:is_idempotent()
  return is_harmless and resending.has_body(request, err)
end

-- The URL as it was given, without the params that come behind it.
local function moved(request, from, origin)
  if from == origin then
    return request
  end
  local url = (core.request_given(request) or {}).url or request.url
  local authority, rest = url:match "^%a+://([^/?#]*)(.*)$"
  local scheme, host = origin:match "^(%a+://)(.*)$"
  return request:with { url = scheme .. (authority:match "^.*@" or "") .. host .. rest }
end

function FailoverSender:send(request)
  local from
  from, request = core.origin(request)
  if not self.resting[from] then
    return self.sender:send(request)
  end
  local origins = order(self)
  for index = 1, #origins do
    local origin = origins[index]
    local response, err = self.sender:send(moved(request, from, origin))
    response, err = self:check_answer(request, response, err)
    if not has_failed(response, err) then
      self.resting[origin] = 0
      return response, err
    end
    self.resting[origin] = self:now() + self.rest
    if index == #origins or not may_move_on(request, err) then
      return response, err
    elseif response then
      response:close()
    end
  end
end

return FailoverSender
