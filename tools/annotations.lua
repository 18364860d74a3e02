-- Reads the LuaLS annotations in Lua files: classes with their fields and methods.

local annotations = {}

local function class_named(found, name)
  found[name] = found[name] or { name = name, fields = {}, methods = {}, doc = {} }
  return found[name]
end

--- "integer? seconds, say": the type goes to the first blank outside of brackets and behind no sign
--- that joins types. Returns the type and what is said of it.
function annotations.split_type(text)
  local depth = 0
  for position = 1, #text do
    local char = text:sub(position, position)
    if char:find "[({<]" then
      depth = depth + 1
    elseif char:find "[)}>]" then
      depth = depth - 1
    elseif char == " " and depth == 0 and not text:sub(position - 1, position - 1):find "[:,|]" then
      return text:sub(1, position - 1), text:sub(position + 1)
    end
  end
  return text, ""
end

--- The types of what is returned, "true? done, string? reason", as a list.
function annotations.types(text)
  local list = {}
  while text do
    local kind, rest = annotations.split_type(text)
    list[#list + 1] = kind
    text = rest:match "^[%w_]+,%s*(.+)$"
  end
  return list
end

local HIDDEN = { package = true, private = true, protected = true }

-- "name? type" is "name type?".
local function add_field(class, text)
  local name, mark, rest = text:match "^([%w_]+)(%??)%s+(.*)$"
  if name and not HIDDEN[name] then
    local kind, doc = annotations.split_type(rest)
    if mark == "?" then
      kind = (kind:find "^fun%(" and "(" .. kind .. ")" or kind) .. "?"
    end
    class.fields[#class.fields + 1] = { name = name, kind = kind, doc = doc }
  elseif not name then
    class.others = class.others or {}
    table.insert(class.others, "---@field " .. text)
  end
end

local function add_method(class, name, sign, arguments, comment)
  local method = { name = name, sign = sign, arguments = arguments, returns = {},
    doc = comment.text, lines = comment.lines }
  for _, text in ipairs(comment.returns) do
    for _, kind in ipairs(annotations.types(text)) do
      method.returns[#method.returns + 1] = kind
    end
  end
  class.methods[#class.methods + 1] = method
end

local function new_comment()
  return { text = {}, returns = {}, lines = {} }
end

local function begin_class(found, path, rest, comment)
  local class = class_named(found, rest:match "^[%w_.]+")
  class.parent = class.parent or rest:match "^[%w_.]+:%s*(.+)$"
  class.path = class.path or path
  class.doc = #comment.text > 0 and comment.text or class.doc
  return class
end

--- Reads one file into `found`: { ["viesti.Response"] = { name, parent, doc, fields, methods },
--- ... }. Methods without a comment are left out.
function annotations.read(path, found)
  local classes, class, comment = {}, nil, new_comment()
  for line in io.lines(path) do
    local tag, rest = line:match "^%-%-%-@(%l+)%s*(.*)$"
    local text = line:match "^%-%-%-%s?(.*)$"
    local owner, sign, name, arguments = line:match "^function ([%w_]+)([:.])([%w_]+)(%b())"
    comment.lines[#comment.lines + 1] = text and line
    if tag == "class" then
      class = begin_class(found, path, rest, comment)
    elseif tag == "alias" then
      found[rest:match "^[%w_.]+"] = { alias = comment.lines }
    elseif tag == "field" and class then
      add_field(class, rest)
    elseif tag == "operator" and class then
      class.others = class.others or {}
      table.insert(class.others, line)
    elseif tag == "return" then
      comment.returns[#comment.returns + 1] = rest
    elseif text and not tag and not text:find "^%s" then -- no code
      comment.text[#comment.text + 1] = text
    elseif owner and classes[owner] and #comment.text > 0 then
      add_method(classes[owner], name, sign, arguments, comment)
    end
    if not text then
      local variable = line:match "^local ([%w_]+) ="
      if variable and class then
        classes[variable] = class
      end
      class = nil
      comment = new_comment()
    end
  end
  return found
end

--- The annotations of all files below a folder.
function annotations.read_all(folder)
  local found = {}
  local list <close> = assert(io.popen(("find %s -name '*.lua' -not -path '*/types/library/*' "
    .. "-not -path '*/types/chain_file/*' | LC_ALL=C sort"):format(folder)))
  for path in list:lines() do
    annotations.read(path, found)
  end
  return found
end

--- The comment that stands above a function, line by line.
function annotations.above(fn)
  local info = debug.getinfo(fn, "S")
  local lines, comment = {}, {}
  for line in io.lines((info.source:gsub("^@", ""))) do
    lines[#lines + 1] = line
    if #lines == info.linedefined then
      break
    end
  end
  local first = info.linedefined
  while lines[first - 1] and lines[first - 1]:find "^%s*%-%-%-" do
    first = first - 1
  end
  for index = first, info.linedefined - 1 do
    comment[#comment + 1] = lines[index]:match "^%s*(.*)$"
  end
  return comment
end

return annotations
