-- Medians, numbers as people read them, and limits.

local measure = {}

function measure.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  return (sorted[middle] + sorted[#sorted + 1 - middle]) / 2
end

-- The values that `of` makes of every item of a list.
function measure.each(list, of)
  local values = {}
  for index, item in ipairs(list) do
    values[index] = of(item)
  end
  return values
end

-- 12345.6 is 12,346; below a hundred a fraction keeps one place.
function measure.number(value)
  if value < 100 and math.type(value) == "float" then
    return ("%.1f"):format(value)
  end
  local digits = ("%.0f"):format(value)
  return (digits:reverse():gsub("%d%d%d", "%0,"):reverse():gsub("^,", ""))
end

function measure.duration(seconds)
  if seconds < 0.01 then
    return measure.number(seconds * 1e6) .. " us"
  end
  return measure.number(seconds * 1e3) .. " ms"
end

function measure.two_places(value)
  return ("%.2f"):format(value)
end

function measure.ratio(value, reference)
  return measure.two_places(value / reference)
end

-- A target and whether a value, to two places, is within it: ">= 0.95: met". limit: ">= 0.95".
function measure.verdict(limit, value)
  local least, bound = limit:match "^([<>])=? ([%d.]+)$"
  local shown = tonumber(measure.two_places(value))
  local met = shown == tonumber(bound) or (shown > tonumber(bound)) == (least == ">")
  return limit .. (met and ": met" or ": missed")
end

return measure
