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

local MODULES = { "viesti", "viesti/redis", "viesti/redis/limit", "viesti/sqlite" }

-- The lines of the stub of a table of options, those of what it is a child of included.
local function stub_of(name)
  for _, module in ipairs(MODULES) do
    local class = "%-%-%-@class viesti%." .. name:gsub("%p", "%%%0") .. "%.Options"
    local parent, found = pages.read(("lua/viesti/types/library/%s.lua"):format(module))
      :match(class .. "%f[:\n]([^\n]*)(\n.-\n)\n")
    if found then
      parent = parent:match "viesti%.(.*)%.Options"
      return found .. (parent and stub_of(parent) or "")
    end
  end
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

describe("A guide", function()
  -- What a page's tables and sentences call by name, as `name`, `table.name` or `name = ...`.
  local function is_told_of(text, name)
    for code in declarations.codes(text) do
      if (" " .. code .. " "):find("[^%w_]" .. name .. "[^%w_]") then
        return true
      end
    end
  end

  it("tells of every option of its layers", function()
    for page, names in pairs(TOLD) do
      local text = pages.read(page)
      for _, name in ipairs(names) do
        declarations.each(lists[name], function(spec)
          if spec.name ~= "sender" and spec.name ~= "clock" then
            assert.is_true(is_told_of(text, spec.name) or false, page .. ": " .. spec.name)
          end
        end)
      end
    end
  end)

  -- The options of that name, of those that a page's tables are about.
  local function named_on(page, name)
    return declarations.named(lists, TOLD[page] or NAMED[page] or {}, name)
  end

  -- Whether one of them has the default that a text begins with; or the text with none.
  local function agrees(specs, text)
    local value = declarations.value(text)
    for _, spec in ipairs(specs) do
      if spec.default == value then
        return true
      end
    end
    return false
  end

  it("has tables of options that are real, with the defaults that they have", function()
    local count = 0
    for _, page in ipairs(pages.list()) do
      for _, found in ipairs(declarations.tables(pages.read(page))) do
        local is_of_options = found.head[1] == "option" and page ~= "docs/reference.md"
        for _, row in ipairs(is_of_options and found or {}) do
          for code in declarations.codes(row[1]) do
            local name = code:match "^[%w_]+"
            local specs = named_on(page, name)
            assert.is_truthy(specs[1], page .. ": " .. name)
            assert.is_true(found.head[2] ~= "default" or agrees(specs, row[2]),
              ("%s: %s: %s"):format(page, name, row[2]))
            count = count + 1
          end
        end
      end
    end
    assert.is_true(count > 90)
  end)

  it("gives no other default in a sentence, where one stands behind a name", function()
    for page in pairs(TOLD) do
      for name, text in pages.read(page):gmatch "`([%w_.]+)` %(([^()]+)%)" do
        local specs = named_on(page, name)
        assert.is_true(#specs == 0 or declarations.value(text) == nil or agrees(specs, text),
          ("%s: %s: %s"):format(page, name, text))
      end
    end
  end)

  -- The options of a class by their names, and those that have a position in their order.
  local function options_of(name)
    local list, own = {}, lists[name == "har" and "Har" or name]
    for _, spec in ipairs(own or {}) do
      list[spec.name] = spec
      list[#list + 1] = not spec.by_name and spec or nil
    end
    return own and #own > 0 and list or nil
  end

  it("builds nothing with an option that there is not", function()
    local count = 0
    for _, page in ipairs(pages.list()) do
      for code in declarations.codes(pages.read(page)) do
        for _, call in ipairs(declarations.calls(code)) do
          local list = call.bracket == "{" and options_of(call.name)
          for _, argument in ipairs(list and call or {}) do
            if argument.name then
              count = count + 1
              assert.is_truthy(list[argument.name],
                ("%s: %s of %s"):format(page, argument.name, call.name))
            end
          end
        end
      end
    end
    assert.is_true(count > 30)
  end)

  it("has the classes in their tables take what they do, in order, with their defaults", function()
    local count = 0
    for _, found in ipairs(declarations.tables(pages.read "docs/classes.md")) do
      for _, row in ipairs(found.head[1] == "class" and found or {}) do
        for _, call in ipairs(declarations.calls(row[1])) do
          local list, where = options_of(call.name), "docs/classes.md: " .. call.name
          for position, argument in ipairs(call) do
            local name = argument.name or argument.text
            local spec = list and list[name]
            assert.is_truthy(spec or name == "..." or not list, where .. ": " .. name)
            assert.is_true(call.bracket == "{" or list == nil or list[position] == spec,
              where .. ": " .. name)
            local value = argument.name and declarations.value(argument.value)
            assert.is_true(value == nil or spec.default == value, where .. ": " .. name)
            count = count + 1
          end
        end
      end
    end
    assert.is_true(count > 75)
  end)

  -- What objects are called in the documentation.
  local OBJECTS = { request = "Request", response = "Response", err = "Error", span = "Span",
    context = "RetryContext", attempt = "Attempt", session = "Session", task = "Task" }

  it("speaks of the fields and methods that objects have, and of no others", function()
    local known, count = {}, 0
    stubs.read("lua/viesti/types/library/viesti.lua", known)
    for _, page in ipairs(pages.list()) do
      for code in declarations.codes(page:find "coming%-from" and "" or pages.read(page)) do
        for object, sign, name in code:gmatch "%f[%w_.](%l+)([.:])([%a_][%w_]*)" do
          local class = OBJECTS[object] and known.classes["viesti." .. OBJECTS[object]]
          local kind = sign == ":" and "methods" or "fields"
          count = count + (class and 1 or 0)
          assert.is_truthy(not class or stubs.member(known, class, kind, name),
            page .. ": " .. code)
        end
      end
    end
    assert.is_true(count > 100)
  end)
end)
