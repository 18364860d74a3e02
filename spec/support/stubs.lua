-- A strict reader of stubs: what LuaLS's annotations in a file declare, with types taken apart.
--   stubs.read(path, into): into.classes["viesti.Task"] = { parents, fields, methods, calls },
--     into.functions["viesti.run"], into.globals, into.names (what types name, and where)
--   stubs.type("string|integer[]"): that type as a tree; raises where it is none

local stubs = {}

local BUILT_IN = { ["nil"] = true, any = true, boolean = true, string = true, number = true,
  integer = true, ["function"] = true, table = true, userdata = true, lightuserdata = true,
  ["file*"] = true, self = true, ["true"] = true, ["false"] = true }

-- Types

local Parser = {}
Parser.__index = Parser

function Parser:fail(wanted)
  error(("%s expected at '%s' in '%s'"):format(wanted, self.text:sub(self.position), self.text), 0)
end

function Parser:take(pattern)
  local _, last, found = self.text:find("^ *(" .. pattern .. ")", self.position)
  if last then
    self.position = last + 1
  end
  return found
end

function Parser:expect(pattern, wanted)
  return self:take(pattern) or self:fail(wanted)
end

-- "name?: type, ...: type", up to the bracket that closes it
function Parser:members(closing, pattern)
  local list = {}
  if self:take(closing) then
    return list
  end
  repeat
    local member = { name = self:expect(pattern, "a name"), optional = self:take "%?" ~= nil }
    if self:take ":" then
      member.type = self:union()
    elseif closing == "}" then
      self:fail "a colon"
    end
    list[#list + 1] = member
  until not self:take ","
  self:expect(closing, "the end of a list")
  return list
end

function Parser:of_function()
  self:expect("%(", "(")
  local kind = { kind = "function", parameters = self:members("%)", "[%a_.][%w_.]*"), returns = {} }
  if self:take ":" then
    repeat
      kind.returns[#kind.returns + 1] = self:union()
    until not self:take ","
  end
  return kind
end

function Parser:named()
  local name = self:expect("[%a_][%w_.]*%*?", "a type")
  if name == "fun" then
    return self:of_function()
  end
  self.names[#self.names + 1] = name
  local kind = { kind = "name", name = name }
  if self:take "<" then
    repeat
      self:union()
    until not self:take ","
    self:expect(">", ">")
    kind = { kind = "table" }
  end
  return kind
end

function Parser:unit()
  local literal = self:take '"[^"]*"'
  if literal then
    return { kind = "literal", value = literal:sub(2, -2) }
  elseif self:take "%(" then
    local kind = self:union()
    self:expect("%)", ")")
    return kind
  elseif self:take "{" then
    self:members("}", "%[?[%w_]+%]?")
    return { kind = "table" }
  end
  return self:named()
end

-- A list of alternatives, in which there is no list.
function Parser:union()
  local all = {}
  repeat
    local kind = self:unit()
    while self:take "%[%]" do
      kind = { kind = "list", of = kind }
    end
    for _, one in ipairs(kind.kind and { kind } or kind) do
      all[#all + 1] = one
    end
    if self:take "%?" then
      all[#all + 1] = { kind = "name", name = "nil" }
    end
  until not self:take "|"
  return all
end

local function parser(text, names)
  return setmetatable({ text = text, position = 1, names = names or {} }, Parser)
end

-- The type at the start of a text, and what follows it, which a blank has to come before.
local function type_in(text, names)
  local self = parser(text, names)
  local kind = self:union()
  local rest = text:sub(self.position)
  if rest ~= "" and not rest:find "^[ ,]" then
    self:fail "a blank"
  end
  return kind, rest
end

--- The type that a text is; raises where it is none, or more than that.
function stubs.type(text)
  local kind, rest = type_in(text)
  return rest == "" and kind or parser(rest):fail "the end"
end

-- Files

local tags = {}

function tags.meta(_, rest)
  assert(rest:find "^[%w_.]+$", "a module's name")
end

local function new_class(name)
  return { name = name, parents = {}, fields = {}, methods = {}, calls = {} }
end

function tags.class(reading, rest)
  local name, parents = rest:match "^([%w_.]+):? *([%w_., ]*)$"
  assert(name and not reading.classes[name], "a class of its own, got " .. rest)
  reading.class = new_class(name)
  reading.classes[name] = reading.class
  for parent in parents:gmatch "[^, ]+" do
    table.insert(reading.class.parents, parent)
    table.insert(reading.found, parent)
  end
end

function tags.field(reading, rest)
  local name, mark, kind = rest:match "^([%w_]+)(%??) (.+)$"
  if not name then
    type_in(assert(rest:match "^%[%a+%] (.+)$", "a field, got " .. rest), reading.found)
    return
  end
  assert(not reading.class.fields[name], "a field of its own, got " .. name)
  reading.class.fields[name] = { optional = mark == "?", type = type_in(kind, reading.found) }
end

function tags.operator(reading, rest)
  local kind = rest:match "^len: (.+)$" or rest:match "^concat%(any%): (.+)$"
  type_in(assert(kind, "an operator, got " .. rest), reading.found)
end

function tags.overload(reading, rest)
  local kind, left = type_in(rest, reading.found)
  assert(left == "" and kind[1].kind == "function", "a function, got " .. rest)
  if reading.class then
    table.insert(reading.class.calls, kind[1])
  end
end

function tags.alias(reading, rest)
  local name, kind = rest:match "^([%w_.]+) ?(.*)$"
  reading.alias = kind ~= "" and type_in(kind, reading.found) or {}
  reading.aliases[name] = reading.alias
end

function tags.generic(reading, rest)
  reading.generics[rest] = true
end

function tags.param(reading, rest)
  local name, mark, kind = rest:match "^([%w_.]+)(%??) (.+)$"
  assert(name, "a parameter, got " .. rest)
  reading.parameters[name] = { optional = mark == "?", type = type_in(kind, reading.found) }
end

tags["return"] = function(reading, rest)
  repeat
    local _, left = type_in(rest, reading.found)
    rest = left:match "^ [%w_.]+, (.+)$" or left:match "^, (.+)$"
  until not rest
end

local function take_tag(reading, line)
  local name, rest = line:match "^%-%-%-@(%l+)%s*(.*)$"
  local literal = line:match "^%-%-%-|%s*(.+)$"
  if literal then
    local kind = stubs.type(literal)
    table.insert(reading.alias, kind[1])
  elseif name then
    assert(tags[name], "there is no tag " .. name)(reading, rest)
  end
end

-- A line of code: a variable that stands for a class, a method, or a function.
local function take_code(reading, line)
  local owner, sign, name, list = line:match "^function ([%w_]+)([:.])([%w_]+)%((.-)%) end$"
  local variable = line:match "^local ([%w_]+) = {}$"
  if owner and reading.variables[owner] then
    reading.variables[owner].methods[name] = { sign = sign, list = list }
  elseif owner then
    error("there is no variable " .. owner)
  elseif variable then
    reading.variables[variable] = reading.class
  elseif line:find "^[%a_][%w_]* = " then
    reading.globals[line:match "^[%w_]+"] = line:match "= (.+)$"
  end
  for parameter in pairs(list and reading.parameters or {}) do
    assert((", " .. list .. ","):find(", " .. parameter .. ",", 1, true),
      "there is no " .. parameter)
  end
end

local function note_names(reading, where)
  for _, name in ipairs(reading.found) do
    if not BUILT_IN[name] and not reading.generics[name] then
      reading.names[name] = where
    end
  end
  reading.found = {}
end

--- Reads a file into a table of what stubs declare, which may be new.
function stubs.read(path, into)
  local reading = into
  reading.classes, reading.aliases = reading.classes or {}, reading.aliases or {}
  reading.globals, reading.names = reading.globals or {}, reading.names or {}
  reading.variables, reading.found = {}, {}
  reading.parameters, reading.generics = {}, {}
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local where = ("%s:%d"):format(path, number)
    if not line:find "^%-%-%-" and line ~= "" then
      local taken, wrong = pcall(take_code, reading, line)
      assert(taken, ("%s: %s"):format(where, wrong))
    else
      local taken, wrong = pcall(take_tag, reading, line)
      assert(taken, ("%s: %s"):format(where, wrong))
      note_names(reading, where)
    end
    if not line:find "^%-%-%-" then
      reading.class, reading.parameters, reading.generics = nil, {}, {}
    end
  end
  return reading
end

--- What a class and those that it is a child of have by that name: "fields" or "methods".
function stubs.member(reading, class, kind, name)
  local found = class[kind][name]
  for _, parent in ipairs(class.parents) do
    found = found or stubs.member(reading, reading.classes[parent], kind, name)
  end
  return found
end

--- The names of all members of that kind, in order.
function stubs.members(reading, class, kind)
  local names = {}
  for _, parent in ipairs(class.parents) do
    for _, name in ipairs(stubs.members(reading, reading.classes[parent], kind)) do
      names[name] = true
    end
  end
  for name in pairs(class[kind]) do
    names[name] = true
  end
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

return stubs
