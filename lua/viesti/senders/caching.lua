--- CachingSender(max_size, sender): keeps successful GET responses and serves them again, by the
--- rules of HTTP caching (RFC 9111). The store and the rules are the core's.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.request"
local Store = require "viesti.store"

---@class viesti.CachingSender: viesti.ExtendingSender
---@field max_size integer? most responses kept; nil for no bound
---@field max_bytes integer? most bytes that they hold
---@field store viesti.Store
local CachingSender = ExtendingSender:extend("CachingSender", {
  { name = "max_size", type = "integer", min = 1,
    doc = "most responses kept, the least recently used goes first; no bound if not given" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "store", type = "store",
    doc = "a Store to share with other caches; its own bounds count" },
  { name = "max_bytes", type = "integer", min = 1,
    doc = "most bytes of memory that the responses hold in all, likewise" },
  { name = "max_entry_bytes", type = "integer", min = 1,
    doc = "a response that holds more is not kept" },
  { name = "shared", type = "boolean", default = true,
    doc = "the cache serves many users; false: only one, whose private responses it keeps, too" },
})

function CachingSender:init()
  CachingSender.super.init(self)
  local bounds = {}
  for _, name in ipairs { "max_size", "max_bytes", "max_entry_bytes" } do
    if self.store and self[name] then
      error(("CachingSender: store and %s are both given; the bound belongs to the Store"):format(
        name), 3)
    end
    bounds[name] = self[name]
  end
  self.store = self.store or Store(bounds)
  self.cache = core.cache(self.store, self.shared)
end

function CachingSender:send(request)
  request = Request.from(request)
  local hit, outgoing, verdict = self.cache:lookup(request)
  if hit then
    return hit
  end
  local response, err = self:check_answer(request, self.sender:send(outgoing))
  if not response then
    return nil, err
  end
  response = self.cache:update(verdict, request, response)
  if response then
    return response
  end
  return self.sender:send(request)
end

--- Forgets every stored response.
function CachingSender:clear()
  self.store:clear()
end

return CachingSender
