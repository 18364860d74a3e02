--- The origin of a URL in normal form: its scheme, host and port, without user and password
--- (RFC 6454 4). nil for what is no such URL.
---@param url string
---@return string? origin
return function(url)
  local scheme, authority = url:match "^(https?)://([^/?#]+)"
  return scheme and scheme .. "://" .. authority:match "[^@]*$"
end
