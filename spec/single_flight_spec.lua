local viesti = require("viesti")
local single_flight = require("viesti.tasks.single_flight")

describe("single_flight", function()
  it("runs work again for whoever comes after it has ended", function()
    local flight, count = single_flight(), 0
    local function work()
      count = count + 1
      return count, nil, "x"
    end
    assert.same({ 1, nil, "x", n = 3 }, table.pack(flight:run(work)))
    assert.equal(2, (flight:run(work)))
  end)

  it("gives one outcome to all who come meanwhile", function()
    local flight, count = single_flight(), 0
    local results = viesti.map({ 1, 2, 3 }, function()
      return flight:run(function()
        count = count + 1
        viesti.sleep(0.01)
        return count
      end)
    end)
    assert.same({ 1, 1, 1 }, results)
  end)

  it("gives each the outcome it waited for, though the next is under way already", function()
    local flight, count = single_flight(), 0
    local function work()
      viesti.sleep(0.01)
      count = count + 1
      return count
    end
    local results = viesti.map({ 1, 2, 3 }, function()
      return { flight:run(work), flight:run(work) }
    end)
    assert.same({ { 1, 2 }, { 1, 2 }, { 1, 2 } }, results)
  end)

  it("is free again after work that raised", function()
    local flight = single_flight()
    assert.has_error(function() flight:run(function() error("no", 0) end) end, "no")
    assert.equal("yes", flight:run(function() return "yes" end))
  end)

  it("refuses work that waits for itself, in a task and outside", function()
    local flight = single_flight()
    local function circle()
      return flight:run(function()
        return flight:run(print)
      end)
    end
    assert.error_matches(circle, "waits for itself")
    assert.error_matches(function() viesti.run(circle) end, "waits for itself")
  end)

  it("survives that all are cancelled", function()
    local flight = single_flight()
    viesti.run(function()
      local tasks = {}
      for index = 1, 3 do
        tasks[index] = viesti.spawn(flight.run, flight, function() viesti.sleep(10) end)
      end
      viesti.sleep(0.001)
      for _, task in ipairs(tasks) do
        task:cancel()
      end
      assert.equal("free", flight:run(function() return "free" end))
    end)
  end)
end)
