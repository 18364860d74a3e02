--- Numbers as they go over the wire.

local LARGEST_EXACT = 2 ^ 53 -- every whole number up to this is a float of its own

--- The shortest decimal text that reads back as the same number; whole numbers have no point.
---@param number number
---@return string
return function(number)
  local whole = math.tointeger(number)
  if whole and (math.type(number) == "integer" or math.abs(number) <= LARGEST_EXACT) then
    return ("%d"):format(whole)
  end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(number)
    if tonumber(text) == number then
      return text
    end
  end
  return tostring(number) -- it is not finite
end
