local socket = require("socket")
local viesti = require("viesti")
local open_descriptors = require("spec.support.open_descriptors")
local origin = require("spec.support.origin")
local proxy = require("spec.support.proxy")
local ways = require("spec.support.ways")

local ROUNDS = 20

local HEAD = "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 10\r\n\r\n"
local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
local BODILESS = "HTTP/1.1 204 No Content\r\n\r\n"

-- Answers as the origin sends them. It keeps the connection, so that every end is the relay's.
local answers = {
  ["/length"] = HEAD .. "0123456789",
  ["/chunked"] = CHUNKED .. "a\r\n0123456789\r\n0\r\n\r\n",
  ["/bodiless"] = BODILESS,
}

-- Where an answer breaks off: bytes of it that come, and the kind of error if that is a FIN.
local positions = {
  { "before the head", "/length", 0, "empty_reply" },
  { "after the status line", "/length", 17, "truncated" },
  { "within a field", "/length", 20, "truncated" },
  { "before the head's empty line", "/length", #HEAD - 2, "truncated" },
  { "before the end of a head that has no body", "/bodiless", #BODILESS - 2, "truncated" },
  { "at the head's end", "/length", #HEAD, "truncated" },
  { "within the body", "/length", #HEAD + 3, "truncated" },
  { "before the body's last byte", "/length", #HEAD + 9, "truncated" },
  { "before the first chunk", "/chunked", #CHUNKED, "truncated" },
  { "within a chunk's size", "/chunked", #CHUNKED + 1, "truncated" },
  { "within a chunk", "/chunked", #CHUNKED + 5, "truncated" },
  { "after a chunk's bytes", "/chunked", #CHUNKED + 13, "truncated" },
  { "before the last chunk", "/chunked", #CHUNKED + 15, "truncated" },
  { "within the last chunk", "/chunked", #CHUNKED + 16, "truncated" },
}

describe("A connection that", function()
  local server, relay

  setup(function()
    server = origin.start()
    for path, raw in pairs(answers) do
      server:route(path, { raw = raw })
    end
    server:route("/large", { body = ("x"):rep(300000) })
    relay = proxy.start({ to = server.port })
  end)

  teardown(function()
    relay:stop()
    server:stop()
  end)

  local function url(path)
    return ("http://127.0.0.1:%d%s"):format(relay.port, path)
  end

  local function cut(what)
    relay:set({ to = server.port, cut = what })
  end

  local function assert_sends_again(sender)
    relay:set({ to = server.port })
    for _, method in ipairs({ "GET", "POST" }) do
      local response = assert(sender:send({ method = method, url = url("/length") }))
      assert.equal("0123456789", response.body)
    end
  end

  for _, way in ipairs(ways) do
    describe("breaks off, to " .. way.name, function()
      local function promise(text, check, options)
        it(text, function()
          way.run(function()
            check(function()
              return way.sender(options or { timeout = 10 })
            end)
          end)
        end)
      end

      -- A GET is safe to repeat and a POST is not, wherever the answer ended.
      local function assert_fails(sender, path, kind, content)
        for method, retryable in pairs({ GET = true, POST = false }) do
          local response, err = sender:send({ method = method, url = url(path),
            content = method == "POST" and content or nil })
          assert.is_nil(response)
          assert.same({ kind, "maybe", retryable }, { err.kind, err.sent, err.retryable })
        end
      end

      for _, position in ipairs(positions) do
        local where, path, after, kind = table.unpack(position)
        promise(where .. " is an error, and the next one is not", function(new_sender)
          local sender <close> = new_sender()
          cut({ after = after })
          assert_fails(sender, path, kind)
          cut({ after = after, reset = true })
          assert_fails(sender, path, "reset")
          assert_sends_again(sender)
        end)
      end

      promise("after the answer is none", function(new_sender)
        for path, answer in pairs(answers) do
          for _, reset in ipairs({ false, true }) do
            local sender <close> = new_sender()
            cut({ after = #answer, reset = reset })
            for _, method in ipairs({ "GET", "POST" }) do
              local response = assert(sender:send({ method = method, url = url(path) }))
              assert.equal(path == "/bodiless" and "" or "0123456789", response.body)
              viesti.sleep(0.03) -- until the end is there, too
            end
          end
        end
      end)

      promise("within the request is an error, and the next one is not", function(new_sender)
        local sender <close> = new_sender()
        for _, after in ipairs({ 0, 30, 60000 }) do
          for kind, reset in pairs({ empty_reply = false, reset = true }) do
            cut({ from = "client", after = after, reset = reset })
            local response, err = sender:send({ method = "POST", url = url("/length"),
              content = ("y"):rep(1000000) })
            assert.is_nil(response)
            assert.same({ kind, "maybe", false }, { err.kind, err.sent, err.retryable })
          end
        end
        assert_sends_again(sender)
      end)

      promise("20 times leaves no descriptor behind", function(new_sender)
        local sender <close> = new_sender()
        local before
        for round = 1, ROUNDS do
          for _, after in ipairs({ 0, #HEAD + 3 }) do
            cut({ after = after, reset = round % 2 == 0 })
            assert.is_nil((sender:send({ url = url("/length") })))
          end
          before = before or open_descriptors()
        end
        assert.equal(before, open_descriptors())
        assert_sends_again(sender)
      end)

      promise("is tried again where that is safe, and not else", function(new_sender)
        local retrying <close> = viesti.RetryingSender({ retries = 2, backoff = { base = 0 },
          sender = new_sender() })
        cut({ after = 5, reset = true })
        for method, attempts in pairs({ GET = 3, POST = 1 }) do
          relay:reset()
          local response, err = retrying:send({ method = method, url = url("/length") })
          assert.is_nil(response)
          assert.same({ attempts, attempts }, { #err.attempts, relay:connections() })
        end
      end)
    end)

    describe("says nothing, to " .. way.name, function()
      local function assert_times_out(options, target, sent, request)
        local sender <close> = way.sender(options)
        for method, retryable in pairs({ GET = true, POST = sent == "no" }) do
          local started = socket.gettime()
          local response, err = sender:send({ method = method, url = target,
            content = method == "POST" and request or nil })
          assert.is_nil(response)
          assert.same({ "timeout", sent, retryable }, { err.kind, err.sent, err.retryable })
          local elapsed = socket.gettime() - started
          assert.is_true(elapsed >= 0.04 and elapsed < 2, "took " .. elapsed)
        end
      end

      local function promise(text, check)
        it(text, function()
          way.run(check)
        end)
      end

      promise("within the answer is given up after timeout, wherever it stalls", function()
        for _, after in ipairs({ 0, 20, #HEAD, #HEAD + 3 }) do
          relay:set({ to = server.port, cut = { after = after, stall = true } })
          assert_times_out({ timeout = 0.05 }, url("/length"), "maybe")
        end
      end)

      promise("quickly enough is given up after timeout, either way", function()
        relay:set({ to = server.port, rate = 1000 })
        assert_times_out({ timeout = 0.05 }, url("/large"), "maybe", ("y"):rep(3000000))
      end)
    end)
  end

  it("stalls is given up after idle_timeout, wherever that is", function()
    viesti.run(function()
      local sender <close> = viesti.AsyncSender({ idle_timeout = 1, timeout = 60 })
      local started, tasks = sender:now(), {}
      for number, after in ipairs({ 0, 20, #HEAD + 3 }) do
        relay:set({ to = server.port, cut = { after = after, stall = true } })
        tasks[number] = viesti.spawn(sender.send, sender, { url = url("/length") })
        viesti.sleep(0.1) -- until it is accepted, with these options
      end
      for _, task in ipairs(tasks) do
        local response, err = task:join()
        assert.is_nil(response)
        assert.same({ "timeout", "maybe" }, { err.kind, err.sent })
      end
      assert.is_true(sender:now() - started < 30)
    end)
  end)
end)
