local viesti = require("viesti")
local options = require("viesti.base.options")

local declaration = {
  { name = "count", type = "integer", default = 3, min = 1, max = 9, doc = "" },
  { name = "ratio", type = "number", min = 0, doc = "" },
  { name = "label", type = "string", required = true, doc = "" },
  { name = "mode", type = "string", values = { "fast", "slow" }, default = "fast", doc = "" },
  { name = "either", type = "string|boolean", doc = "" },
  { name = "deep", type = "table", doc = "", fields = {
    { name = "base", type = "number", default = 1, doc = "" },
  } },
}

local function read(...)
  return options.read("Thing", declaration, ...)
end

local function refused(message, ...)
  local values, reason = read(...)
  assert.is_nil(values)
  assert.equal(message, reason)
end

describe("options.read", function()
  it("fills in defaults, nested ones too", function()
    assert.same({ count = 3, label = "x", mode = "fast", deep = { base = 1 } },
      (read({ label = "x" })))
  end)

  it("returns what was given beside it", function()
    local given = { label = "x", count = 4 }
    assert.equal(given, select(2, read(given)))
  end)

  it("takes positions in the order of the declaration, nil for one left out", function()
    local values, given = read(nil, 0.5, "x")
    assert.same({ 3, 0.5, "x" }, { values.count, values.ratio, values.label })
    assert.same({ ratio = 0.5, label = "x" }, given)
  end)

  it("takes a single object for a position, not for a table of options", function()
    local object = setmetatable({}, {})
    local values = options.read("Thing", { { name = "only", type = "table", doc = "" } }, object)
    assert.equal(object, values.only)
  end)

  it("takes what a caller's object inherits, and refuses what it has beside that", function()
    local defaults = { count = 5, other = 1, deep = { base = 2 } }
    local object = setmetatable({ label = "x" }, { __index = defaults })
    assert.same({ count = 5, label = "x", mode = "fast", deep = { base = 2 } },
      options.read_table("Thing", declaration, object))
    object.colour = 1
    assert.matches("there is no option \"colour\"",
      select(2, options.read_table("Thing", declaration, object)))
  end)

  it("says what is wrong with the first of several, in the order of the declaration", function()
    refused("Thing: count must be an integer from 1 to 9, got 0",
      { either = 1, deep = { base = "" }, mode = "x", count = 0 })
    refused("Thing: label is missing, it must be a string",
      { either = 1, deep = { base = "" }, mode = "x" })
    refused("Thing: either must be a string or true or false, got 1",
      { either = 1, deep = { base = "" }, label = "x" })
  end)

  it("changes nothing of what was given", function()
    local given = { label = "x", deep = {} }
    local values = read(given)
    assert.same({ label = "x", deep = {} }, given)
    values.deep.base = 5
    assert.same({}, given.deep)
  end)

  it("takes a float that is whole for an integer, and makes it one", function()
    local values = read({ label = "x", count = 2 ^ 3, ratio = 2.0 })
    assert.same({ "integer", 8 }, { math.type(values.count), values.count })
    assert.equal("float", math.type(values.ratio))
    refused("Thing: count must be an integer from 1 to 9, got 10", { label = "x", count = 1e1 })
    refused("Thing: count must be an integer from 1 to 9, got 1.5", { label = "x", count = 1.5 })
  end)

  it("takes false for a value", function()
    assert.is_false(read({ label = "x", either = false }).either)
  end)

  it("says what is missing, what was given and what is allowed", function()
    refused("Thing: label is missing, it must be a string", {})
    refused("Thing: label must be a string, got 1", { label = 1 })
    refused("Thing: count must be an integer from 1 to 9, got 0", { label = "x", count = 0 })
    refused("Thing: count must be an integer from 1 to 9, got 10", { label = "x", count = 10 })
    refused('Thing: count must be an integer from 1 to 9, got "1"', { label = "x", count = "1" })
    refused("Thing: ratio must be a number of 0 or more, got -0.5", { label = "x", ratio = -0.5 })
    assert.equal("a number from 1 to 2 or a function",
      options.allowed({ type = "number|function", min = 1, max = 2 }))
    refused('Thing: mode must be one of "fast", "slow", got "Fast"', { label = "x", mode = "Fast" })
    refused("Thing: either must be a string or true or false, got a function",
      { label = "x", either = print })
    refused("Thing: deep must be a table, got true", { label = "x", deep = true })
    refused('Thing.deep: base must be a number, got "1"', { label = "x", deep = { base = "1" } })
    refused("Thing takes at most 6 arguments (count, ratio, label, mode, either, deep), got 7",
      1, 2, 3, 4, 5, 6, 7)
  end)

  it("refuses NaN where any value is allowed", function()
    assert.is_nil((options.read("Thing", { { name = "some", type = "any", doc = "x" } },
      { some = 0 / 0 })))
  end)

  it("refuses NaN for a number", function()
    assert.matches("Thing: ratio must be a number of 0 or more, got ",
      select(2, read({ label = "x", ratio = 0 / 0 })))
  end)

  it("refuses names that are none, with the nearest", function()
    local known = " (its options are count, ratio, label, mode, either, deep)"
    refused('Thing: there is no option "cuont", did you mean \'count\'?' .. known,
      { label = "x", cuont = 1 })
    refused('Thing: there is no option "quite_another"' .. known,
      { label = "x", quite_another = 1 })
    refused("Thing: there is no option 1, in a table they have names" .. known, { "x" })
    refused('Thing.deep: there is no option "bass", did you mean \'base\'? (its options are base)',
      { label = "x", deep = { bass = 1 } })
    assert.equal('Body: there is no option "body", did you mean \'content\'? '
      .. "(its options are content, bodies)", select(2, options.read("Body", {
        { name = "content", type = "string" },
        { name = "bodies", type = "string" } }, { body = "x" })))
    assert.equal('None: there is no option "a" (it has none)',
      select(2, options.read("None", {}, { a = 1 })))
  end)
end)

