local viesti = require("viesti")
local streams = require("spec.support.streams")
local task_fixture = require("spec.support.task_fixture")

local rest_of = streams.rest_of

local function once(piece)
  local given
  return function()
    if not given then
      given = true
      return type(piece) == "function" and piece() or piece
    end
  end
end

describe("In a task, the reader of a body", function()
  local given = task_fixture(0.08)
  local server, promise, later = given.server, given.promise, given.later

  local function assert_timed_out(response, err)
    assert.is_nil(response)
    assert.equal("timeout", err.kind)
  end

  promise("sends through the same sender", function()
    for _ = 1, 3 do
      local response = assert(given:post(given.sender, once(function()
        return assert(given:post(given.sender, "inner")).content.body
      end)))
      assert.equal("inner", response.content.body)
    end
  end)

  promise("sends what has such a reader in its turn, five deep", function()
    local function nested(depth)
      return assert(given:post(given.sender, depth > 0 and once(function()
        viesti.sleep(0.005)
        return nested(depth - 1) .. depth
      end) or "0")).content.body
    end
    assert.equal("012345", nested(5))
  end)

  promise("sleeps, joins and yields", function()
    local other = later(0.02, "joined")
    local pieces = { function() given:lasts(0.03, viesti.sleep, 0.03) return "slept " end,
      function() return other:join() end, function() coroutine.yield() return " yielded" end }
    local position = 0
    local response = assert(given:post(given.sender, function()
      position = position + 1
      return pieces[position] and pieces[position]()
    end))
    assert.equal("slept joined yielded", response.content.body)
  end)

  promise("reads another streamed response", function()
    local source = given:stream(0.05)
    local response = assert(given:post(given.sender, function() return source:read() end))
    assert.equal("0123456789", response.content.body)
  end)

  promise("sleeps on while its upload times out", function()
    assert_timed_out(given:post(given.hasty, once(function()
      given:lasts(0.18, viesti.sleep, 0.18)
    end)))
    given:assert_undisturbed()
  end)

  promise("sleeps on while its upload times out, even if it is garbage by then", function()
    given:post(given.hasty, function() viesti.sleep(0.15) end)
    local value = given:lasts(0.1, function()
      return viesti.spawn(function()
        viesti.sleep(0.1)
        collectgarbage()
        collectgarbage()
        return "real"
      end):join()
    end)
    assert.equal("real", value)
    given:assert_undisturbed()
  end)

  promise("joins on while its upload times out", function()
    local joined
    assert_timed_out(given:post(given.hasty, once(function()
      joined = given:lasts(0.18, function() return later(0.18, "value"):join() end)
    end)))
    assert.equal("value", joined)
    given:assert_undisturbed()
  end)

  promise("sends on while its upload times out", function()
    server:route("/slow", { body = "slow", delay = 0.18 })
    local inner
    assert_timed_out(given:post(given.hasty, once(function()
      inner = assert(given.sender:send({ url = server.url .. "/slow" })).body
      return inner
    end)))
    assert.equal("slow", inner)
    given:assert_undisturbed()
  end)

  promise("reads a stream on while its upload times out", function()
    local source = given:stream(0.18)
    local pieces = {}
    assert_timed_out(given:post(given.hasty, function()
      local piece, err = source:read()
      pieces[#pieces + 1] = piece or tostring(err)
      return piece
    end))
    assert.same({ "01", "23456789" }, pieces)
    assert.is_nil(source:read())
    given:assert_undisturbed()
  end)

  promise("may time out in its turn inside one that does", function()
    local inner, err
    assert_timed_out(given:post(given.hasty, once(function()
      inner, err = given:post(given.hasty, once(function() given:lasts(0.2, viesti.sleep, 0.2) end))
    end)))
    assert_timed_out(inner, err)
    given:assert_undisturbed()
  end)

  promise("raises what cannot be printed, and nothing stays behind", function()
    local bad = setmetatable({}, { __tostring = function() error("x") end })
    local response, err = given:post(given.hasty, function() error(bad) end)
    assert.is_nil(response)
    assert.equal("script", err.kind)
    given:lasts(0.2, viesti.sleep, 0.2)
    given:assert_undisturbed()
  end)

  promise("raises out of its own waits, and nothing stays behind", function()
    local source = given:stream(0.1)
    local _, err = given:post(given.sender, function()
      source:read(2)
      viesti.sleep(0.01)
      error("amid", 0)
    end)
    assert.equal("amid", err.message)
    assert.equal("23456789", rest_of(source))
    given:assert_undisturbed()
  end)

  promise("is not led astray by another sending of the same file", function()
    local file <close> = assert(io.tmpfile())
    local text = ("A"):rep(65536) .. ("B"):rep(65536) .. ("C"):rep(65536)
    file:write(text)
    file:seek("set")
    local request = viesti.Request({ method = "PUT", url = server.url .. "/echo", content = file })
    local responses = viesti.map({ 1, 2, 3 }, function()
      return assert(given.sender:send(request))
    end)
    for _, response in ipairs(responses) do
      assert.is_true(response.content.body == text)
    end
  end)

  promise("holds up nobody with empty pieces", function()
    local ready = false
    local task = later(0.02)
    viesti.spawn(function()
      task:join()
      ready = true
    end)
    local started = given.sender:now()
    assert(given:post(given.sender, function()
      return not ready and given.sender:now() - started < 3 and "" or nil
    end))
    assert.is_true(ready)
    assert_timed_out(given:lasts(0.08, given.post, given, given.hasty, function() return "" end))
  end)

  promise("cannot cancel its own task, but every other", function()
    local victim = viesti.spawn(given.post, given, given.sender, function() viesti.sleep(30) end)
    local task
    task = viesti.spawn(function()
      return given:post(given.sender, once(function()
        assert(victim:cancel())
        task:cancel()
      end))
    end)
    local _, err = task:join()
    assert.equal("script", err.kind)
    assert.matches("a task cannot cancel itself", err.message)
    assert.equal("cancelled", victim:status())
    given:assert_undisturbed()
  end)

  promise("is ended with its task, whatever it waits for", function()
    local source = given:stream(0.2)
    local closed = 0
    local function guarded(wait)
      return function()
        local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        wait()
      end
    end
    server:route("/hang", { hang = true })
    local waits = {
      function() viesti.sleep(30) end,
      function() later(30):join() end,
      function() given.sender:send({ url = server.url .. "/hang" }) end,
      function() source:read() source:read() end,
      function() given:post(given.sender, function() viesti.sleep(30) end) end,
      function() while true do coroutine.yield() end end,
    }
    local tasks = {}
    for index, wait in ipairs(waits) do
      tasks[index] = viesti.spawn(given.post, given, given.sender, guarded(wait))
    end
    viesti.sleep(0.05)
    for _, task in ipairs(tasks) do
      assert.is_true(task:cancel())
      assert.equal("cancelled", select(2, task:join()).kind)
    end
    assert.equal(#waits, closed)
    assert.equal("23456789", rest_of(source))
    given:assert_undisturbed()
  end)
end)
