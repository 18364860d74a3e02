local viesti = require("viesti")

describe("viesti.map", function()
  it("returns results and errors in the order of the items", function()
    local results, errors = viesti.map({ 30, 10, 20 }, function(milliseconds, index)
      viesti.sleep(milliseconds / 1000)
      return milliseconds * 2, index
    end)
    assert.same({ { 60, 20, 40 }, { 1, 2, 3 } }, { results, errors })
    results, errors = viesti.map({ 1, 2, 3 }, function(item)
      if item == 2 then
        return nil, "no"
      end
      return item
    end)
    assert.same({ { 1, nil, 3 }, { nil, "no" } }, { results, errors })
  end)

  it("has as many calls under way as asked for, never more", function()
    for _, case in ipairs({ { nil, 10 }, { 1, 1 }, { 3, 3 }, { 100, 40 } }) do
      local list, running, most = {}, 0, 0
      for index = 1, 40 do
        list[index] = index
      end
      viesti.map(list, function()
        running = running + 1
        most = math.max(most, running)
        viesti.sleep(0.001)
        running = running - 1
      end, case[1] and { concurrency = case[1] })
      assert.equal(case[2], most)
    end
  end)

  it("runs them in the order of the list", function()
    local order = {}
    viesti.map({ "a", "b", "c", "d" }, function(item)
      order[#order + 1] = item
      viesti.sleep(0)
    end, { concurrency = 2 })
    assert.same({ "a", "b", "c", "d" }, order)
  end)

  it("takes an empty list", function()
    local results, errors = viesti.map({}, function() error("never called") end)
    assert.same({ {}, {} }, { results, errors })
  end)

  it("works inside a task, where others run on", function()
    viesti.run(function()
      local other = viesti.spawn(function()
        viesti.sleep(0.001)
        return "other"
      end)
      assert.same({ 2, 4 }, (viesti.map({ 1, 2 }, function(item)
        viesti.sleep(0.005)
        return item * 2
      end)))
      assert.equal("done", other:status())
    end)
  end)

  it("raises the first error raised, and cancels the calls under way", function()
    local events = {}
    local function call(item)
      local guard <close> = setmetatable({}, { __close = function()
        events[#events + 1] = "closed " .. item
      end })
      events[#events + 1] = "started " .. item
      viesti.sleep(item == 2 and 0.005 or 60)
      error({ item = item, guard = guard })
    end
    local ok, reason = pcall(viesti.map, { 1, 2, 3, 4 }, call, { concurrency = 3 })
    assert.is_false(ok)
    assert.equal(2, reason.item)
    assert.same({ "started 1", "started 2", "started 3" }, { table.unpack(events, 1, 3) })
    local closed = { table.unpack(events, 4) }
    table.sort(closed)
    assert.same({ "closed 1", "closed 2", "closed 3" }, closed)
  end)

  describe('with errors = "collect"', function()
    local function collect(list, fn)
      return viesti.map(list, fn, { errors = "collect", concurrency = 2 })
    end

    it("lists what is raised beside what is returned, and goes on with the others", function()
      local reason = { code = 1 }
      local results, errors = collect({ 1, 2, 3, 4, 5 }, function(item)
        viesti.sleep(0.001)
        if item == 2 then
          error(reason)
        elseif item == 3 then
          return nil, "returned"
        elseif item == 4 then
          error("raised", 0)
        end
        return item * 2
      end)
      assert.same({ { 2, nil, nil, nil, 10 }, { nil, reason, "returned", "raised" } },
        { results, errors })
      assert.equal(reason, errors[2])
    end)

    it("has an error for each that raised, even if that was nil or false", function()
      local results, errors = collect({ 1, 2 }, function(item)
        if item == 1 then
          error(nil)
        end
        error(false)
      end)
      assert.same({ {}, { "nil was raised", false } }, { results, errors })
    end)

    it("is cancelled as ever", function()
      local closed = 0
      local mapping = viesti.spawn(collect, { 1, 2, 3 }, function()
        local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        viesti.sleep(60)
      end)
      viesti.sleep(0.005)
      assert.is_true(mapping:cancel())
      assert.equal(2, closed)
    end)
  end)

  it("ends its calls when one of them cancels the task that maps", function()
    local closed, mapping = 0, nil
    mapping = viesti.spawn(viesti.map, { 1, 2, 3, 4, 5 }, function(item)
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      viesti.sleep(item == 2 and 0.001 or 60)
      mapping:cancel()
      viesti.sleep(60)
    end, { concurrency = 3 })
    assert.equal("cancelled", select(2, mapping:join()).kind)
    viesti.sleep(0)
    assert.equal(3, closed)
    assert.is_true(viesti.loop():is_idle())
  end)

  it("cancels its calls when the task that maps is cancelled", function()
    viesti.run(function()
      local closed = 0
      local mapping = viesti.spawn(viesti.map, { 1, 2, 3 }, function()
        local guard <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        viesti.sleep(60)
        return guard
      end)
      viesti.sleep(0.005)
      assert.is_true(mapping:cancel())
      assert.equal(3, closed)
    end)
  end)

  it("refuses what is no list, no function, no choice", function()
    assert.has_error(function() viesti.map() end,
      "map needs a list and a function, got nothing and nothing")
    assert.has_error(function() viesti.map({}, "x") end,
      'map needs a list and a function, got a table and "x"')
    assert.has_error(function() viesti.map({}, print, { concurrency = 0 }) end,
      "map: concurrency must be an integer of 1 or more, got 0")
    assert.has_error(function() viesti.map({}, print, { concurency = 2 }) end,
      "map: there is no option \"concurency\", did you mean 'concurrency'? "
      .. "(its options are concurrency, errors)")
    assert.has_error(function() viesti.map({}, print, { errors = "ignore" }) end,
      'map: errors must be one of "raise", "collect", got "ignore"')
  end)
end)
