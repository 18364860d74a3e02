-- Prints declarations and annotations as stubs for LuaLS: options, classes and functions.
local annotations = dofile "tools/annotations.lua"
local declared = dofile "tools/declared.lua"
local internal = dofile "tools/internal.lua"
local session = require "viesti.transport.session"
local tables = require "viesti.base.tables"
local viesti = require "viesti"

local printer = {}

local found = annotations.read_all "lua"
printer.found = found

local HEAD = "-- Made from the declarations in the code by `make docs`. For editors: not to be run."

-- The lines of a file; and, by name, the classes that any file has.
local out, emitted = {}, {}

--- Adds a line; with further arguments, a format of one.
function printer.line(text, ...)
  out[#out + 1] = select("#", ...) > 0 and text:format(...) or text
end

local function print_doc(doc)
  for _, text in ipairs(doc) do
    printer.line("--- " .. text)
  end
end

local function print_lines(lines)
  for _, line in ipairs(lines) do
    printer.line(line)
  end
end

local function is_internal(name, method)
  for _, other in ipairs(internal[name] or {}) do
    if other == method then
      return true
    end
  end
  return false
end

local function field_of(class, name)
  for _, field in ipairs(class and class.fields or {}) do
    if field.name == name then
      return field
    end
  end
end

-- Likewise, of the class or one that it is a child of.
local function inherited_field(class, name)
  local field
  while class and not field do
    field, class = field_of(class, name), found[class.parent]
  end
  return field
end

-- Types

local refined = {} -- by declaration of an option: a closer type than what is declared

--- Notes the types that annotations know more closely than they are declared: from the fields of
--- `name.Options` and, of a class, of its own.
function printer.refine(name, declaration, is_class)
  local closer = found[name .. ".Options"]
  for _, spec in ipairs(declaration) do
    local field = field_of(closer, spec.name)
      or is_class and inherited_field(found[name], spec.name)
    if field and not spec.fields then
      local wrong = declared.mismatch(spec, field.kind)
      refined[spec] = wrong and error(("%s: %s"):format(name, wrong), 0)
        or declared.given(spec, field.kind)
    end
    if spec.fields then
      printer.refine(("%s.%s"):format(name, spec.name), spec.fields, false)
    end
  end
  for _, field in ipairs(closer and closer.fields or {}) do
    local is_option = false
    for _, spec in ipairs(declaration) do
      is_option = is_option or spec.name == field.name
    end
    assert(is_option, ("%s has no option %s"):format(name, field.name))
  end
end

--- Likewise: each option of viesti.standard is a table of those of its layer.
function printer.refine_standard()
  for _, spec in ipairs(viesti.standard.options) do
    if spec.type == "table|boolean" then
      local Class = require("viesti.layers." .. spec.name)
      refined[spec] = ("viesti.%s.Options|boolean"):format(Class.name)
    elseif spec.type == "table|session" then
      refined[spec] = "viesti.Session.Options|viesti.Session"
    end
  end
end

local function type_of(spec, owner)
  return refined[spec] or declared.type_of(spec, ("%s.Options.%s"):format(owner, spec.name))
end

local function optional(kind)
  return kind:find "^fun%(" and "(" .. kind .. ")?" or kind .. "?"
end

--- Adds a field of a class.
function printer.field(name, kind, doc)
  printer.line((("---@field %s %s %s"):format(name, kind, doc or ""):gsub("%s+$", "")))
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

-- The class of the table of options.
local function print_options(class_name, declaration, owner)
  for _, spec in ipairs(declaration) do
    if spec.fields then
      print_options(("%s.%s"):format(class_name, spec.name), spec.fields, owner)
    end
  end
  emitted[class_name] = true
  local has_session = owner ~= "viesti.Session" and set_of(declaration)[session.options[1]]
  local inherited = set_of(has_session and session.options or {})
  printer.line("\n---@class %s%s", class_name, has_session and ": viesti.Session.Options" or "")
  for _, spec in ipairs(declaration) do
    if not inherited[spec] then
      printer.field(spec.name .. (spec.required and "" or "?"), type_of(spec, owner),
        declared.doc_of(spec))
    end
  end
end

-- What a call takes one after the other.
local function positions(declaration, owner)
  local list = {}
  for _, spec in ipairs(declared.positional(declaration)) do
    local kind = type_of(spec, owner)
    list[#list + 1] = ("%s%s: %s"):format(spec.name, spec.required and "" or "?",
      kind:find "^fun%(" and "(" .. kind .. ")" or kind)
  end
  return table.concat(list, ", ")
end

local function print_overloads(declaration, owner, returned)
  local mark = declared.has_required(declaration) and "" or "?"
  printer.line("---@overload fun(options%s: %s.Options): %s", mark, owner, returned)
  printer.line("---@overload fun(%s): %s", positions(declaration, owner), returned)
end

-- Classes

-- The methods that are called with that sign, of a variable that stands for the class.
local function print_methods(variable, class, sign)
  local has_begun = false
  for _, method in ipairs(class.methods) do
    if method.sign == sign and not is_internal(class.name:match "[%w_]+$", method.name) then
      if not has_begun then
        printer.line("local %s = {}", variable)
        has_begun = true
      end
      printer.line ""
      print_lines(method.lines)
      printer.line("function %s%s%s%s end", variable, sign, method.name, method.arguments)
    end
  end
end

-- The fields of objects that options are, but for those that a parent has, and what is annotated.
local function print_fields(class, declaration, owner)
  local is_option, of_session = {}, set_of(session.options) -- a concrete sender's are its session's
  for _, spec in ipairs(declaration or {}) do
    local own = field_of(class, spec.name)
    if own or not (inherited_field(class, spec.name) or of_session[spec]) then
      local kind = own and own.kind or type_of(spec, owner)
      if not own and not (spec.required or spec.fields or spec.default ~= nil) then
        kind = optional(kind)
      end
      printer.field(spec.name, kind, own and own.doc ~= "" and own.doc or declared.doc_of(spec))
      is_option[spec.name] = true
    end
  end
  for _, field in ipairs(class.fields) do
    if not is_option[field.name] then
      printer.field(field.name, field.kind, field.doc)
    end
  end
  for _, line in ipairs(class.others or {}) do
    printer.line(line)
  end
end

local function head_of(path)
  local head = {}
  for line in io.lines(path) do
    local text = line:match "^%-%-%-%s?(.*)$"
    if not text or text == "" or text:find "^%s" then
      return head
    end
    head[#head + 1] = text
  end
end

--- Adds a class; `object` is itself where it can be built and has options.
function printer.class(name, class, object)
  emitted[name] = true
  if object and #object.options > 0 then
    print_options(name .. ".Options", object.options, name)
  end
  printer.line ""
  print_doc(#class.doc > 0 and class.doc or object and head_of(class.path) or {})
  printer.line("---@class %s%s", name, class.parent and ": " .. class.parent or "")
  print_fields(class, object and object.options, name)
  if object and not (object.missing and object:missing()) then
    print_overloads(object.options, name, name)
  end
  print_methods(name:match "[%w_]+$", class, ":")
end

-- The text of a comment, without what is for programs.
local function text_of(lines)
  local doc = {}
  for _, line in ipairs(lines) do
    doc[#doc + 1] = not line:find "^%-%-%-@" and line:match "^%-%-%-%s?(.*)$" or nil
  end
  return doc
end

--- Adds what is called to make something, or to do something, and is no class that can be extended.
function printer.callable(name, object, class, returned)
  print_options(name .. ".Options", object.options, name)
  printer.line ""
  print_doc(class and class.doc or text_of(annotations.above(getmetatable(object).__call)))
  printer.line("---@class %s.Class", name)
  printer.field("name", "string")
  printer.field("options", "viesti.OptionDeclaration[]", "its options, as they are declared")
  print_overloads(object.options, name, returned)
  if class then
    print_methods(class.name:match "[%w_]+$" .. "Class", class, ".")
  end
end

-- Functions

local function arguments_of(fn)
  local list, info = {}, debug.getinfo(fn, "u")
  for index = 1, info.nparams do
    list[index] = debug.getlocal(fn, index)
  end
  list[#list + 1] = info.isvararg and "..." or nil
  return list
end

-- One that reads options, of the class `owner.Options`: its arguments, or the last, its choices.
local function print_reader(head, owner, lines, arguments, declaration)
  local returns, takes_choices = {}, arguments[1] ~= "..."
  printer.refine(owner, declaration, false)
  print_options(owner .. ".Options", declaration, owner)
  printer.line ""
  for _, line in ipairs(lines) do
    for _, kind in ipairs(annotations.types(line:match "^%-%-%-@return%s+(.*)$")) do
      returns[#returns + 1] = kind
    end
    if line:find "^%-%-%-@param choices" then
      line = ("---@param choices? %s.Options"):format(owner)
    elseif line:find "^%-%-%-@param %.%.%." and not takes_choices then
      line = ("---@param options%s %s.Options"):format(
        declared.has_required(declaration) and "" or "?", owner)
    end
    printer.line(line)
  end
  if not takes_choices then
    printer.line("---@overload fun(%s): %s", positions(declaration, owner),
      table.concat(returns, ", "))
  end
  printer.line("%s(%s) end", head, takes_choices and table.concat(arguments, ", ") or "options")
end

local function print_c_function(head, name)
  for _, method in ipairs(found["viesti.Core"].methods) do
    if method.name == name then
      printer.line ""
      print_lines(method.lines)
      printer.line("%s%s end", head, method.arguments)
      return
    end
  end
  error(("lua/viesti/types/core.lua does not have core.%s"):format(name), 0)
end

--- Adds a function whose line begins with `head`; `owner` is what its options are called by.
function printer.one_function(head, owner, fn, declaration)
  if debug.getinfo(fn, "S").what == "C" then
    return print_c_function(head, owner:match "[%w_]+$")
  end
  local lines = annotations.above(fn)
  assert(#lines > 0, owner .. " has no comment")
  declaration = declaration or declared.read_by(fn)
  if declaration then
    return print_reader(head, owner, lines, arguments_of(fn), declaration)
  end
  printer.line ""
  print_lines(lines)
  printer.line("%s(%s) end", head, table.concat(arguments_of(fn), ", "))
end

--- Adds all functions of a table.
function printer.functions(variable, owner, list)
  for _, name in ipairs(tables.sorted_keys(list)) do
    local declaration = list[name] == viesti.download
      and require("viesti.downloads.download").options
    printer.one_function(("function %s.%s"):format(variable, name), owner .. "." .. name,
      list[name], declaration or nil)
  end
end

--- Adds a table of nothing but functions.
function printer.table(variable, class, owner, list)
  printer.line("\n---@class %s\nlocal %s = {}", class, variable)
  printer.functions(variable, owner, list)
end

--- Adds the classes that what was added names, and those that they name.
function printer.named(elsewhere)
  local position = 1
  while out[position] do
    local line = out[position]:find "^\n?%-%-%-@" and out[position] or ""
    for name in line:gmatch "viesti%.[%w_.]*[%w_]" do
      local is_here = not (elsewhere and elsewhere[name])
      local class = is_here and not emitted[name] and found[name]
      emitted[name] = emitted[name] or is_here
      if class and class.alias then
        printer.line ""
        print_lines(class.alias)
      elseif class then
        printer.class(name, class)
      end
    end
    position = position + 1
  end
end

--- Begins the stub of a module.
function printer.begin(module)
  out = { "---@meta " .. module, HEAD }
end

--- The text since then.
function printer.text()
  return table.concat(out, "\n") .. "\n"
end

return printer
