local viesti = require("viesti")
local origin = require("spec.support.origin")

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
  local server, sender, hasty, now

  setup(function()
    server = origin.start()
    now = viesti.SyncSender.now
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:reset()
    sender, hasty = viesti.AsyncSender({ timeout = 10 }), viesti.AsyncSender({ timeout = 0.08 })
  end)

  after_each(function()
    sender:close()
    hasty:close()
  end)

  local function promise(text, check)
    it(text, function()
      viesti.run(check)
    end)
  end

  local function post(by, content, path)
    return by:send({ method = "POST", url = server.url .. (path or "/echo"), content = content })
  end

  -- A stream whose body is 0123456789: the first two bytes at once, the others later.
  local function stream(seconds)
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
    server:route("/stream", { drip = { bytes = head .. "0123456789", size = #head + 2,
      interval = seconds or 0.1 } })
    return assert(sender:send({ url = server.url .. "/stream", stream = true }))
  end

  local function rest_of(response)
    local pieces = {}
    for chunk in response:chunks() do
      pieces[#pieces + 1] = chunk
    end
    return table.concat(pieces)
  end

  local function lasts(seconds, fn, ...)
    local started = now(sender)
    local results = table.pack(fn(...))
    local elapsed = now(sender) - started
    assert.is_true(elapsed >= seconds - 0.002 and elapsed < seconds + 0.5,
      ("took %g, not %g"):format(elapsed, seconds))
    return table.unpack(results, 1, results.n)
  end

  local function later(seconds, ...)
    return viesti.spawn(function(...)
      viesti.sleep(seconds)
      return ...
    end, ...)
  end

  -- What comes after an upload that went wrong must be as if it had never been.
  local function assert_undisturbed()
    lasts(0.08, viesti.sleep, 0.08)
    assert.same({ "real", 7 }, { lasts(0.05, function()
      return later(0.05, "real", 7):join()
    end) })
    collectgarbage()
    assert.equal("fine", assert(post(sender, "fine")).content.body)
  end

  local function assert_timed_out(response, err)
    assert.is_nil(response)
    assert.equal("timeout", err.kind)
  end

  promise("sends through the same sender", function()
    for _ = 1, 3 do
      local response = assert(post(sender, once(function()
        return assert(post(sender, "inner")).content.body
      end)))
      assert.equal("inner", response.content.body)
    end
  end)

  promise("sends what has such a reader in its turn, five deep", function()
    local function nested(depth)
      return assert(post(sender, depth > 0 and once(function()
        viesti.sleep(0.005)
        return nested(depth - 1) .. depth
      end) or "0")).content.body
    end
    assert.equal("012345", nested(5))
  end)

  promise("sleeps, joins and yields", function()
    local other = later(0.02, "joined")
    local pieces = { function() lasts(0.03, viesti.sleep, 0.03) return "slept " end,
      function() return other:join() end, function() coroutine.yield() return " yielded" end }
    local position = 0
    local response = assert(post(sender, function()
      position = position + 1
      return pieces[position] and pieces[position]()
    end))
    assert.equal("slept joined yielded", response.content.body)
  end)

  promise("reads another streamed response", function()
    local source = stream(0.05)
    local response = assert(post(sender, function() return source:read() end))
    assert.equal("0123456789", response.content.body)
  end)

  promise("sleeps on while its upload times out", function()
    assert_timed_out(post(hasty, once(function()
      lasts(0.18, viesti.sleep, 0.18)
    end)))
    assert_undisturbed()
  end)

  promise("sleeps on while its upload times out, even if it is garbage by then", function()
    post(hasty, function() viesti.sleep(0.15) end)
    local value = lasts(0.1, function()
      return viesti.spawn(function()
        viesti.sleep(0.1)
        collectgarbage()
        collectgarbage()
        return "real"
      end):join()
    end)
    assert.equal("real", value)
    assert_undisturbed()
  end)

  promise("joins on while its upload times out", function()
    local joined
    assert_timed_out(post(hasty, once(function()
      joined = lasts(0.18, function() return later(0.18, "value"):join() end)
    end)))
    assert.equal("value", joined)
    assert_undisturbed()
  end)

  promise("sends on while its upload times out", function()
    server:route("/slow", { body = "slow", delay = 0.18 })
    local inner
    assert_timed_out(post(hasty, once(function()
      inner = assert(sender:send({ url = server.url .. "/slow" })).body
      return inner
    end)))
    assert.equal("slow", inner)
    assert_undisturbed()
  end)

  promise("reads a stream on while its upload times out", function()
    local source = stream(0.18)
    local pieces = {}
    assert_timed_out(post(hasty, function()
      local piece, err = source:read()
      pieces[#pieces + 1] = piece or tostring(err)
      return piece
    end))
    assert.same({ "01", "23456789" }, pieces)
    assert.is_nil(source:read())
    assert_undisturbed()
  end)

  promise("may time out in its turn inside one that does", function()
    local inner, err
    assert_timed_out(post(hasty, once(function()
      inner, err = post(hasty, once(function() lasts(0.2, viesti.sleep, 0.2) end))
    end)))
    assert_timed_out(inner, err)
    assert_undisturbed()
  end)

  promise("raises what cannot be printed, and nothing stays behind", function()
    local bad = setmetatable({}, { __tostring = function() error("x") end })
    local response, err = post(hasty, function() error(bad) end)
    assert.is_nil(response)
    assert.equal("script", err.kind)
    lasts(0.2, viesti.sleep, 0.2)
    assert_undisturbed()
  end)

  promise("raises out of its own waits, and nothing stays behind", function()
    local source = stream(0.1)
    local _, err = post(sender, function()
      source:read(2)
      viesti.sleep(0.01)
      error("amid", 0)
    end)
    assert.equal("amid", err.message)
    assert.equal("23456789", rest_of(source))
    assert_undisturbed()
  end)

  promise("is not led astray by another sending of the same file", function()
    local file <close> = assert(io.tmpfile())
    local text = ("A"):rep(65536) .. ("B"):rep(65536) .. ("C"):rep(65536)
    file:write(text)
    file:seek("set")
    local request = viesti.Request({ method = "PUT", url = server.url .. "/echo", content = file })
    local responses = viesti.map({ 1, 2, 3 }, function() return assert(sender:send(request)) end)
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
    local started = now(sender)
    assert(post(sender, function()
      return not ready and now(sender) - started < 3 and "" or nil
    end))
    assert.is_true(ready)
    assert_timed_out(lasts(0.08, post, hasty, function() return "" end))
  end)

  promise("cannot cancel its own task, but every other", function()
    local victim = viesti.spawn(post, sender, function() viesti.sleep(30) end)
    local task
    task = viesti.spawn(function()
      return post(sender, once(function()
        assert(victim:cancel())
        task:cancel()
      end))
    end)
    local _, err = task:join()
    assert.equal("script", err.kind)
    assert.matches("a task cannot cancel itself", err.message)
    assert.equal("cancelled", victim:status())
    assert_undisturbed()
  end)

  promise("is ended with its task, whatever it waits for", function()
    local source = stream(0.2)
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
      function() sender:send({ url = server.url .. "/hang" }) end,
      function() source:read() source:read() end,
      function() post(sender, function() viesti.sleep(30) end) end,
      function() while true do coroutine.yield() end end,
    }
    local tasks = {}
    for index, wait in ipairs(waits) do
      tasks[index] = viesti.spawn(post, sender, guarded(wait))
    end
    viesti.sleep(0.05)
    for _, task in ipairs(tasks) do
      assert.is_true(task:cancel())
      assert.equal("cancelled", select(2, task:join()).kind)
    end
    assert.equal(#waits, closed)
    assert.equal("23456789", rest_of(source))
    assert_undisturbed()
  end)
end)
