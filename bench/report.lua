-- What came of a work, as Markdown that can be read as it stands: a title, then tables and notes.

local Report = {}
Report.__index = Report

-- title: a sentence, without its full stop.
function Report.new(title)
  return setmetatable({ parts = { title .. "." } }, Report)
end

-- Starts a table. The first column stands at the left, the others at the right.
function Report:table(...)
  self.rows = { { ... } }
  self.parts[#self.parts + 1] = self.rows
end

-- A cell that is nil or false stays empty.
function Report:row(...)
  local cells = {}
  for index = 1, #self.rows[1] do
    local cell = select(index, ...)
    cells[index] = cell and tostring(cell) or ""
  end
  table.insert(self.rows, cells)
end

function Report:note(...)
  self.parts[#self.parts + 1] = string.format(...)
end

local function widths_of(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for index, cell in ipairs(row) do
      widths[index] = math.max(widths[index] or 3, utf8.len(cell))
    end
  end
  return widths
end

local function line_of(row, widths)
  local cells = {}
  for index, cell in ipairs(row) do
    local blanks = (" "):rep(widths[index] - utf8.len(cell))
    cells[index] = index == 1 and cell .. blanks or blanks .. cell
  end
  return "| " .. table.concat(cells, " | ") .. " |"
end

local function table_of(rows)
  local widths, lines = widths_of(rows), {}
  local rule = {}
  for index, width in ipairs(widths) do
    rule[index] = ("-"):rep(width - 1) .. (index == 1 and "-" or ":")
  end
  for index, row in ipairs(rows) do
    lines[#lines + 1] = line_of(row, widths)
    if index == 1 then
      lines[2] = line_of(rule, widths)
    end
  end
  return table.concat(lines, "\n")
end

function Report:__tostring()
  local texts = {}
  for index, part in ipairs(self.parts) do
    texts[index] = type(part) == "table" and table_of(part) or part
  end
  return table.concat(texts, "\n\n")
end

return Report
