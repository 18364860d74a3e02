-- Medians, numbers as people read them, and the table that grows line by line.

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

-- 12345.6 is 12,346; below a hundred one place is kept.
function measure.number(value)
  if value < 100 then
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

function measure.ratio(value, reference)
  return ("%.2f"):format(value / reference)
end

-- Prints the head of a table and returns what prints a line of it. columns: { title, width }; the
-- first stands at the left, the others at the right.
function measure.table(columns)
  local function line(cells)
    local parts = {}
    for index, column in ipairs(columns) do
      local width = index == 1 and -column[2] or column[2]
      parts[index] = ("%" .. width .. "s"):format(cells[index] or "")
    end
    print((table.concat(parts, " "):gsub("%s+$", "")))
  end
  line(measure.each(columns, function(column) return column[1] end))
  return line
end

return measure
