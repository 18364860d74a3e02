--- viesti.har{ path, bodies = false, max_body = 64 KiB }: what a TracingSender tells, as a file in
--- the HTTP Archive format (HAR 1.2), which a browser's developer tools open.
---
---   local har = viesti.har { path = "trace.har" }
---   local sender = viesti.TracingSender { on_event = har.on_event }
---   ...
---   har:close()
---
--- It is written entry by entry and is whole after each of them; nothing of it is kept in memory.
local core = require "viesti.core"
local har_entry = require "viesti.tracing.har_entry"
local json = require "viesti.message.json"
local Shared = require "viesti.base.shared"

---@class viesti.Har: viesti.Shared
---@field on_event fun(name: string, span: viesti.Span) for a TracingSender
---@field path string
local Har = Shared:extend("Har", {
  { name = "path", type = "string", required = true, doc = "the file, which is begun anew" },
  { name = "bodies", type = "boolean", default = false,
    doc = "whether bodies are written, but for those of streams" },
  { name = "max_body", type = "integer", default = 64 * 1024, min = 0,
    doc = "bytes of each body that are, from its start" },
})

local TAIL = "\n]}}\n"

local function head()
  return ('{"log":{"version":"1.2","creator":%s,"entries":['):format(
    json.encode { name = "viesti", version = core.version })
end

-- What is said goes where the end of the file was, and has the end behind it again. Nothing more is
-- written after a failure.
local function write(self, ...)
  local file = self.file
  file:seek("set", self.tail)
  local written, reason = file:write(...)
  self.tail = file:seek()
  if written then
    written, reason = file:write(TAIL)
  end
  if written then
    written, reason = file:flush()
  end
  self.reason = not written and reason or nil
end

function Har:init()
  local file, reason = io.open(self.path, "wb")
  self.file = file or error(core.place() .. "Har: " .. reason, 0)
  self.count, self.tail = 0, 0
  write(self, head())
  self.on_event = function(name, span)
    local is_last = name == "end" or name == "error"
    if is_last and self.file and not self.reason then
      local entry = har_entry(span, self.bodies and self.max_body or nil)
      write(self, self.count > 0 and ",\n" or "\n", json.encode(entry))
      self.count = self.count + 1
    end
  end
end

--- Ends the file; what is told after that is not written. Returns how many entries it has; or nil
--- and why something could not be written, as soon as that happened.
---@return integer? entries, string? reason
function Har:close()
  local file = self.file
  self.file = nil
  if file then
    local closed, reason = file:close()
    self.reason = self.reason or (not closed and reason or nil)
  end
  return not self.reason and self.count or nil, self.reason
end

Har.__close = function(self)
  self:close()
end

return Har
