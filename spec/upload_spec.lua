local viesti = require("viesti")
local bodies = require("spec.support.bodies")
local fixture = require("spec.support.fixture")
local ways = require("spec.support.ways")

local CHUNKED_HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

local reader_of, file_with = bodies.reader_of, bodies.file_with

for _, way in ipairs(ways) do
  describe("A body by pieces, sent by " .. way.name .. ",", function()
    local server = fixture.origin()

    local promise = way:promises({ timeout = 5 })

    local function post(sender, content, more)
      local request = { method = "POST", url = server.url .. "/echo", content = content }
      for name, value in pairs(more or {}) do
        request[name] = value
      end
      return sender:send(request)
    end

    -- The request that the server saw last.
    local function seen()
      local requests = server:requests()
      return requests[#requests]
    end

    local function assert_script(message, response, err)
      assert.is_nil(response)
      assert.equal("script", err.kind)
      assert.is_truthy(err.message:find(message, 1, true), err.message)
    end

    local function assert_goes_on(sender)
      assert.equal(200, assert(post(sender, "after")).status_code)
      assert.equal("after", seen().body)
    end

    promise("goes chunked where nobody knows its length", function(sender)
      assert.equal(200, assert(post(sender, reader_of({ "one", "two", "\0\r\n" }))).status_code)
      assert.same({ "onetwo\0\r\n", "chunked" },
        { seen().body, seen().header("Transfer-Encoding") })
      assert.is_nil(seen().header("Content-Length"))
      assert.equal(200, assert(post(sender, reader_of({}))).status_code)
      assert.equal("", seen().body)
    end)

    promise("goes with the length that was given", function(sender)
      assert(post(sender, reader_of({ "one", "two" }), { length = 6, method = "PUT" }))
      assert.same({ "onetwo", "6", "PUT" },
        { seen().body, seen().header("Content-Length"), seen().method })
      assert.is_nil(seen().header("Transfer-Encoding"))
      assert(post(sender, reader_of({}), { length = 0 }))
      assert.same({ "", "0" }, { seen().body, seen().header("Content-Length") })
      assert.is_nil(seen().header("Expect"))
    end)

    promise("is not asked for before the server wants it, where the request says Expect",
      function(sender)
        local asked = 0
        server:route("/no", { { status = 401, early = true }, { body = "taken" } })
        local request = viesti.Request({ method = "PUT", url = server.url .. "/no",
          headers = { Expect = "100-continue" }, content = function()
            asked = asked + 1
            return asked < 3 and "abc" or nil
          end })
        assert.same({ 401, 0 }, { assert(sender:send(request)).status_code, asked })
        local response = assert(sender:send(request))
        assert.same({ "taken", 100, "abcabc" },
          { response.body, response.interim[1].status_code, seen().body })
      end)

    promise("arrives whole and in order, in pieces of any size", function(sender)
      local pieces = {}
      for index, size in ipairs({ 1, 16384, 16385, 65536, 262144, 3, 700001 }) do
        pieces[index] = string.char(96 + index):rep(size)
      end
      assert(post(sender, reader_of(pieces)))
      assert.is_true(table.concat(pieces) == seen().body)
      assert(post(sender, reader_of(pieces), { length = #table.concat(pieces) }))
      assert.is_true(table.concat(pieces) == seen().body)
    end)

    promise("fails where it is shorter or longer than its length", function(sender)
      for length, words in pairs({ [5] = "the body has 6 bytes or more, 5 were announced",
        [7] = "the body has 6 bytes, 7 were announced" }) do
        assert_script(words, post(sender, reader_of({ "one", "two" }), { length = length }))
      end
      assert_goes_on(sender)
    end)

    promise("fails as its reader does, and the sender goes on", function(sender)
      local unprintable = setmetatable({}, { __tostring = function() error("x") end })
      local odd = setmetatable({}, { __tostring = function() return {} end })
      for _ = 1, 2 do
        assert_script("no more of this", post(sender, function() error("no more of this", 0) end))
        assert_script("disk is gone", post(sender, function() return nil, "the disk is gone" end))
        assert_script("must return strings", post(sender, function() return 7 end))
        assert_script("must return strings", post(sender, function() return {} end))
        assert_script("must return strings", post(sender, function() return false end))
        assert_script("cannot be printed", post(sender, function() error(unprintable) end))
        assert_script("cannot be printed", post(sender, function() return nil, odd end))
        assert_script("table", post(sender, function() error({}) end))
        assert_script("nil", post(sender, function() error() end))
      end
      assert.same({}, server:requests())
      assert_goes_on(sender)
    end)

    promise("keeps what its reader raised or gave up with, whatever that is", function(sender)
      local function cause_of(reader)
        local _, err = post(sender, reader)
        return err.cause, err.message
      end
      local value = { code = 7 }
      local cause, message = cause_of(function() error(value) end)
      assert.equal(value, cause)
      assert.equal("the function gave up with a table (err.cause)", message)
      assert.equal(value, (cause_of(function() return nil, value end)))
      assert.same({ false, "the function gave up with a boolean (err.cause)" },
        { cause_of(function() error(false) end) })
      assert.same({ nil, "the function gave up with nil" }, { cause_of(function() error() end) })
      assert.same({ "why", "why" }, { cause_of(function() error("why", 0) end) })
      local worded = setmetatable({}, { __tostring = function() return "in words" end })
      assert.same({ worded, "in words" }, { cause_of(function() error(worded) end) })
      assert.is_nil((cause_of(function() return 7 end)))

      server:route("/early", { first = CHUNKED_HEAD, raw = "4\r\ndone\r\n0\r\n\r\n" })
      local response
      response = assert(post(sender, function() return response and error(value) or "" end,
        { url = server.url .. "/early", stream = true }))
      assert.equal(value, select(2, response:read()).cause)
    end)

    promise("fails where its reader does so after some pieces", function(sender)
      local position = 0
      assert_script("half way", post(sender, function()
        position = position + 1
        return position < 4 and "piece" or error("half way")
      end))
      assert_goes_on(sender)
    end)

    promise("is waited for while its pieces are empty, until the timeout", function(sender)
      local calls, started = 0, sender:now()
      local response, err = post(sender, function()
        calls = calls + 1
        return sender:now() - started < 3 and "" or nil
      end)
      assert.is_nil(response)
      assert.equal("timeout", err.kind)
      assert.is_true(calls > 1 and sender:now() - started < 1.5)
    end, { timeout = 0.1 })

    promise("goes on after empty pieces", function(sender)
      assert(post(sender, reader_of({ "", "a", "", "", "b", "" })))
      assert.equal("ab", seen().body)
    end)

    promise("is read from a file, from where it stands to the end", function(sender)
      local file <close> = file_with("skipped" .. ("0123456789"):rep(20000))
      assert(file:seek("set", 7))
      local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
        content = file })
      for _ = 1, 2 do
        assert.equal(200, assert(sender:send(request)).status_code)
        assert.is_true(("0123456789"):rep(20000) == seen().body)
        assert.same({ "200000" }, { seen().header("Content-Length") })
      end
      local empty <close> = file_with("")
      assert.equal(200, assert(post(sender, empty)).status_code)
      assert.same({ "", "0" }, { seen().body, seen().header("Content-Length") })
    end)

    promise("leaves its file where it stands, for the next request of it", function(sender)
      local file <close> = file_with("skipped" .. ("0123456789"):rep(20000))
      assert(file:seek("set", 7))
      for _ = 1, 2 do
        assert.equal(200, assert(post(sender, file)).status_code)
        assert.is_true(("0123456789"):rep(20000) == seen().body)
        assert.equal(7, file:seek())
      end
      local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
        content = file })
      assert(file:seek("set", 100))
      for _, again in ipairs({ request, request:with({ headers = { A = "b" } }) }) do
        assert(sender:send(again))
        assert.equal(200000, #seen().body)
      end
      assert.equal(100, file:seek())
    end)

    promise("is what its file has by then, and disturbs none who reads it", function(sender)
      local file <close> = file_with("0123456789")
      local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
        content = file })
      assert(file:write("ab"))
      assert(sender:send(request))
      assert.equal("ab23456789", seen().body)
      assert.equal("234", file:read(3))
      assert(sender:send(request))
      assert.equal("567", file:read(3))
    end)

    promise("is refused where its function was asked for it before", function(sender)
      local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
        content = reader_of({ "once" }) })
      local copy = request:with({ headers = { A = "b" } })
      assert.equal("once", assert(sender:send(copy)).content.body)
      for _, again in ipairs({ request, copy, request:with({}) }) do
        local response, err = sender:send(again)
        assert.is_nil(response)
        assert.same({ "refused", "no", false, again },
          { err.kind, err.sent, err.retryable, err.request })
        assert.matches("the body has been read already", err.message)
      end
      assert.equal(1, server:count("/echo"))
      assert.equal("new", assert(sender:send(request:with({ content = reader_of({ "new" }) })))
        .content.body)
    end)

    promise("can still be sent where nobody asked its function", function(sender)
      local request = viesti.Request({ method = "PUT", url = "http://127.0.0.1:1/",
        content = reader_of({ "once" }) })
      assert.equal("connect", select(2, sender:send(request)).kind)
      assert.equal("once", assert(sender:send(request:with({ url = server.url .. "/echo" })))
        .content.body)
    end)

    promise("fails where its file was closed", function(sender)
      local file = file_with("text")
      local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
        content = file })
      file:close()
      local ok, response, err = pcall(sender.send, sender, request)
      assert.is_truthy(not ok or response == nil)
      assert.is_truthy(tostring(ok and err or response):find("has been closed", 1, true))
      assert_goes_on(sender)
    end)

    promise("is read from its file again when it is sent again", function(sender)
      local file <close> = file_with("-text")
      assert(file:seek("set", 1))
      server:route("/flaky", { { status = 503 }, { status = 429 }, { body = "fine" } })
      local retrying = viesti.RetryingSender({ retries = 1, sender = sender,
        backoff = { base = 0 }, rate_limit = { pad = 0 } })
      function retrying:sleep() end
      local response = assert(retrying:send({ method = "PUT", url = server.url .. "/flaky",
        content = file }))
      assert.same({ 200, 3 }, { response.status_code, #response.attempts })
      for _, request in ipairs(server:requests()) do
        assert.equal("text", request.body)
      end
    end)

    promise("is not sent again where a function cannot be asked twice", function(sender)
      server:route("/flaky", { { status = 503 }, { body = "fine" } })
      local retrying = viesti.RetryingSender({ retries = 1, sender = sender,
        backoff = { base = 0 }, rate_limit = { pad = 0 } })
      local response = assert(retrying:send({ method = "PUT", url = server.url .. "/flaky",
        content = reader_of({ "once" }) }))
      assert.same({ 503, 1 }, { response.status_code, server:count("/flaky") })
    end)

    promise("arrives whole behind a response that is streamed before it ends", function(sender)
      server:route("/early", { first = CHUNKED_HEAD, raw = "4\r\ndone\r\n0\r\n\r\n" })
      for _, length in ipairs({ false, 800000 }) do
        local calls = 0
        local response = assert(post(sender, function()
          calls = calls + 1
          return calls <= 40 and string.char(64 + calls):rep(20000) or nil
        end, { url = server.url .. "/early", stream = true, length = length or nil }))
        assert.equal(200, response.status_code)
        local pieces = {}
        for chunk in response:chunks() do
          pieces[#pieces + 1] = chunk
        end
        assert.same({ "done", 41 }, { table.concat(pieces), calls }) -- the last one says: the end
        local body = seen().body
        assert.equal(800000, #body)
        assert.equal(string.char(64 + 40):rep(20000), body:sub(-20000))
      end
    end)

    promise("fails in read where its reader fails after the head came", function(sender)
      server:route("/early", { first = CHUNKED_HEAD, raw = "4\r\ndone\r\n0\r\n\r\n" })
      local response
      response = assert(post(sender, function()
        return response and error("too late", 0) or ""
      end, { url = server.url .. "/early", stream = true }))
      assert_script("too late", response:read())
      assert_goes_on(sender)
    end)

    promise("ends with the response that is closed before it was sent", function(sender)
      server:route("/early", { first = CHUNKED_HEAD, hang = true })
      local response = assert(post(sender, function() return "" end,
        { url = server.url .. "/early", stream = true }))
      response:close()
      assert.is_nil(response:read())
      assert_goes_on(sender)
    end)

    promise("is not asked for where the server does not want it", function(sender)
      server:route("/no", { status = 413, early = true })
      local response, err = post(sender, function() return "" end, { url = server.url .. "/no" })
      assert.is_truthy(response and response.status_code == 413 or err)
    end, { timeout = 0.2 })

    promise("may come from a sender that blocks", function(sender)
      local inner <close> = viesti.SyncSender()
      local done
      assert(post(sender, function()
        if not done then
          done = true
          return assert(inner:send({ url = server.url .. "/echo?inner" })).content.target
        end
      end))
      assert.equal("/echo?inner", seen().body)
    end)

    promise("may come from the sender that sends it, also when its time is up", function(sender)
      server:route("/slow", { body = "slow", delay = 0.2 })
      for _, outer in ipairs({ sender, way.sender({ timeout = 0.1 }) }) do
        local inner
        local response, err = post(outer, function()
          if not inner then
            inner = assert(sender:send({ url = server.url .. "/slow" })).body
            return inner
          end
        end)
        assert.equal("slow", inner)
        assert.equal(outer == sender and "slow" or "timeout",
          response and response.content.body or err.kind)
      end
      assert_goes_on(sender)
    end)

    promise("is done when the sender is closed by its reader", function(sender)
      local response, err = post(sender, function()
        sender:close()
        return "x"
      end)
      assert.is_nil(response)
      assert.equal("closed", err.kind)
    end)

    promise("gives the reader nothing", function(sender)
      local count
      assert(post(sender, function(...)
        count = select("#", ...)
      end))
      assert.equal(0, count)
    end)
  end)
end
