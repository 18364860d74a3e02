local viesti = require("viesti")

local ORIGIN = "http://a.test"

-- What raises is the user's; that the response is nobody's then must not cost a connection, or
-- whatever else a layer inside keeps while it streams, until it is collected.
describe("A stream that nobody gets is closed", function()
  before_each(function() collectgarbage("stop") end)
  after_each(function() collectgarbage("restart") end)

  local function raise()
    error("mine", 0)
  end

  -- The layer over a limit, of which it returns how many slots are taken, and a stream of that
  -- status, a large one.
  local function over_limit(Layer, options, status, asynchronous)
    local limit = viesti.ConcurrencyLimit({ limit = 5 })
    local mock = viesti.MockSender({ asynchronous = asynchronous, clock = viesti.testing.clock(),
      routes = { { answer = { status_code = status, body = ("x"):rep(100000) } } } })
    options.sender = viesti.ConcurrencyLimitingSender({ limit = limit, sender = mock })
    local sender = Layer(options)
    return function()
      return sender:send({ url = ORIGIN, stream = true })
    end, function()
      return (limit:state(ORIGIN))
    end
  end

  for name, options in pairs({
    policy = { policy = raise }, on_retry = { retries = 1, on_retry = raise },
    on_give_up = { on_give_up = raise },
  }) do
    it("where a RetryingSender's " .. name .. " raises", function()
      local send, taken = over_limit(viesti.RetryingSender, options, 503)
      assert.same({ false, "mine" }, { pcall(send) })
      assert.equal(0, taken())
    end)
  end

  it("where the task is cancelled in a RetryingSender's policy", function()
    viesti.run(function()
      local send, taken = over_limit(viesti.RetryingSender,
        { policy = function() viesti.sleep(60) end }, 503, true)
      local task = viesti.spawn(send)
      while taken() == 0 do
        viesti.sleep(0)
      end
      assert.is_true(task:cancel())
      assert.equal(0, taken())
    end)
  end)

  it("where a CircuitBreakingSender's on_change raises, of a failure or a success", function()
    local on_change = function(_, _, state)
      return state ~= "half_open" and raise()
    end
    local breaker = viesti.CircuitBreaker({ minimum = 1, successes = 1, open_for = 0,
      on_change = on_change })
    for _, status in ipairs({ 500, 200 }) do
      local send, taken = over_limit(viesti.CircuitBreakingSender, { breaker = breaker }, status)
      assert.same({ false, "mine" }, { pcall(send) })
      assert.equal(0, taken())
    end
    assert.equal("closed", breaker:state(ORIGIN))
  end)
end)
