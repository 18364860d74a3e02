--- Session{ ... }: the connections and settings that concrete senders send with. One may stand
--- behind several senders, which then share its connections.
local cookies = require "viesti.transport.cookies"
local core = require "viesti.core"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local preflight = require "viesti.transport.preflight"
local tables = require "viesti.base.tables"
local warnings = require "viesti.base.warnings"

local declaration = {
  { name = "timeout", type = "number", default = 60, min = 0,
    doc = "seconds for a whole exchange; 0 for no limit" },
  { name = "connect_timeout", type = "number", default = 10, min = 0,
    doc = "seconds to look up, connect and shake hands; 0 for no limit" },
  { name = "idle_timeout", type = "number", default = 30, min = 0,
    doc = "seconds without a byte either way, once connected; strikes up to a quarter later; "
      .. "0 for no limit" },
  { name = "low_speed_limit", type = "integer", default = 0, min = 0,
    doc = "bytes a second; an exchange slower than that for low_speed_time fails; 0 for no limit" },
  { name = "low_speed_time", type = "integer", default = 30, min = 1,
    doc = "seconds that low_speed_limit is measured over" },
  { name = "max_body", type = "integer", default = 64 * 1024 * 1024, min = 1,
    doc = "bytes of a decoded body; a larger one is the error too_large" },
  { name = "max_connections", type = "integer", default = 256, min = 0,
    doc = "connections open at once, further requests queue; 0 for no limit" },
  { name = "max_connections_per_host", type = "integer", default = 0, min = 0,
    doc = "likewise, to each host and port" },
  { name = "max_idle_connections", type = "integer", default = 0, min = 0,
    doc = "connections kept open for later requests; 0 for four times as many as were in use" },
  { name = "http_version", type = "string", default = "auto", values = { "auto", "1.1", "2", "3" },
    doc = "auto takes 2 where TLS negotiates it; with 2 requests wait to share a connection" },
  { name = "decode", type = "boolean", default = true,
    doc = "ask for compressed bodies and decompress them" },
  { name = "verify", type = "boolean", default = true,
    doc = "check the server's certificate and name" },
  { name = "ca", type = "string",
    doc = "PEM file of authorities to trust instead of the system's" },
  { name = "proxy", type = "string", secret = true,
    doc = "URL of a proxy, \"\" for none; the environment's if not given" },
  { name = "trust_env", type = "boolean", default = true,
    doc = "heed the environment's http_proxy, https_proxy, all_proxy, no_proxy, SSL_CERT_FILE" },
  { name = "min_tls", type = "string", values = { "1.2", "1.3" },
    doc = "lowest TLS version; libcurl's own choice if not given" },
  { name = "client_cert", type = "string", doc = "file with the client's certificate (PEM)" },
  { name = "client_key", type = "string", secret = true,
    doc = "file with its key, where that is another" },
  { name = "unix_socket", type = "string",
    doc = "path of a socket to connect to instead of TCP" },
  { name = "interface", type = "string", doc = "name or address of the interface to send from" },
  { name = "resolve", type = "strings",
    doc = 'list of "host:port:address": names that are not looked up' },
  { name = "cookies", type = "boolean", default = false,
    doc = "keep cookies and send them again, by RFC 6265; servers set none for public suffixes" },
  { name = "curl", type = "table", secret_strings = true,
    doc = "further options of libcurl by name, without CURLOPT_" },
  { name = "user_agent", type = "string", default = "viesti/" .. core.version,
    doc = "the User-Agent field" },
}

--- Methods besides those below: `session:close()` ends what is in flight with the error `closed`
--- and closes all connections; `session:is_closed()`.
---@class viesti.Session
local Session = core.Session

-- CURL_SSLVERSION_TLSv1_2 and _3.
local TLS_VERSIONS = { ["1.2"] = 6, ["1.3"] = 7 }

-- Our names for options that libcurl has as they are.
local CURL_NAMES = {
  client_cert = "SSLCERT", client_key = "SSLKEY", unix_socket = "UNIX_SOCKET_PATH",
  interface = "INTERFACE", resolve = "RESOLVE", min_tls = "SSLVERSION",
}

-- What libcurl is to have, by its names; or nil and what is wrong.
local function curl_options(values)
  local all, wrong = preflight.curl_options(values.curl or {})
  if not all then
    return nil, wrong
  end
  for name, curl_name in pairs(CURL_NAMES) do
    if all[curl_name] ~= nil then
      return nil, ("the option '%s' is viesti's own to set: give %s instead"):format(
        curl_name, name)
    end
    all[curl_name] = values[name]
  end
  all.SSLVERSION = TLS_VERSIONS[values.min_tls]
  return all
end

-- The core's session of these options, of which `curl` stands for libcurl's in all; or nil and what
-- is wrong.
local function open(values, all)
  local given_curl = values.curl
  values.curl = all
  local session, reason = core.session(values)
  values.curl = given_curl
  return session, reason
