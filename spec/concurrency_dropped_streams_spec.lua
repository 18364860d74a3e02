local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local streams = require "spec.support.streams"

-- Whose streams hold the slots, and whether anybody is going to read them.
describe("ConcurrencyLimitingSender with streams left over by others", function()
  local server = fixture.origin()

  before_each(function()
    collectgarbage "stop"
    server:route("/x", { body = ("x"):rep(100), drip = { bytes = 20, interval = 0.02 } })
    server:route("/hanging", { body = ("x"):rep(1000), after = 500, hang = true })
  end)
  after_each(function() collectgarbage "restart" end)

  local function over(concrete)
    return viesti.ConcurrencyLimitingSender { limit = 1, sender = concrete }
  end

  -- Opens a stream in a task, which lets others come before it drops it.
  local function open_and_drop(sender, url)
    local kept = { sender:send { url = url, stream = true } }
    assert(kept[1], kept[2])
    viesti.sleep(0.02)
    kept[1] = nil
  end

  it("collects one that was dropped when nobody has anything to do but to wait", function()
    local mock = viesti.MockSender { asynchronous = true,
      routes = { { answer = { body = ("x"):rep(100000) } } } }
    local real <close> = viesti.AsyncSender { timeout = 0 }
    for _, case in ipairs { { mock, "http://a.test/" }, { real, server.url .. "/hanging" } } do
      local sender = over(case[1])
      local outcomes = viesti.run(function()
        viesti.spawn(open_and_drop, sender, case[2])
        viesti.sleep(0.01)
        return viesti.map({ 1, 2, 3 }, function()
          local response = assert(sender:send { url = case[2], stream = true })
          response:close()
          return response.status_code
        end)
      end)
      assert.same({ 200, 200, 200 }, outcomes)
    end
  end)

  it("waits for one of an ended task's that the main thread reads", function()
    local sender <close> = over(viesti.AsyncSender { timeout = 5 })
    local response
    local opener = viesti.spawn(function()
      response = assert(sender:send { url = server.url .. "/x", stream = true })
    end)
    opener:join()
    local waiting = viesti.spawn(function()
      viesti.sleep(0.03)
      return sender:send { url = server.url .. "/echo" }
    end)
    assert.equal(100, #streams.rest_of(response))
    assert.equal(200, assert(waiting:join()).status_code)
  end)

  it("fails at once where all are those of tasks that have ended", function()
    local sender <close> = over(viesti.AsyncSender { timeout = 0 })
    viesti.run(function()
      local opener = viesti.spawn(function()
        return sender:send { url = server.url .. "/hanging", stream = true }
      end)
      local response <close> = assert(opener:join()) -- luacheck: ignore
      local another, err = sender:send { url = server.url .. "/echo" }
      assert.same({ nil, "rate_limited" }, { another, err and err.kind })
    end)
  end)
end)
