-- Compares the type of a stub (see spec.support.stubs) with what an option really takes.
local assert = require "luassert"
local options = require "viesti.base.options"
local viesti = require "viesti"

local option_types = {}

-- A value of each kind that an option may be of.
local function samples(spec)
  local least = spec.min or 0
  return {
    integer = math.ceil(math.max(least, 1)), number = least + 0.5,
    string = spec.values and spec.values[1] or "x", boolean = true, ["function"] = print,
    table = {}, ["string[]"] = { "x" }, ["file*"] = io.stdout,
    ["viesti.Sender"] = viesti.MockSender(), ["viesti.Clock"] = viesti.testing.clock(),
    ["viesti.Headers"] = viesti.Response().headers, ["viesti.Session"] = viesti.Session(),
    ["viesti.Request"] = viesti.Request { url = "http://a.example" },
    ["viesti.Multipart"] = viesti.Request { method = "POST", url = "http://a.example",
      multipart = { a = "b" } }.multipart,
    ["viesti.AnyStore"] = viesti.Store(), ["viesti.RetryBudget"] = viesti.RetryBudget(),
    ["viesti.Cooldown"] = viesti.Cooldown(), ["viesti.RateLimit"] = viesti.RateLimit(1),
    ["viesti.CircuitBreaker"] = viesti.CircuitBreaker(),
    ["viesti.ConcurrencyLimit"] = viesti.ConcurrencyLimit(1),
  }
end

-- Whether an alternative of a type has the value of that kind among others.
local function covers(one, kind)
  local is_options = one.kind == "name" and one.name:find "%.Options"
  if one.name == "any" then
    return true
  elseif one.kind == "literal" then
    return kind == "string"
  elseif one.kind == "function" then
    return kind == "function"
  elseif one.kind == "list" or one.kind == "table" or is_options then
    return kind == "table" or kind == "string[]" and one.kind == "list"
  end
  return one.name == kind or one.name == "number" and kind == "integer"
    or one.name == "viesti.Clock" and kind == "viesti.Sender" -- which tells the time, too
end

local function is_covered(type, kind)
  for _, one in ipairs(type) do
    if covers(one, kind) then
      return true
    end
  end
  return false
end

-- Tables of all kinds pass for one, and objects that are tables, too.
local function kinds_to_try(spec)
  local kinds = samples(spec)
  if spec.type:find "table" or spec.type:find "any" then
    for kind, value in pairs(kinds) do
      kinds[kind] = (type(value) ~= "table" or kind == "table") and value or nil
    end
  end
  return kinds
end

-- Asserts that the option takes a value if, and only if, the type of its stub has it.
function option_types.assert_same(owner, spec, type)
  local declaration = { { name = "value", type = spec.type, min = spec.min, max = spec.max,
    values = spec.values } }
  for kind, value in pairs(kinds_to_try(spec)) do
    local taken = options.read_table("x", declaration, { value = value }) ~= nil
    assert.equal(taken, is_covered(type, kind),
      ("%s.%s as %s"):format(owner, spec.name, kind))
  end
  for index, value in ipairs(spec.values or {}) do
    assert.equal(value, type[index].value, owner .. "." .. spec.name)
  end
  assert.is_true(not spec.values or #spec.values == #type, owner .. "." .. spec.name)
end

return option_types
