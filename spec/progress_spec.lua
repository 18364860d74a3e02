local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local ways = require("spec.support.ways")

-- A listener to progress: the function, and the list of its calls { done, total }.
local function listener()
  local calls = {}
  return function(...)
    assert.equal(2, select("#", ...))
    local done, total = ...
    calls[#calls + 1] = { done, total }
  end, calls
end

local function assert_rising(calls)
  for index = 2, #calls do
    assert.is_true(calls[index][1] > calls[index - 1][1])
  end
end

for _, way in ipairs(ways) do
  describe("The progress of a response to " .. way.name, function()
    local server, web = fixture.origin(), fixture.nginx()

    local promise = way:promises({ timeout = 5 })

    local function get(sender, path, on_progress, more)
      local request = { url = (path:find("^/") and server.url or "") .. path,
        on_progress = on_progress }
      for name, value in pairs(more or {}) do
        request[name] = value
      end
      return sender:send(request)
    end

    local function assert_script(message, response, err)
      assert.is_nil(response)
      assert.same({ "script", "maybe", false }, { err.kind, err.sent, err.retryable })
      assert.is_truthy(err.message:find(message, 1, true), err.message)
    end

    local function assert_goes_on(sender)
      assert.equal(200, assert(get(sender, "/status/200")).status_code)
    end

    promise("rises to the length of the body, which is said all the while", function(sender)
      server:route("/x", { body = ("x"):rep(50000), drip = { bytes = 10000, interval = 0.03 } })
      local on_progress, calls = listener()
      assert.equal(50000, #assert(get(sender, "/x", on_progress)).body)
      assert.is_true(#calls >= 2, #calls)
      assert_rising(calls)
      for _, call in ipairs(calls) do
        assert.equal(50000, call[2])
        assert.equal("integer", math.type(call[1]))
      end
      assert.same({ 50000, 50000 }, calls[#calls])
    end)

    promise("says a total that nobody knew at the end", function(sender)
      for _, answer in ipairs({ { chunked = 10000 }, { raw = "HTTP/1.1 200 OK\r\n\r\n"
        .. ("x"):rep(50000), close = true } }) do
        answer.body = ("x"):rep(50000)
        answer.drip = { bytes = 10000, interval = 0.03 }
        server:route("/x", answer)
        local on_progress, calls = listener()
        assert(get(sender, "/x", on_progress))
        assert.is_true(#calls >= 2, #calls)
        local last = table.remove(calls)
        assert.same({ 50000, 50000 }, last)
        assert_rising(calls)
        for _, call in ipairs(calls) do
          assert.is_nil(call[2])
        end
      end
    end)

    promise("counts the bytes of a compressed body as they are when decoded", function(sender)
      local on_progress, calls = listener()
      local response = assert(get(sender, web.url .. "/gzip/text.txt", on_progress))
      assert.equal("gzip", response.encoding)
      assert.same({ #response.body, #response.body }, calls[#calls])
      for index = 1, #calls - 1 do
        assert.is_nil(calls[index][2])
      end
    end)

    promise("is nothing to speak of where there is no body", function(sender)
      server:route("/x", { body = "" })
      local on_progress, calls = listener()
      assert(get(sender, "/x", on_progress))
      assert(get(sender, "/echo", on_progress, { method = "HEAD" }))
      assert(get(sender, "/status/204", on_progress))
      assert.same({}, calls)
    end)

    promise("ends with a transfer that fails", function(sender)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close = true })
      local on_progress, calls = listener()
      assert.equal("truncated", select(2, get(sender, "/x", on_progress)).kind)
      local count = #calls
      assert.is_true(count <= 1)
      assert_goes_on(sender)
      assert.equal(count, #calls)
      for _, call in ipairs(calls) do
        assert.same({ 3, 9 }, call)
      end
    end)

    promise("ends the transfer where what hears of it fails", function(sender)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", hang = true })
      server:route("/whole", { body = "whole" })
      local unprintable = setmetatable({}, { __tostring = function() error("x") end })
      for _, path in ipairs({ "/x", "/whole" }) do
        local count = 0
        assert_script("no more of this", get(sender, path, function()
          count = count + 1
          error("no more of this", 0)
        end))
        assert.equal(1, count)
        assert_script("cannot be printed", get(sender, path, function() error(unprintable) end))
        assert_script("nil", get(sender, path, function() error() end))
        local value = { code = 7 }
        assert.equal(value, select(2, get(sender, path, function() error(value) end)).cause)
      end
      assert_goes_on(sender)
    end)

    promise("does not mind what its listener returns", function(sender)
      server:route("/x", { body = "whole" })
      for _, value in ipairs({ false, "x", {} }) do
        assert.equal("whole", assert(get(sender, "/x", function() return value, "why" end)).body)
      end
    end)

    promise("may be listened to with a sender in hand, also the one that it is of", function(sender)
      server:route("/slow", { body = "slow", delay = 0.05 })
      server:route("/x", { body = "outer" })
      local inner
      local response = assert(get(sender, "/x", function()
        inner = inner or assert(get(sender, "/slow")).body
      end))
      assert.same({ "outer", "slow" }, { response.body, inner })
    end)

    promise("ends where its listener closes the sender", function(sender)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", hang = true })
      local response, err = get(sender, "/x", function() sender:close() end)
      assert.is_nil(response)
      assert.equal("closed", err.kind)
    end)

    promise("is told where the request has a body, too", function(sender)
      local on_progress, calls = listener()
      local sent = false
      assert(get(sender, "/echo", on_progress, { method = "POST", content = function()
        sent = not sent
        return sent and "piece" or nil
      end }))
      local count = #calls
      assert(get(sender, "/echo", on_progress, { method = "POST", multipart = { a = "x" } }))
      assert.is_true(0 < count and count < #calls)
    end)

    promise("begins anew with every exchange: a redirect, another attempt", function(sender)
      server:route("/x", { { status = 503, body = "12345" }, { status = 302,
        headers = { { "Location", "/y" } }, body = "123456" } })
      server:route("/y", { body = "1234567" })
      local on_progress, calls = listener()
      local client = viesti.RedirectingSender({ sender = viesti.RetryingSender({ retries = 1,
        sender = sender, backoff = { base = 0 } }) })
      assert.equal("1234567", assert(get(client, "/x", on_progress)).body)
      assert.same({ { 5, 5 }, { 6, 6 }, { 7, 7 } }, calls)
    end)

    promise("is not made where a cache answers, and is where that asks", function(sender)
      local on_progress, calls = listener()
      -- A layer below the cache makes a changed copy of what that sends.
      local Stamping = viesti.ExtendingSender:extend("StampingSender")
      function Stamping:send(request)
        return self.sender:send(request:with({ headers = { ["X-Stamp"] = "1" } }))
      end
      for _, inner in ipairs({ sender, Stamping(sender) }) do
        server:route("/x", { { body = "first", headers = { { "Cache-Control", "max-age=60" } } } })
        server:route("/stale", { { body = "first", etag = '"1"' }, { body = "first", etag = '"1"' },
          { body = "second!", etag = '"2"' } })
        local client = viesti.CachingSender({ sender = inner })
        for _, path in ipairs({ "/x", "/x", "/stale", "/stale", "/stale" }) do
          assert(get(client, path, on_progress))
        end
        assert.same({ { 5, 5 }, { 5, 5 }, { 7, 7 } }, calls)
        for index = #calls, 1, -1 do
          calls[index] = nil
        end
      end
    end)

    promise("stays with a changed copy of the request, unless that has another listener",
      function(sender)
        server:route("/x", { body = "whole" })
        local first, first_calls = listener()
        local second, second_calls = listener()
        local request = viesti.Request({ url = server.url .. "/x", on_progress = first })
        assert.equal(first, request.on_progress)
        assert(sender:send(request:with({ headers = { A = "b" } })))
        assert(sender:send(request:with({ on_progress = second })))
        assert.same({ { { 5, 5 } }, { { 5, 5 } } }, { first_calls, second_calls })
      end)
  end)
end

describe("In a task, what listens to the progress of a response", function()
  local server = fixture.origin()
  local sender

  before_each(function()
    sender = viesti.AsyncSender({ timeout = 5 })
  end)

  after_each(function()
    sender:close()
  end)

  it("may sleep, join and yield, while the body comes and others run", function()
    server:route("/x", { body = ("x"):rep(50000), drip = { bytes = 10000, interval = 0.03 } })
    viesti.run(function()
      local steps, calls = 0, {}
      local ticker <close> = viesti.spawn(function()
        while true do
          viesti.sleep(0.005)
          steps = steps + 1
        end
      end)
      local waits = { function() viesti.sleep(0.1) end, coroutine.yield,
        function() return viesti.spawn(viesti.sleep, 0.01):join() end }
      local response = assert(sender:send({ url = server.url .. "/x", on_progress = function(done)
        calls[#calls + 1] = done
        local wait = waits[#calls]
        return wait and wait()
      end }))
      assert.equal(50000, #response.body)
      assert.is_true(calls[1] < 50000)
      assert.equal(50000, calls[#calls])
      assert.is_true(steps >= 5 and ticker:status() == "running", steps)
    end)
  end)

  it("is told of the end that came while it slept", function()
    server:route("/x", { body = ("x"):rep(20000), drip = { bytes = 19000, interval = 0.02 } })
    viesti.run(function()
      local calls = {}
      assert(sender:send({ url = server.url .. "/x", on_progress = function(done, total)
        calls[#calls + 1] = { done, total }
        viesti.sleep(0.1)
      end }))
      assert.is_true(calls[1][1] < 20000)
      assert.same({ 20000, 20000 }, calls[#calls])
    end)
  end)

  it("sleeps on while the time of the request runs out", function()
    server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", hang = true })
    viesti.run(function()
      local slept, calls = false, 0
      local _, err = sender:send({ url = server.url .. "/x", timeout = 0.05,
        on_progress = function()
          calls = calls + 1
          viesti.sleep(0.15)
          slept = true
        end })
      assert.same({ "timeout", true, 1 }, { err.kind, slept, calls })
    end)
  end)

  it("ends with its task", function()
    server:route("/x", { body = "whole" })
    viesti.run(function()
      local closed = false
      local task = viesti.spawn(sender.send, sender, { url = server.url .. "/x",
        on_progress = function()
          local _ <close> = setmetatable({}, { __close = function() closed = true end })
          viesti.sleep(30)
        end })
      viesti.sleep(0.05)
      assert.is_true(task:cancel())
      assert.is_true(closed)
      assert.equal(200, assert(sender:send({ url = server.url .. "/x" })).status_code)
    end)
  end)
end)

describe("Request", function()
  it("takes a listener to progress that is a function, and for whole bodies alone", function()
    assert.has_error(function() viesti.Request({ url = "http://h/", on_progress = 5 }) end,
      "Request: on_progress must be a function, got 5")
    assert.has_error(function()
      viesti.Request({ url = "http://h/", on_progress = print, stream = true })
    end, "Request: on_progress is for whole bodies; who streams one sees it come")
  end)
end)
