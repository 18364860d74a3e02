local declarations = require "spec.support.declarations"
local format = require "viesti.base.format"
local pages = require "spec.support.pages"
local stubs = require "spec.support.stubs"
local viesti = require "viesti"

-- The same word for the same thing, in the code, the stubs and the documentation, in C and at the
-- shell. What takes options is called here as in the stubs.

-- Whose options a page tells of, all of them.
local TOLD = {
  ["docs/retrying.md"] = { "RetryingSender", "RetryBudget", "Cooldown" },
  ["docs/limits.md"] = { "RateLimitingSender", "RateLimit", "RedisLimit" },
  ["docs/breakers.md"] = { "ConcurrencyLimitingSender", "ConcurrencyLimit",
    "CircuitBreakingSender", "CircuitBreaker" },
  ["docs/caching.md"] = { "CachingSender" },
  ["docs/layers.md"] = { "DeadlineSender", "DefaultsSender", "HedgingSender", "FailoverSender",
    "standard", "Client" },
  ["docs/security.md"] = { "RedirectingSender", "AuthenticatingSender" },
  ["docs/tracing.md"] = { "TracingSender", "Har" },
  ["docs/testing.md"] = { "MockSender", "RecordingSender", "testing.clock" },
  ["docs/downloads.md"] = { "download" },
  ["docs/redis.md"] = { "redis" },
  ["docs/sqlite.md"] = { "sqlite" },
}

-- And whose options its tables name besides.
local NAMED = { ["docs/requests.md"] = { "Session" } }

local lists = declarations.lists()

-- What the objects are called in the documentation.
local OBJECTS = { request = "Request", response = "Response", err = "Error", span = "Span",
  context = "RetryContext" }

local MODULES = { "viesti", "viesti/redis", "viesti/redis/limit", "viesti/sqlite" }

-- The lines of the stub of a table of options, those of what it is a child of included.
local function stub_of(name)
  for _, module in ipairs(MODULES) do
    local parent, found = pages.read(("lua/viesti/types/library/%s.lua"):format(module))
      :match("%-%-%-@class viesti%." .. name:gsub("%p", "%%%0") .. "%.Options%f[:\n]([^\n]*)(\n.-\n)\n")
    if found then
      parent = parent:match "viesti%.(.*)%.Options"
      return found .. (parent and stub_of(parent) or "")
    end
  end
end

-- Where a guide's text gives a default, in its own words.
local function assert_default(where, specs, text)
  local value = declarations.value(text)
  local agrees = #specs == 0 or value == nil
  for _, spec in ipairs(specs) do
    agrees = agrees or spec.default == value
  end
  assert.is_true(agrees, ("%s: %s"):format(where, text))
end

describe("An option", function()
  it("is in the reference with its default and meaning, and nothing else is", function()
    local count, text = 0, pages.read("docs/reference.md"):match "^(.-)\n## Fields"
    for heading in text:gmatch "\n## ([%w_]+)%(" do
      local left = {}
      local section = (text .. "\n"):match("\n## " .. heading .. "%(.-\n\n(|.-|\n)\n")
      for _, row in ipairs(declarations.tables(section)[1]) do
        left[row[1]] = row
      end
      local Class = viesti[heading]
      declarations.each(lists[type(Class) == "table" and Class.name or heading],
        function(spec, whole)
          local row = assert(left["`" .. whole .. "`"], heading .. ": " .. whole)
          assert.same({ spec.required and "required" or spec.default ~= nil
            and "`" .. format.value(spec.default) .. "`" or "", spec.doc }, { row[3], row[4] })
          left[row[1]], count = nil, count + 1
        end)
      assert.is_nil((next(left)), heading)
    end
    assert.is_true(count > 250)
  end)

  it("is in the stubs with its default and meaning, and nothing else is", function()
    for name, list in pairs(lists) do
      local left = {}
      for field, rest in (#list > 0 and stub_of(name) or "")
          :gmatch "%-%-%-@field ([%w_]+)%?? ([^\n]+)" do
        left[field] = rest
      end
      for _, spec in ipairs(list) do
        local rest = assert(left[spec.name], name .. ": " .. spec.name)
        assert.is_truthy(rest:find(spec.doc, 1, true), name .. ": " .. rest)
        assert.equal(spec.default ~= nil and format.value(spec.default) or nil,
          rest:match "[(; ]default (.+)%)$", name .. "." .. spec.name)
        left[spec.name] = nil
      end
      assert.is_nil((next(left)), name)
    end
  end)

  it("is in what describe returns, with its default", function()
    local needed = declarations.needed()
    finally(function() os.remove(needed.Har.path) end)
    for name, Class in pairs(declarations.classes()) do
      if Class.describe and not (Class.missing and Class:missing()) then
        local object = Class(needed[name] or {})
        local options = object:describe().options
        declarations.each(Class.options, function(spec, whole)
          local outer = whole:match "^(.*)%."
          local value = (outer and options[outer] or options)[spec.name]
          if spec.default ~= nil then
            assert.equal(spec.default, value, name .. "." .. whole)
          elseif spec.required then
            assert.is_not_nil(value, name .. "." .. whole)
          end
        end)
        if object.close then
          object:close()
        end
      end
    end
  end)
end)
