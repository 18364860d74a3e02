--- Classes: single inheritance, declared options, and objects that print as they are built.
---
---   local Stamping = ExtendingSender:extend("StampingSender", {
---     { name = "header", type = "string", default = "X-Stamp", doc = "the field to add" },
---   })
---   function Stamping:send(request) ... self.header ... end
---
--- An object is built by calling its class. Its checked options become its fields; then `init`, if
--- the class has one, completes it (and calls `Class.super.init` first where the parent needs it).
local core = require "viesti.core"
local format = require "viesti.base.format"
local options = require "viesti.base.options"
local tables = require "viesti.base.tables"

local class = {}

local METAMETHODS = { "__tostring", "__close", "__gc", "__len", "__call", "__eq", "__name" }

local function refuse(sentence)
  error(core.place() .. sentence, 0)
end

local function construct(Class, ...)
  local missing = Class.missing and Class:missing()
  if missing then
    refuse(missing)
  end
  local values, given = options.read(Class.name, Class.options, ...)
  if not values then
    refuse(given)
  end
  values._given = tables.copy(given)
  local object = setmetatable(values, Class)
  if Class.init then
    object:init()
  end
  local unfinished = Class.unfinished and object:unfinished()
  if unfinished then
    refuse(unfinished)
  end
  return object
end

-- What is wrong with options in a child of `parent`, whose members their values would hide.
local function clash(declared, parent)
  for _, spec in ipairs(declared) do
    if type(parent[spec.name]) == "function" then
      return ("'%s' is the name of a method of %s"):format(spec.name, parent.name)
    elseif spec.name == "sender" and spec.type ~= "sender" and parent.with_sender then
      return "'sender' is the inner one, and of the type 'sender'"
    end
  end
end

-- Own options come first, in the order declared; inherited ones of other names follow.
local function inherit_options(declared, inherited)
  local all, seen = {}, {}
  for _, list in ipairs { declared or {}, inherited or {} } do
    for _, spec in ipairs(list) do
      if not seen[spec.name] then
        seen[spec.name] = true
        all[#all + 1] = spec
      end
    end
  end
  return all
end

local function check_name(name)
  if type(name) ~= "string" or not name:find "^%a[%w_]*$" then
    refuse("extend: the name of a class must be an identifier, got " .. format.given(name))
  end
end

-- An `init` is told what it is to complete, which is no class: that would be spoilt for all others.
local function guarded(Class, init)
  return function(object, ...)
    if type(object) ~= "table" or rawget(object, "_given") == nil then
      refuse(("%s.init needs an object, got %s: it is super.init(self), with a dot"):format(
        Class.name, format.given(object)))
    end
    return init(object, ...)
  end
end

local function define(Class, key, value)
  rawset(Class, key, key == "init" and guarded(Class, value) or value)
end

--- A new class named `name`, a child of `parent` (nil for none) with further `declared` options.
function class.new(name, parent, declared)
  check_name(name)
  local wrong = options.check_declaration(declared or {})
    or parent and declared and clash(declared, parent)
  if wrong then
    refuse(("extend: %s: %s"):format(name, wrong))
  end
  local Class = { name = name, super = parent }
  for _, metamethod in ipairs(METAMETHODS) do
    Class[metamethod] = parent and rawget(parent, metamethod)
  end
  Class.__index = Class
  Class.__name = name
  Class.options = inherit_options(declared, parent and parent.options)
  function Class:extend(child, child_options)
    return class.new(child, Class, child_options)
  end
  return setmetatable(Class, {
    __index = parent,
    __newindex = define,
    __call = construct,
    __tostring = function() return name end,
  })
end

--- True if `object` is of `Class` or of one of its children.
function class.is(object, Class)
  local candidate = type(object) == "table" and getmetatable(object) or nil
  while candidate and candidate ~= Class do
    candidate = candidate.super
  end
  return candidate ~= nil
end

return class
