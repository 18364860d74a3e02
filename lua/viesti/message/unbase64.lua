--- The bytes of a text in Base64 (RFC 4648 4); nil if it is none.
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local VALUES = {}
for index = 1, #ALPHABET do
  VALUES[ALPHABET:byte(index)] = index - 1
end
VALUES[("="):byte()] = 0

local function decode_four(text)
  local bits = 0
  for position = 1, 4 do
    bits = bits << 6 | VALUES[text:byte(position)]
  end
  return string.char(bits >> 16, bits >> 8 & 0xff, bits & 0xff)
end

---@param text string
---@return string?
return function(text)
  local digits, padding = text:match "^([%w+/]*)(=*)$"
  if not digits or #text % 4 ~= 0 or #padding > 2 then
    return nil
  end
  local bytes = text:gsub("....", decode_four)
  return bytes:sub(1, #bytes - #padding)
end
