--- Session{ ... }: the connections and settings that concrete senders send with. One may stand
--- behind several senders, which then share its connections.
local core = require "viesti.core"
local format = require "viesti.format"
local options = require "viesti.options"
local tables = require "viesti.tables"

local declaration = {
  { name = "timeout", type = "number", default = 60, min = 0,
    doc = "seconds for a whole exchange; 0 for no limit" },
  { name = "connect_timeout", type = "number", default = 10, min = 0,
    doc = "seconds to look up, connect and shake hands; 0 for no limit" },
  { name = "idle_timeout", type = "number", default = 30, min = 0,
    doc = "seconds without a byte either way, rounded up to whole ones; 0 for no limit" },
  { name = "max_body", type = "integer", default = 64 * 1024 * 1024, min = 1,
    doc = "bytes of a decoded body; a larger one is the error too_large" },
  { name = "max_connections", type = "integer", default = 256, min = 0,
    doc = "connections open at once, further requests queue; 0 for no limit" },
  { name = "http_version", type = "string", default = "auto", values = { "auto", "1.1", "2" },
    doc = "auto takes 2 where TLS negotiates it; with 2 requests wait to share a connection" },
  { name = "decode", type = "boolean", default = true,
    doc = "ask for compressed bodies and decompress them" },
  { name = "verify", type = "boolean", default = true,
    doc = "check the server's certificate and name" },
  { name = "ca", type = "string",
    doc = "PEM file of authorities to trust instead of the system's" },
  { name = "proxy", type = "string", secret = true,
    doc = "URL of a proxy, \"\" for none; the environment's if not given" },
  { name = "user_agent", type = "string", default = "viesti/0.1.0",
    doc = "the User-Agent field" },
}

--- Methods: `session:close()` ends what is in flight with the error `closed` and closes all
--- connections; `session:is_closed()`.
---@class viesti.Session
local Session = core.Session

local function new(_, ...)
  local values, given = options.read("Session", declaration, ...)
  if not values then
    error(given, 2)
  end
  values._given = tables.copy(given)
  return core.session(values)
end

--- The options in force, defaults included.
---@return table
function Session:describe()
  local values = tables.copy(self:given_options())
  values._given = nil
  return values
end

core.set_tostring("viesti.Session", function(session)
  return "Session" .. format.options(declaration, session:given_options()._given)
end)

return setmetatable({ name = "Session", options = declaration },
  { __call = new, __tostring = function() return "Session" end })
