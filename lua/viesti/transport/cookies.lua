--- Cookies that a program hands to a session: lines of a file in Netscape's format, and Set-Cookie
--- fields. What is no cookie, or one for everybody, is found out here; libcurl would keep silent.
local core = require "viesti.core"
local format = require "viesti.base.format"

local cookies = {}

-- Domain, whether its subdomains too, path, whether over TLS only, when it expires, name, value.
local NETSCAPE = "^([^%s/]+)\t(%u+)\t(/[^\t]*)\t(%u+)\t(%d+)\t([^\t]+)\t?([^\t]*)$"
local BOOLEAN = { TRUE = true, FALSE = true }
local HTTP_ONLY = "#HttpOnly_" -- before the domain
local LASTS = { expires = true, ["max-age"] = true }
local LONG_AGO = "1"
local NO_HOST = "0.0.0.0" -- an address has no subdomains

local function split(line)
  local domain, wide, path, secure, expires, name, value = line:match(NETSCAPE)
  if not (domain and BOOLEAN[wide] and BOOLEAN[secure]) then
    return nil
  end
  local plain = domain:gsub("^" .. HTTP_ONLY, "")
  return {
    prefix = plain ~= domain and HTTP_ONLY or "", domain = plain, wide = wide == "TRUE",
    path = path, secure = secure, expires = expires, name = name, value = value,
  }
end

local function joined(cookie)
  return table.concat({ cookie.prefix .. cookie.domain, cookie.wide and "TRUE" or "FALSE",
    cookie.path, cookie.secure, cookie.expires, cookie.name, cookie.value }, "\t")
end

local function has_expired(cookie)
  local expires = tonumber(cookie.expires)
  return expires > 0 and expires <= os.time()
end

-- The cookie's line, if libcurl takes it; one that has expired it would take, and drop.
local function checked(cookie)
  local domain = cookie.domain:gsub("^%.", "")
  if cookie.wide and domain ~= "localhost" and not domain:find "[.:]." then
    return nil, ("the domain %s is too wide for a cookie"):format(format.value(domain))
  end
  local line = joined(cookie)
  if not has_expired(cookie) and not core.parse_cookie(line)[1] then
    return nil, "libcurl does not take the cookie"
  end
  return line
end

local function read_netscape(line)
  local cookie = not line:gsub("\t", ""):find "%c" and split(line)
  if not cookie then
    return nil, "it is no cookie in Netscape's format"
  end
  return checked(cookie)
end

-- A Set-Cookie field's content in libcurl's form: whole, and without its end, by which libcurl says
-- whether it is a cookie at all. And whether it names a host, and a path. libcurl would send a
-- cookie without a host to every host, and not list it: it gets a stand-in.
local function read_attributes(text)
  local all, lasting, given = {}, {}, {}
  for attribute in (text .. ";"):gmatch "([^;]*);" do
    local name, value = attribute:match "^%s*([^=]-)%s*=%s*(.*)$"
    name = #all > 0 and name and name:lower() or ""
    given.domain = given.domain or (name == "domain" and value:find "[^.%s]" ~= nil)
    given.path = given.path or (name == "path" and value:find "^/" ~= nil)
    if name ~= "path" or value:find "^/" then -- another path counts for none (RFC 6265 5.2.4)
      all[#all + 1] = attribute
      lasting[#lasting + 1] = not LASTS[name] and attribute or nil
    end
  end
  local stand_in = given.domain and "" or "; Domain=" .. NO_HOST
  local function field(attributes)
    return "Set-Cookie:" .. table.concat(attributes, ";") .. stand_in
  end
  return field(all), field(lasting), given
end

-- Host and directory of a URL (RFC 6265 5.1.4); or nil and what is wrong with it.
local function read_url(url)
  local request, wrong = core.request("GET", url)
  if not request then
    return nil, wrong
  end
  local authority, path = request.url:match "^%a+://([^/?#]*)([^?#]*)"
  local host = authority:gsub("^.*@", ""):gsub(":%d*$", ""):gsub("^%[(.*)%]$", "%1")
  if host:find "[\x80-\xff]" then
    return nil, "the URL's host is not ASCII: write it as xn--..."
  end
  return host, path:match "^(/.+)/[^/]*$" or "/"
end

local function is_of(cookie, host)
  local domain = cookie.domain:gsub("^%.", ""):lower()
  return host == domain
    or (cookie.wide and not core.is_address(host) and host:sub(-#domain - 1) == "." .. domain)
end

-- The cookie that libcurl makes of a Set-Cookie field's content; or nil and what is wrong.
local function parse_field(text)
  if text:find "%c" then
    return nil, "a cookie has no control characters"
  end
  local all, lasting, given = read_attributes(text)
  local line = core.parse_cookie(lasting)[1]
  local cookie = line and split(line)
  if not cookie then
    return nil, "it is no cookie"
  end
  local current = core.parse_cookie(all)[1]
  cookie.expires = current and split(current).expires or LONG_AGO
  return cookie, given
end

local function read_field(text, url)
  local cookie, given = parse_field(text)
  if not cookie then
    return nil, given
  elseif url == nil then
    if given.domain then
      return checked(cookie)
    end
    return nil, "it has no Domain: give the URL that it comes from, too"
  end
  local host, folder = read_url(url)
  if not host then
    return nil, folder
  elseif given.domain and not is_of(cookie, host) then
    return nil, ("its Domain is not that of %s"):format(host)
  end
  cookie.domain = given.domain and cookie.domain or host
  cookie.path = given.path and cookie.path or folder
  return checked(cookie)
end

-- What stands behind "Set-Cookie:"; nil where that does not begin the line.
local function field_of(line)
  return line:lower():find "^set%-cookie:" and line:match ":(.*)$" or nil
end

--- A line for core.add_cookie from one in Netscape's format, or from a Set-Cookie field, with or
--- without its name, and the URL that it comes from; or nil and what is wrong.
---@param line string
---@param url? string
---@return string? line, string? reason
function cookies.read(line, url)
  local field = field_of(line)
  if field or not line:find "\t" then
    return read_field(field or line, url)
  elseif url ~= nil then
    return nil, "a cookie in Netscape's format names its host: no URL goes with it"
  end
  return read_netscape(line)
end

--- Of the lines that libcurl lists those that have not expired: it removes others later.
---@param lines string[]
---@return string[]
function cookies.current(lines)
  local current = {}
  for _, line in ipairs(lines) do
    local cookie = split(line)
    current[#current + 1] = not (cookie and has_expired(cookie)) and line or nil
  end
  return current
end

--- The lines of a file; or nil and which of them is wrong, and why.
---@param text string
---@return string[]? lines, string? reason
function cookies.read_file(text)
  local lines, number = {}, 0
  for given in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if given ~= "" and (given:sub(1, 1) ~= "#" or given:find("^" .. HTTP_ONLY)) then
      local field = field_of(given)
      local read = field and read_field or read_netscape
      local line, wrong = read(field or given)
      if not line then
        return nil, ("line %d: %s"):format(number, wrong)
      end
      lines[#lines + 1] = line
    end
  end
  return lines
end

return cookies
