local viesti = require("viesti")
local format = require("viesti.base.format")

local function read_back(text)
  return assert(load("return " .. text))()
end

describe("format.value", function()
  it("writes values as Lua reads them", function()
    for _, value in ipairs({ 1, -1, 1.5, 0.1, 1 / 3, 1e300, 5e-324, math.huge, -math.huge,
      math.maxinteger, true, "", "x", "\"'\\\n\r\t\0\0001\xff\u{e4}",
      ("long"):rep(1000) }) do
      local again = read_back(format.value(value))
      assert.equal(value, again)
      assert.equal(math.type(value), math.type(again))
    end
  end)

  it("writes tables with list items first, then sorted keys", function()
    assert.equal("{}", format.value({}))
    assert.equal('{ 1, "two", { 3 }, [0] = 5, ["a b"] = 6, b = { c = true } }',
      format.value({ 1, "two", { 3 }, b = { c = true }, ["a b"] = 6, [0] = 5 }))
  end)

  it("ends in a table within itself, and writes one twice that stands there twice", function()
    local twice, round = { 1 }, {}
    round[1], round.again = { round }, round
    assert.equal("{ { { ... } }, again = { ... } }", format.value(round))
    assert.equal("{ { 1 }, { 1 } }", format.value({ twice, twice }))
  end)

  it("keeps a line a line", function()
    assert.is_nil(format.value("a\nb\rc\0d"):find("[\n\r\0]"))
  end)

  it("leaves out user and password of a URL, wherever that stands", function()
    assert.equal('"http://***@h/a@b?c@d"', format.value("http://me:hush@h/a@b?c@d"))
    assert.equal('{ "see https://***@h, and me@h", a = "http://h/@" }',
      format.value({ "see https://hush@h, and me@h", a = "http://h/@" }))
    assert.equal('"me@h"', format.given("me@h"))
    assert.not_matches("hush", format.given("http://hush@" .. ("h"):rep(1000)))
    assert.not_matches("hush", format.given("http://" .. ("hush"):rep(1000) .. "@h/"))
    assert.equal("http://***@h/", format.public({ name = "url" }, "http://me:hush@h/"))
    assert.same({ { url = "http://***@h/", 1 } },
      format.public({ name = "routes" }, { { url = "http://me:hush@h/", 1 } }))
  end)

  it("shows of what may be no URL what stands behind the last @", function()
    for given, shown in pairs({ ["http://me:hu/sh@h/a"] = "http://***@h/a", ["me:h@sh@h"] = "***@h",
      ["redis:me:hush@h"] = "***@h", ["redis://u:p@h/2"] = "redis://***@h/2",
      ["redis://:p@h"] = "redis://***@h", ["redis://a/b:p:@c@h"] = "redis://***@h",
      ["redis://u@h:1"] = "redis://***@h:1", ["unix:///a:b@c"] = "unix:///a:b@c",
      ["http://h/a"] = "http://h/a", h = "h" }) do
      assert.equal(shown, format.url(given))
    end
  end)

  it("writes objects by their own tostring", function()
    assert.equal("SyncSender()", format.value(viesti.SyncSender()))
    assert.equal("Session{ timeout = 1 }", format.value(viesti.Session({ timeout = 1 })))
  end)
end)

describe("format.given", function()
  it("says what was given, in words where the value would say nothing", function()
    assert.same({ "nothing", "a table", "a function", "1", '"x"', "true", "SyncSender()",
      "the class SyncSender" }, { format.given(nil), format.given({ 1 }), format.given(print),
      format.given(1), format.given("x"), format.given(true), format.given(viesti.SyncSender()),
      format.given(viesti.SyncSender) })
  end)

  it("cuts a long string", function()
    assert.is_true(#format.given(("x"):rep(100000)) < 300)
  end)
end)

describe("format.seconds", function()
  it("has three digits, or all of those before the point, and no exponent", function()
    for seconds, text in pairs({ [0.0123456] = "0.0123", [2] = "2", [59.96] = "60", [999.4] = "999",
      [999.6] = "1000", [1234.5] = "1234", [86400] = "86400", [1e7] = "10000000" }) do
      assert.equal(text .. " s", format.seconds(seconds))
    end
  end)
end)

describe("format.options", function()
  local declaration = {
    { name = "b", type = "integer" }, { name = "a", type = "string" },
    { name = "key", type = "string", secret = true }, { name = "sender", type = "sender" },
  }

  it("writes what was given in the order declared, the sender last, no secrets", function()
    assert.equal("()", format.options(declaration, {}))
    assert.equal('{ b = 1, a = "x", key = <hidden>, sender = SyncSender() }',
      format.options(declaration, { a = "x", b = 1, key = "s3cret" }, viesti.SyncSender()))
  end)
end)