describe("a value that makes no option, but something near", function()
  local function refusal(Class, given)
    return (select(2, pcall(Class, given)):gsub("^%S+:%d+: ", ""))
  end

  it("is refused with what makes one of it", function()
    assert.same({
      'AuthenticatingSender: basic must be a table { "user", "password" }, got a string',
      'CachingSender: store must be a store, got "x.db": sqlite(...) makes one',
      'CachingSender: store must be a store, got "redis://h": redis(...) makes one',
      "RetryingSender: sender must be a sender, got the class SyncSender: SyncSender {} makes one",
    }, {
      refusal(viesti.AuthenticatingSender, { basic = "me:pw" }),
      refusal(viesti.CachingSender, { store = "x.db" }),
      refusal(viesti.CachingSender, { store = "redis://h" }),
      refusal(viesti.RetryingSender, { sender = viesti.SyncSender }),
    })
    assert.matches('there is no option "retry", did you mean \'retries\'?',
      refusal(viesti.RetryingSender, { retry = 3 }), 1, true)
  end)
end)

describe("the declared options of a class", function()
  it("each say their name, their type and their meaning", function()
    local function check(owner, list)
      for _, spec in ipairs(list) do
        assert.is_true(type(spec.name) == "string" and type(spec.type) == "string"
          and type(spec.doc) == "string" and #spec.doc > 5, owner .. " " .. tostring(spec.name))
        assert.is_true(#options.allowed(spec) > 2)
        check(owner .. "." .. spec.name, spec.fields or {})
      end
    end
    for _, name in ipairs({ "Request", "Response", "Session", "SyncSender", "AsyncSender",
      "ExtendingSender", "RetryingSender", "CachingSender", "Client" }) do
      assert.is_true(#viesti[name].options > 0)
      check(name, viesti[name].options)
    end
  end)

  it("have the reference's positions first", function()
    local first = { RetryingSender = { "retries", "sender" },
      CachingSender = { "max_size", "sender" }, Client = { "sender", "asynchronous" },
      SyncSender = { "session" }, AsyncSender = { "session" }, ExtendingSender = { "sender" },
      Request = { "method", "url", "params", "headers", "data", "json", "content" },
      Response = { "url", "headers", "status_code", "content" } }
    for class, names in pairs(first) do
      for position, name in ipairs(names) do
        assert.equal(name, viesti[class].options[position].name)
      end
    end
  end)
end)