end

--- Another session of the same options, with connections of its own; nil if there can be none.
local function twin(session)
  local values = tables.copy(session:given_options())
  local all = curl_options(values)
  return all and open(values, all) or nil
end

-- The session, or nil and what is wrong.
local function build(...)
  local values, given = options.read("Session", declaration, ...)
  if not values then
    return nil, given
  end
  local all, wrong = curl_options(values)
  wrong = wrong or preflight.wrong(values, all)
  if wrong then
    return nil, "Session: " .. wrong
  end
  local given_curl = values.curl
  values._given = tables.copy(given)
  values.curl = all
  local session, reason = core.session(values)
  values.curl = given_curl
  if not session then
    return nil, "Session: " .. reason
  elseif not values.verify then
    warnings.InsecureWarning:emit("certificates are not checked (verify = false)")
  end
  return session
end

local function new(_, ...)
  local session, wrong = build(...)
  return session or error(core.place() .. wrong, 0)
end

local function check_path(what, path)
  if type(path) ~= "string" then
    error(("session:%s needs the path of a file, got %s"):format(what, format.given(path)), 3)
  end
end

-- Why the session has no use for cookies, if that is so.
local function without_cookies(session)
  if not session:given_options().cookies then
    return "the session keeps no cookies: make it with cookies = true"
  elseif session:is_closed() then
    return "the session is closed"
  end
end

--- The cookies, a line in Netscape's format each.
---@return string[]
function Session:cookies()
  core.check_type(self, "viesti.Session", "cookies")
  return cookies.current(core.cookies(self))
end

--- Takes a cookie in: a line in Netscape's format, or a Set-Cookie field. `url` says where such a
--- field comes from; without it the field must have a Domain.
---@param line string
---@param url? string
---@return boolean? done, string? reason
function Session:add_cookie(line, url)
  core.check_type(self, "viesti.Session", "add_cookie")
  if type(line) ~= "string" then
    error(core.place() .. "session:add_cookie needs a line, a string, got "
      .. format.given(line), 0)
  elseif url ~= nil and type(url) ~= "string" then
    error(core.place() .. "session:add_cookie needs a URL, a string, got "
      .. format.given(url), 0)
  end
  local reason, read = without_cookies(self), nil
  if not reason then
    read, reason = cookies.read(line, url)
  end
  if not read then
    return nil, reason
  end
  core.add_cookie(self, read)
  return true
end

--- Forgets all cookies.
---@return boolean? done, string? reason
function Session:clear_cookies()
  core.check_type(self, "viesti.Session", "clear_cookies")
  local reason = without_cookies(self)
  if reason then
    return nil, reason
  end
  core.clear_cookies(self)
  return true
end

local function read_whole(path)
  local file <close>, reason = io.open(path, "rb")
  if not file then
    return nil, reason
  end
  local text
  text, reason = file:read("a")
  return text, reason and ("%s: %s"):format(path, reason)
end

--- Reads cookies from a file that save_cookies, or a browser's export in Netscape's format, wrote:
--- all of them or, where a line is no cookie, none.
---@param path string
---@return boolean? done, string? reason
function Session:load_cookies(path)
  core.check_type(self, "viesti.Session", "load_cookies")
  check_path("load_cookies", path)
  local text, lines
  local reason = without_cookies(self)
  if not reason then
    text, reason = read_whole(path)
  end
  if text then
    lines, reason = cookies.read_file(text)
    reason = reason and ("%s, %s"):format(path, reason)
  end
  if not lines then
    return nil, reason
  end
  for _, line in ipairs(lines) do
    core.add_cookie(self, line)
  end
  return true
end

--- Writes the session's cookies to a file that only its owner may read.
---@param path string
---@return boolean? done, string? reason
function Session:save_cookies(path)
  core.check_type(self, "viesti.Session", "save_cookies")
  check_path("save_cookies", path)
  local reason = without_cookies(self)
  if reason then
    return nil, reason
  end
  local lines = self:cookies()
  table.insert(lines, 1, "# Netscape HTTP Cookie File")
  return core.write_private(path, table.concat(lines, "\n") .. "\n")
end

--- The options in force, defaults included.
---@return table
function Session:describe()
  core.check_type(self, "viesti.Session", "describe")
  local values, shown = self:given_options(), {}
  for _, spec in ipairs(declaration) do
    if values[spec.name] ~= nil then
      shown[spec.name] = format.public(spec, values[spec.name])
    end
  end
  return shown
end

core.set_tostring("viesti.Session", function(session)
  return "Session" .. format.options(declaration, session:given_options()._given)
end)

return setmetatable({ name = "Session", options = declaration, build = build, twin = twin },
  { __call = new, __tostring = function() return "Session" end })
