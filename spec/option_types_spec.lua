local option_types = require("viesti.base.option_types")
local viesti = require("viesti")

describe("option_types", function()
  it("know Lua's types, their own names and those of classes, and no others", function()
    for _, name in ipairs({ "string", "function", "integer", "sender", "any", "RetryBudget" }) do
      assert.is_true(option_types.is_known(name), name)
    end
    for _, name in ipairs({ "int", "thread", "retry_budget", "" }) do
      assert.is_false(option_types.is_known(name), name)
    end
  end)

  it("check a value by one type or by several", function()
    local is_integer = option_types.check_of("integer")
    assert.is_true(is_integer(1))
    assert.is_false(is_integer(1.5))
    local is_either = option_types.check_of("boolean|Cooldown")
    assert.is_true(is_either(false))
    assert.is_true(is_either(viesti.Cooldown()))
    assert.is_false(is_either(viesti.RetryBudget()))
  end)

  it("tell a sender from its class", function()
    assert.is_true(option_types.is_sender(viesti.MockSender()))
    assert.is_false(option_types.is_sender(viesti.MockSender))
  end)

  it("take any object with a store's methods for one, and the core's for one in memory", function()
    local own = { get = print, put = print, remove = print, invalidate = print }
    assert.is_true(option_types.is_store(own))
    assert.is_false(option_types.is_memory_store(own))
    assert.is_true(option_types.is_memory_store(viesti.Store()))
    assert.is_false(option_types.is_store({ get = print }))
  end)

  it("have words for a sentence", function()
    assert.equal("an integer", option_types.describe("integer"))
    assert.equal("a RetryBudget", option_types.describe("RetryBudget"))
  end)
end)
