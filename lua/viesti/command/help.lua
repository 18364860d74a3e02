--- Help, made of the declarations.
local declarations = require "viesti.command.declarations"

local help = {}

local WIDTH, INDENT = 80, 28

-- Words in lines of the width, each behind `indent` blanks.
local function wrapped(text, indent)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + 1 + #word > WIDTH - indent then
      lines[#lines + 1] = line
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

-- "-o, --output FILE"
local function head_of(spec)
  return (spec.short and "-" .. spec.short .. ", " or "    ") .. "--" .. spec.long
    .. (spec.value and " " .. spec.value or "")
end

--- What an option does, with its default.
function help.doc(spec)
  return spec.doc .. (spec.default ~= nil and (" (%s)"):format(spec.default) or "")
end

local function line_of(head, doc)
  local gap = #head < INDENT - 3 and (" "):rep(INDENT - 2 - #head) or "\n" .. (" "):rep(INDENT)
  return "  " .. head .. gap .. wrapped(doc, INDENT)
end

--- What one command understands.
---@param command table
---@return string
function help.of(command)
  local parts = { "Usage: " .. command.usage, "", wrapped(command.summary:gsub("^%l", string.upper)
    .. ".", 0) }
  for _, paragraph in ipairs(command.text) do
    parts[#parts + 1] = "\n" .. wrapped(paragraph, 0)
  end
  for index, form in ipairs(command.forms or {}) do
    parts[#parts + 1] = (index == 1 and "\n" or "") .. "  " .. form[1] .. "\n      "
      .. wrapped(form[2], 6)
  end
  for index, spec in ipairs(command.options) do
    parts[#parts + 1] = (index == 1 and "\nOptions:\n" or "") .. line_of(head_of(spec),
      help.doc(spec))
  end
  return table.concat(parts, "\n") .. "\n"
end

--- What the command understands, and which others there are.
---@return string
function help.all()
  local parts = { help.of(declarations.fetch), "\nOther commands:\n" }
  for _, command in ipairs(declarations.list) do
    parts[#parts + 1] = line_of("viesti " .. command.name, command.summary) .. "\n"
  end
  return table.concat(parts)
end

return help
