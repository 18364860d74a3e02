local socket = require("socket")
local viesti = require("viesti")
local deaf_port = require("spec.support.deaf_port")
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")
local ways = require("spec.support.ways")

for _, way in ipairs(ways) do
  describe("The timeouts of " .. way.name, function()
    local server = fixture.origin()

    before_each(function()
      server:route("/hang", { hang = true })
    end)

    local promise = way:promises()

    local function get(sender, path, more)
      local request = { url = (path:find("^/") and server.url or "") .. path }
      for name, value in pairs(more or {}) do
        request[name] = value
      end
      return sender:send(request)
    end

    -- The function gives up with that timeout, after so many seconds or not much more.
    local function assert_gives_up(seconds, expected, fn, ...)
      local started = socket.gettime()
      local response, err = fn(...)
      local elapsed = socket.gettime() - started
      assert.is_nil(response)
      assert.same(expected, { err.kind, err.timeout, err.sent, err.retryable })
      assert.is_true(elapsed >= seconds - 0.02 and elapsed < seconds * 3 + 1,
        ("took %g, not %g"):format(elapsed, seconds))
      return err
    end

    promise("end a connection that is not made: connect", function(sender)
      local deaf <close> = deaf_port()
      for _, method in ipairs({ "GET", "POST" }) do
        local err = assert_gives_up(0.1, { "timeout", "connect", "no", true }, get, sender,
          deaf.url, { method = method })
        assert.equal("no connection within 0.1 s (connect_timeout)", err.message)
        assert.equal(("timeout: %s (%s %s)"):format(err.message, method, deaf.url),
          tostring(err))
      end
    end, { connect_timeout = 0.1 })

    promise("end an exchange that takes too long: total", function(sender)
      server:route("/drip", { body = ("x"):rep(1000), drip = { bytes = 10, interval = 0.02 } })
      for _, path in ipairs({ "/hang", "/drip" }) do
        local err = assert_gives_up(0.15, { "timeout", "total", "maybe", true }, get, sender, path)
        assert.equal("not done within 0.15 s (timeout)", err.message)
      end
      assert_gives_up(0.15, { "timeout", "total", "maybe", false }, get, sender, "/hang",
        { method = "POST", content = "x" })
      local deaf <close> = deaf_port()
      assert_gives_up(0.15, { "timeout", "total", "no", true }, get, sender, deaf.url)
    end, { timeout = 0.15 })

    promise("end an exchange in which nothing moves: idle", function(sender)
      server:route("/stops", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        hang = true })
      for _, path in ipairs({ "/hang", "/stops" }) do
        local err = assert_gives_up(0.2, { "timeout", "idle", "maybe", true }, get, sender, path)
        assert.equal("no byte came or went for 0.2 s (idle_timeout)", err.message)
      end
      assert_gives_up(0.2, { "timeout", "idle", "maybe", false }, get, sender, "/hang",
        { method = "POST", content = "x" })
      local response = assert(get(sender, "/stops", { stream = true }))
      assert.equal("abc", response:read())
      assert_gives_up(0.1, { "timeout", "idle", "maybe", true }, response.read, response)
    end, { idle_timeout = 0.2 })

    promise("end an exchange that is too slow on average: low_speed", function(sender)
      server:route("/drip", { body = ("x"):rep(1000), drip = { bytes = 10, interval = 0.05 } })
      local err = assert_gives_up(1, { "timeout", "low_speed", "maybe", true }, get, sender,
        "/drip")
      assert.equal("slower than 10000 bytes/s for 1 s (low_speed_limit)", err.message)
    end, { low_speed_limit = 10000, low_speed_time = 1 })

    promise("are named by the one that strikes, whichever others there are", function(sender)
      local deaf <close> = deaf_port()
      server:route("/drip", { body = ("x"):rep(1000), drip = { bytes = 10, interval = 0.05 } })
      assert_gives_up(0.1, { "timeout", "connect", "no", true }, get, sender, deaf.url)
      assert_gives_up(0.25, { "timeout", "idle", "maybe", true }, get, sender, "/hang")
      assert_gives_up(0.6, { "timeout", "total", "maybe", true }, get, sender, "/drip")
      assert_gives_up(0.05, { "timeout", "total", "no", true }, get, sender, deaf.url,
        { timeout = 0.05 })
    end, { timeout = 0.6, connect_timeout = 0.1, idle_timeout = 0.25 })

    promise("have no name in other errors", function(sender)
      server:route("/reset", { reset = true })
      assert.is_nil(select(2, get(sender, "/reset")).timeout)
    end)

    promise("may be a request's own, or none at all", function(sender)
      server:route("/slow", { body = "slow", delay = 0.3 })
      assert_gives_up(0.1, { "timeout", "total", "maybe", true }, get, sender, "/slow")
      assert.equal("slow", assert(get(sender, "/slow", { timeout = 10 })).body)
      assert.equal("slow", assert(get(sender, "/slow", { timeout = 0 })).body)
      local err = assert_gives_up(0.05, { "timeout", "total", "maybe", true }, get, sender,
        "/slow", { timeout = 0.05 })
      assert.equal("not done within 0.05 s (timeout)", err.message)
      assert_gives_up(0.1, { "timeout", "total", "maybe", true }, get, sender, "/slow")
    end, { timeout = 0.1 })

    it("are limits however short they are", function()
      way.run(function()
        local deaf <close> = deaf_port()
        for name, other in pairs({ total = { timeout = 0.0004, connect_timeout = 1 },
          connect = { connect_timeout = 0.0001, timeout = 1 } }) do
          local sender <close> = way.sender(other)
          assert_gives_up(0, { "timeout", name, "no", true }, get, sender, deaf.url)
        end
        local patient <close> = way.sender({ timeout = 1 })
        assert.equal("not done within 0.0001 s (timeout)", assert_gives_up(0, { "timeout", "total",
          "no", true }, get, patient, deaf.url, { timeout = 0.0001 }).message)
      end)
    end)

    promise("are tried again by a RetryingSender", function(sender)
      server:route("/flaky", { { hang = true }, { body = "fine" } })
      local retrying = viesti.RetryingSender({ retries = 1, sender = sender,
        backoff = { base = 0 } })
      local response = assert(get(retrying, "/flaky"))
      assert.same({ "fine", 2 }, { response.body, #response.attempts })
    end, { timeout = 0.3 })

    describe("take for no silence", function()
      promise("a body that drips, however long", function(sender)
        server:route("/drip", { body = ("x"):rep(1000), drip = { bytes = 100, interval = 0.1 } })
        local started = socket.gettime()
        assert.equal(1000, #assert(get(sender, "/drip")).body)
        assert.is_true(socket.gettime() - started > 0.8)
      end, { idle_timeout = 0.4 })

      promise("a stream that is read slowly", function(sender)
        local web <close> = nginx.start({ files = { large = ("x"):rep(20000000) } })
        local response = assert(get(sender, web.url .. "/static/large", { stream = true }))
        local size = #response:read(10)
        for _ = 1, 2 do
          sender:sleep(0.4)
          size = size + #response:read(10)
        end
        for chunk in response:chunks() do
          size = size + #chunk
        end
        assert.equal(20000000, size)
      end, { idle_timeout = 0.2 })

      promise("a body whose reader is slow", function(sender)
        local count = 0
        local response = assert(get(sender, "/echo", { method = "POST", content = function()
          count = count + 1
          sender:sleep(0.4)
          return count < 2 and "piece" or nil
        end }))
        assert.equal("piece", response.content.body)
      end, { idle_timeout = 0.2 })

      promise("a program that was busy with something else", function(sender)
        server:route("/slow", { body = "slow", delay = 0.1 })
        local busy = viesti.SyncSender()
        if sender.is_async then
          local task = viesti.spawn(get, sender, "/slow")
          viesti.sleep(0.01)
          busy:sleep(0.6)
          assert.equal("slow", assert(task:join()).body)
        else
          local response = assert(get(sender, "/slow", { stream = true }))
          busy:sleep(0.6)
          assert.equal("slow", response:read())
        end
      end, { idle_timeout = 0.2 })

      promise("the time it takes to connect", function(sender)
        local deaf <close> = deaf_port()
        assert_gives_up(0.5, { "timeout", "connect", "no", true }, get, sender, deaf.url)
      end, { idle_timeout = 0.1, connect_timeout = 0.5 })
    end, { low_speed_limit = 10000, low_speed_time = 1 })
  end)
end

describe("The timeouts of an AsyncSender", function()
  local server = fixture.origin()

  before_each(function()
    server:route("/hang", { hang = true })
  end)

  local function spawn(sender, path, more)
    local request = { url = (path:find("^/") and server.url or "") .. path }
    for name, value in pairs(more or {}) do
      request[name] = value
    end
    return viesti.spawn(function()
      local started = socket.gettime()
      local response, err = sender:send(request)
      return response, err, socket.gettime() - started
    end)
  end

  it("count the wait in the queue into the total", function()
    local sender <close> = viesti.AsyncSender({ timeout = 0.4, max_connections = 1 })
    viesti.run(function()
      local tasks = { spawn(sender, "/hang", { timeout = 10 }), spawn(sender, "/hang"),
        spawn(sender, "/hang", { timeout = 0.1 }) }
      for index, seconds in pairs({ [2] = 0.4, [3] = 0.1 }) do
        local response, err, elapsed = tasks[index]:join()
        assert.is_nil(response)
        assert.same({ "timeout", "total", "no", true }, { err.kind, err.timeout, err.sent,
          err.retryable })
        assert.equal(("all connections were taken for %g s (timeout)"):format(seconds),
          err.message)
        assert.is_true(elapsed >= seconds and elapsed < seconds + 1, elapsed)
      end
      assert.equal("running", tasks[1]:status())
      tasks[1]:cancel()
    end)
    assert.equal(1, server:count("/hang"))
  end)

  it("let no request start that has waited too long", function()
    local sender <close> = viesti.AsyncSender({ timeout = 0.2, max_connections = 1 })
    local before = server:count("/hang")
    viesti.run(function()
      local first, second = spawn(sender, "/hang"), spawn(sender, "/hang")
      viesti.sleep(0.05)
      viesti.SyncSender():sleep(0.3) -- nobody looks at the queue meanwhile
      assert.equal("maybe", select(2, first:join()).sent)
      assert.equal("no", select(2, second:join()).sent)
    end)
    assert.equal(before + 1, server:count("/hang"))
  end)

  it("take a busy program for no silence, however much came meanwhile", function()
    local sender <close> = viesti.AsyncSender({ idle_timeout = 1, max_connections = 0 })
    server:route("/soon", { body = "soon", delay = 0.6 })
    viesti.run(function()
      local tasks = {}
      for index = 1, 600 do
        tasks[index] = spawn(sender, "/soon")
      end
      viesti.sleep(0.3)
      viesti.SyncSender():sleep(1.3)
      for _, task in ipairs(tasks) do
        assert.equal("soon", assert(task:join()).body)
      end
    end)
  end)

  it("leave to a request what the queue has left of its time", function()
    local sender <close> = viesti.AsyncSender({ timeout = 0.6, connect_timeout = 0.5,
      max_connections = 1 })
    local deaf <close> = deaf_port()
    server:route("/slow", { body = "slow", delay = 0.4 })
    viesti.run(function()
      for _, case in ipairs({ { "/hang", "maybe" }, { deaf.url, "no" } }) do
        local first, second = spawn(sender, "/slow"), spawn(sender, case[1])
        assert.equal("slow", assert(first:join()).body)
        local _, err, elapsed = second:join()
        assert.same({ "total", "not done within 0.6 s (timeout)", case[2] },
          { err.timeout, err.message, err.sent })
        assert.is_true(elapsed >= 0.59 and elapsed < 2, elapsed)
      end
    end)
  end)

  it("strike one request and leave alone the others of the session", function()
    local sender <close> = viesti.AsyncSender({ idle_timeout = 0.4 })
    server:route("/drip", { body = ("x"):rep(100), drip = { bytes = 20, interval = 0.1 } })
    viesti.run(function()
      local hanging = spawn(sender, "/hang")
      for _ = 1, 2 do
        assert.equal(100, #assert(spawn(sender, "/drip"):join()).body)
      end
      assert.equal("idle", select(2, hanging:join()).timeout)
    end)
  end)

  it("take a queue for no silence, neither those in it nor those before it", function()
    local sender <close> = viesti.AsyncSender({ timeout = 30, idle_timeout = 3,
      max_connections = 1 })
    server:route("/slow", { body = "slow", delay = 1.4 })
    viesti.run(function()
      local tasks = { spawn(sender, "/slow"), spawn(sender, "/slow") }
      for _, task in ipairs(tasks) do
        assert.equal("slow", assert(task:join()).body)
      end
    end)
  end)

  it("take the pauses of a limited speed for no silence, and what follows them for one", function()
    server:route("/large", { body = ("x"):rep(1000000) })
    for _, speed in ipairs({ "MAX_RECV_SPEED_LARGE", "MAX_SEND_SPEED_LARGE" }) do
      local sender <close> = viesti.AsyncSender({ idle_timeout = 0.1, curl = { [speed] = 500000 } })
      for _ = 1, 2 do
        local body = assert(sender:send({ method = "PUT", url = server.url .. "/large",
          content = ("y"):rep(500000) })).body
        assert.equal(1000000, #body)
      end
      assert.equal("idle", select(2, sender:send({ url = server.url .. "/hang" })).timeout)
    end
  end)

  it("take a large upload that the server reads slowly for no silence", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local sender <close> = viesti.AsyncSender({ idle_timeout = 0.5 })
    viesti.run(function()
      local task = spawn(sender, ("http://127.0.0.1:%d/"):format(port), { method = "PUT",
        content = ("x"):rep(20000000) })
      viesti.sleep(0.05)
      local client = assert(listener:accept())
      client:settimeout(0)
      local size, started = 0, socket.gettime()
      while size < 20000000 do
        local data, _, part = client:receive(200000)
        size = size + #(data or part)
        viesti.sleep(0.01)
      end
      assert(client:send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"))
      assert.equal("fine", assert(task:join()).body)
      assert.is_true(socket.gettime() - started > 0.9)
      client:close()
      listener:close()
    end)
  end)
end)
