--- What is wrong with a session's options and can be found out before anything is sent.
local core = require "viesti.core"
local format = require "viesti.base.format"
local nearest = require "viesti.base.nearest"

local LONGEST_SOCKET_PATH = 107 -- of Linux; elsewhere it is a few bytes less
local LONGEST_OPTION = 60
local LARGEST_PEM = 16 * 1024 * 1024

local CERTIFICATE = "%-BEGIN [%u%d ]*CERTIFICATE%-"
local PRIVATE_KEY = "%-BEGIN [%u%d ]*PRIVATE KEY%-"

-- Where the key is a secret even its path may be one.
local function file_name(name, path)
  return name == "client_key" and name or name .. " " .. format.value(path)
end

-- An engine of OpenSSL's has names of its own for what it holds.
local function is_file(type)
  return tostring(type):upper() ~= "ENG"
end

-- Each of these returns a sentence, or nil; it is given the checked options and what libcurl is to
-- have, by its names.
local checks = {}

function checks.unreadable_files(values, curl)
  local types = { client_cert = curl.SSLCERTTYPE, client_key = curl.SSLKEYTYPE }
  for _, name in ipairs { "ca", "client_cert", "client_key" } do
    local path = values[name]
    local reason = path and is_file(types[name]) and core.unreadable(path)
    if reason then
      return ("%s cannot be read: %s"):format(file_name(name, path), reason)
    end
  end
end

function checks.key_alone(values)
  if values.client_key and not values.client_cert then
    return "client_key is given without client_cert"
  end
end

-- Whether a file holds what the pattern matches. What is no regular file can be read only once.
local function lacks(path, pattern)
  local _, kind = core.file_target(path)
  local file <close> = kind == "file" and io.open(path, "rb") or nil
  local text = file and file:read(LARGEST_PEM)
  return file ~= nil and not (text or ""):find(pattern)
end

function checks.certificates(values, curl)
  local certificate, key = values.client_cert, values.client_key
  local is_pem = curl.SSLCERTTYPE == nil
  if values.ca and lacks(values.ca, CERTIFICATE) then
    return file_name("ca", values.ca) .. " has no certificate in it (PEM)"
  elseif certificate and is_pem and lacks(certificate, CERTIFICATE) then
    return file_name("client_cert", certificate) .. " has no certificate in it (PEM)"
  elseif key and curl.SSLKEYTYPE == nil and lacks(key, PRIVATE_KEY) then
    return "client_key has no private key in it (PEM)"
  elseif certificate and is_pem and not key and lacks(certificate, PRIVATE_KEY) then
    return file_name("client_cert", certificate)
      .. " has no private key in it, and client_key is not given"
  end
end

-- As libcurl reads it: "host:port:address,[address]", which may go out of date with a "+" before
-- it, or "-host:port" to forget one.
local function is_resolve_entry(entry)
  local host, port, addresses = entry:match "^%+?([^:]+):(%d+):([^,].*)$"
  if not host then
    host, port = entry:match "^%-([^:]+):(%d+)$"
  end
  for address in ((addresses or "") .. ","):gmatch "(.-)," do
    if addresses and not core.is_address(address:match "^%[(.*:.*)%]$" or address) then
      return false
    end
  end
  return host ~= nil and tonumber(port) <= 65535
end

function checks.resolve_entries(values)
  for _, entry in ipairs(values.resolve or {}) do
    if not is_resolve_entry(entry) then
      return 'resolve must be a list of "host:port:address", it has ' .. format.given(entry)
    end
  end
end

-- libcurl takes a name for an interface's, then for a host's, unless "if!" or "host!" says which.
function checks.interface(values)
  local given = values.interface
  if not given or given:find "^host!" or given:find "%c" then
    return
  end
  local name = given:match "^if!(.*)$"
  local is_host = not name and (given:find("%.") or core.is_address(given))
  if not is_host and not core.is_interface(name or given) then
    return ("interface %s is none of this system's, and no address; host!name is that of a host")
      :format(format.given(given))
  end
end

function checks.unix_socket(values)
  if #(values.unix_socket or "") > LONGEST_SOCKET_PATH then
    return ("the path in unix_socket is longer than %d bytes"):format(LONGEST_SOCKET_PATH)
  end
end

function checks.http_version(values)
  if values.http_version == "3" and not core.features().http3 then
    return "http_version is 3, which this libcurl does not have"
  end
end

local ORDER = { "unreadable_files", "key_alone", "certificates", "resolve_entries", "interface",
  "unix_socket", "http_version" }

local preflight = {}

-- The nearest name of an option that libcurl has, with CURLOPT_ before it perhaps.
local function nearest_option(name)
  local plain = name:upper():gsub("^CURLOPT_", ""):sub(1, LONGEST_OPTION)
  return core.curl_option(plain) and plain or nearest(plain, core.curl_options())
end

-- What is wrong with a name in `curl`, whatever that is, which libcurl does not know.
local function unknown(name)
  if type(name) ~= "string" then
    return ("curl: the names of libcurl's options are strings, got %s"):format(format.value(name))
  end
  local near = nearest_option(name)
  return ("libcurl has no option '%s'%s"):format(name:sub(1, LONGEST_OPTION),
    near and (", did you mean '%s'?"):format(near) or "")
end

local function given_twice(name, other)
  local names = { name, other }
  table.sort(names)
  return ("curl: '%s' and '%s' are one option"):format(names[1], names[2])
end

--- The options in `curl` by the names that libcurl has for them now, however they were written; or
--- nil and what is wrong.
---@param given table
---@return table? options, string? sentence
function preflight.curl_options(given)
  local all, written = {}, {}
  for name, value in pairs(given) do
    local known = type(name) == "string" and core.curl_option(name)
    if not known then
      return nil, unknown(name)
    elseif written[known] then
      return nil, given_twice(name, written[known])
    end
    all[known], written[known] = value, name
  end
  return all
end

--- What is wrong with the checked options of a session, of which libcurl gets `curl`, by its names;
--- nil if nothing is.
---@param values table
---@param curl table
---@return string? sentence
function preflight.wrong(values, curl)
  for _, check in ipairs(ORDER) do
    local sentence = checks[check](values, curl)
    if sentence then
      return sentence
    end
  end
end

return preflight
