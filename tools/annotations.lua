-- Reads the LuaLS annotations in Lua files: classes with their fields and methods.

local annotations = {}

local function class_named(found, name)
  found[name] = found[name] or { fields = {}, methods = {} }
  return found[name]
end

-- "integer? seconds, say": the type goes to the first blank outside of brackets and behind no sign
-- that joins types.
local function split_type(text)
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

local function add_field(class, text)
  local name, rest = text:match "^(%S+)%s+(.*)$"
  if name and not name:find "%[" then
    local kind, doc = split_type(rest)
    class.fields[#class.fields + 1] = { name = name, kind = kind, doc = doc }
  end
end

local function add_method(class, name, arguments, comment)
  local method = { name = name, arguments = arguments, returns = {}, doc = comment.text }
  for _, text in ipairs(comment.returns) do
    while text do
      local kind, rest = split_type(text)
      method.returns[#method.returns + 1] = kind
      text = rest:match "^[%w_]+,%s*(.+)$"
    end
  end
  class.methods[#class.methods + 1] = method
end

local function new_comment()
  return { text = {}, returns = {} }
end

-- Reads one file into `found`: { ["viesti.Response"] = { fields, methods }, ... }.
function annotations.read(path, found)
  local classes, class, comment = {}, nil, new_comment()
  for line in io.lines(path) do
    local tag, rest = line:match "^%-%-%-@(%l+)%s*(.*)$"
    local text = line:match "^%-%-%-%s?(.*)$"
    local owner, sign, name, arguments = line:match "^function ([%w_]+)([:.])([%w_]+)(%b())"
    if tag == "class" then
      class = class_named(found, rest:match "^[%w_.]+")
    elseif tag == "field" and class then
      add_field(class, rest)
    elseif tag == "return" then
      comment.returns[#comment.returns + 1] = rest
    elseif text and not tag and not text:find "^%s" then -- no code
      comment.text[#comment.text + 1] = text
    elseif owner and classes[owner] and #comment.text > 0 and sign == ":" then
      add_method(classes[owner], name, arguments, comment)
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

return annotations
