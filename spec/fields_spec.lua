local viesti = require("viesti")
local fields = require("viesti.message.fields")

describe("fields.flatten", function()
  local function flat(given)
    return assert(fields.flatten("data", given, "text"))
  end

  it("sorts a table of names to values by name", function()
    assert.same({ "a", "1", "b", "2.5", "c", "true" }, flat({ c = true, a = 1, b = 2.5 }))
  end)

  it("keeps the order of a list of pairs", function()
    assert.same({ "b", "1", "a", "2", "b", "3" }, flat({ { "b", 1 }, { "a", "2" }, { "b", 3 } }))
  end)

  it("repeats a name for each value of a list, and leaves out one with none", function()
    assert.same({ "a", "1", "a", "2" }, flat({ a = { 1, 2 }, b = {} }))
    assert.same({ "a", "1", "a", "2" }, flat({ { "a", { 1, 2 } } }))
  end)

  it("takes nothing, and Headers", function()
    assert.same({}, flat(nil))
    assert.same({}, flat({}))
    local response = viesti.Response({ headers = { { "b", "1" }, { "A", { "2", "3" } } } })
    assert.same({ "b", "1", "A", "2", "A", "3" }, flat(response.headers))
  end)

  it("keeps false where a name may be left out, and no other boolean", function()
    local function omitting(given)
      return fields.flatten("headers", given, "omit")
    end
    assert.same({ "a", false, "b", "1" }, omitting({ b = 1, a = false }))
    assert.same({ "b", "1", "a", false }, omitting({ { "b", 1 }, { "a", false } }))
    local wanted = 'headers: the value of "a" must be a string, a number, a list of them, or false '
      .. "for no such field, got true"
    assert.equal(wanted, select(2, omitting({ a = true })))
    assert.matches("got false$", select(2, omitting({ a = { "1", false } })))
  end)

  it("says which value has the wrong shape", function()
    local cases = {
      { { a = print }, 'headers: the value of "a" must be a string, a number or a list of them, '
        .. "got a function" },
      { { a = { b = 1 } }, 'headers: the value of "a" must be a string, a number or a list of '
        .. "them, got a table" },
      { { a = true }, 'headers: the value of "a" must be a string, a number or a list of them, '
        .. "got true" },
      { { { "a", { 1, false } } }, 'headers: the value of "a" must be a string, a number or a list '
        .. "of them, got false" },
      { { { "a", "b" }, { "c" } }, "headers: item 2 of the list must be a pair { name, value }, "
        .. 'got { "c" }' },
      { { "a" }, 'headers: item 1 of the list must be a pair { name, value }, got "a"' },
      { { [true] = "a" }, "headers: names must be strings, got true" },
    }
    for _, case in ipairs(cases) do
      local result, message = fields.flatten("headers", case[1], "none")
      assert.is_nil(result)
      assert.equal(case[2], message)
    end
  end)
end)

describe("fields", function()
  local base = { "A", "1", "b", "2", "A", "3" }

  it("encodes a form", function()
    assert.equal("A=1&b=2&A=3", fields.encode(base))
    assert.equal("a%20b=%26%3D%25&%C3%A4=", fields.encode({ "a b", "&=%", "\u{e4}", "" }))
    assert.equal("", fields.encode({}))
  end)

  it("finds the first value in any case", function()
    assert.same({ "1", "2" }, { fields.find(base, "a"), fields.find(base, "B") })
    assert.is_nil(fields.find(base, "c"))
  end)

  it("turns into the list of pairs that flattens to it", function()
    assert.same({ { "A", "1" }, { "b", "2" }, { "A", "3" } }, fields.pairs(base))
    assert.same(base, fields.flatten("x", fields.pairs(base)))
  end)

  it("merges by name, and changes neither list", function()
    assert.same({ "b", "2", "a", "9", "c", "8" }, fields.merge(base, { "a", "9", "c", "8" }))
    assert.same(base, fields.merge(base, {}))
    assert.same({ "A", "1", "b", "2", "A", "3" }, base)
  end)
end)
