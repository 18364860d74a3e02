--- Base64 (RFC 4648 4).
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function encode_three(bytes)
  local a, b, c = bytes:byte(1, 3)
  local bits = a << 16 | (b or 0) << 8 | (c or 0)
  local text = ""
  for place = 0, #bytes do
    local index = bits >> (18 - 6 * place) & 63
    text = text .. ALPHABET:sub(index + 1, index + 1)
  end
  return text .. ("="):rep(3 - #bytes)
end

---@param bytes string
---@return string
return function(bytes)
  return (bytes:gsub("..?.?", encode_three))
end
