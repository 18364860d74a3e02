local viesti = require("viesti")

local ORIGIN = "http://a.test"

describe("Cooldown", function()
  -- When each of so many tasks, which send at the same moment and are all turned away, sends again:
  -- counted by steps of a quarter of a second after the ten that the server asked for.
  local function steps_of(count)
    local clock = viesti.testing.clock()
    local start, steps, turned_away = clock.now(), {}, 0
    local mock = viesti.MockSender({ clock = clock, asynchronous = true, routes = { {
      answer = function()
        if turned_away < count then
          turned_away = turned_away + 1
          return { status_code = 429, headers = { ["Retry-After"] = "10" }, delay = 0.001 }
        end
        local step = math.ceil((clock.now() - start - 10.001) / 0.25 - 1e-6)
        steps[step] = (steps[step] or 0) + 1
        return { status_code = 200 }
      end } } })
    local sender = viesti.RetryingSender({ sender = mock, backoff = { jitter = "none" },
      rate_limit = { pad = 0, shared = viesti.Cooldown({ step = 0.25 }) } })
    viesti.run(function()
      local numbers = {}
      for number = 1, count do
        numbers[number] = number
      end
      viesti.map(numbers, function()
        assert(sender:send({ url = ORIGIN }))
      end, { concurrency = count })
    end)
    return steps
  end

  it("lets those go in growing groups, too, who were all turned away at once", function()
    local steps = steps_of(32)
    assert.same({ [0] = steps[0], steps[1], steps[2], steps[3], steps[4] }, steps)
    assert.is_true(steps[0] <= 3 and steps[1] <= 3 and steps[2] <= 5, table.concat(steps, " "))
    assert.equal(32, steps[0] + steps[1] + steps[2] + steps[3] + steps[4])
  end)

  it("tells whether it began with this, and not before what was asked last is over", function()
    local cooldown = viesti.Cooldown({ step = 0.25 })
    local function random() return 0 end
    local mine, begun = cooldown:start(ORIGIN, 10, 100)
    assert.is_true(begun)
    local other, also_begun = cooldown:start(ORIGIN, 10, 100.1)
    assert.same({ mine, false }, { other, also_begun })
    assert.equal(110.1, (cooldown:reserve(ORIGIN, 101, random)))
    assert.equal(110.35, (cooldown:reserve(ORIGIN, 101, random)))
    assert.is_nil(cooldown:reserve(ORIGIN, 101, random, mine))
    local newer, newly_begun = cooldown:start(ORIGIN, 20, 101)
    assert.is_true(newly_begun and newer ~= mine)
    assert.equal(121, (cooldown:reserve(ORIGIN, 101, random, mine)))
    assert.is_nil(cooldown:reserve(ORIGIN, 130, random))
  end)
end)
