local tables = require("viesti.base.tables")

describe("tables", function()
  it("copies a table so that nothing is shared, save objects", function()
    local object = setmetatable({}, {})
    local original = { 1, { 2, { 3 } }, name = "x", object = object }
    local copy = tables.copy(original)
    assert.same(original, copy)
    assert.equal(object, copy.object)
    copy[2][2][1], copy.name = 9, "y"
    assert.same({ 3, "x" }, { original[2][2][1], original.name })
    assert.same({ 1, "x", print }, { tables.copy(1), tables.copy("x"), tables.copy(print) })
    assert.is_nil(tables.copy(nil))
  end)

  it("copies no table that is within itself, and those that are deep", function()
    local circle, deep = {}, {}
    circle[1] = { circle }
    assert.has_error(function() tables.copy(circle) end)
    for _ = 1, 600 do
      deep = { deep }
    end
    assert.same("table", type(tables.copy(deep)[1][1][1]))
  end)

  it("copies what only looks long in no more room than it takes", function()
    local sparse = { true, true, nil, true }
    for power = 3, 40 do
      sparse[1 << power] = true
    end
    collectgarbage()
    local before = collectgarbage("count")
    local copy = tables.copy(sparse)
    assert.same(sparse, copy)
    assert.is_true(collectgarbage("count") - before < 100)
  end)

  it("sorts keys of any kind in an order that never changes", function()
    assert.same({ 1, 10, 2, "a", "b", true },
      tables.sorted_keys({ b = 0, a = 0, [10] = 0, [2] = 0, [1] = 0, [true] = 0 }))
    assert.same({}, tables.sorted_keys({}))
  end)

  it("knows a list", function()
    for _, list in ipairs({ {}, { 1 }, { 1, 2, false }, { {} } }) do
      assert.is_true(tables.is_list(list))
    end
    for _, other in ipairs({ { a = 1 }, { 1, a = 2 }, { [0] = 1 }, { [1] = 1, [3] = 3 }, "x" }) do
      assert.is_false(tables.is_list(other))
    end
    assert.is_false(tables.is_list(nil))
  end)
end)
