local core = require "viesti.core"
local viesti = require "viesti"
local streams = require "spec.support.streams"

local MockSender = viesti.MockSender

local HOST = "https://api.example.org"

describe("MockSender", function()
  -- What one request comes to that is answered so.
  local function answered(answer, request, clock)
    local mock = MockSender { routes = { { answer = answer } }, clock = clock }
    return mock:send(request or { url = HOST })
  end

  it("answers with the options of a Response, its URL that of the request", function()
    local response = answered({ status_code = 201, content = { id = 7 }, headers = { A = "b" } },
      { url = HOST .. "/x", params = { page = 2 } })
    assert.same({ 201, 7, "b", HOST .. "/x?page=2" }, { response.status_code, response.content.id,
      response.headers.a, response.url })
  end)

  it("answers with a Response, an object of its own each time", function()
    local given = viesti.Response { body = "hello" }
    local mock = MockSender { routes = { { answer = given } } }
    assert.equal("he", mock:send({ url = HOST }):read(2))
    assert.equal("hello", mock:send({ url = HOST }):read())
    assert.equal("hello", given.body)
  end)

  it("answers a HEAD without a body", function()
    assert.equal("", answered({ body = "hello" }, { method = "HEAD", url = HOST }).body)
  end)

  it("gives the answers of a list in turn, and the last one again and again", function()
    local mock = MockSender { routes = { { answer = { { status_code = 503 }, { body = "b" } } } } }
    local statuses = {}
    for index = 1, 3 do
      statuses[index] = mock:send({ url = HOST }).status_code
    end
    assert.same({ 503, 200, 200 }, statuses)
  end)

  it("asks a function, which may answer in any of these ways", function()
    local response = answered(function(request)
      return { body = request.method .. " " .. request.url }
    end, { method = "POST", url = HOST .. "/x" })
    assert.equal("POST " .. HOST .. "/x", response.body)
    local _, err = answered(function(request)
      return nil, viesti.Error("reset", "gone", request)
    end)
    assert.equal("reset: gone (GET https://api.example.org/)", tostring(err))
    _, err = answered(function() return nil, "no idea" end)
    assert.same({ "script", "no idea" }, { err.kind, err.message })
  end)

  it("is not answered for where its function fails", function()
    assert.has_error(function() answered(function() error("mine", 0) end) end, "mine")
    local mock = MockSender { routes = { { answer = function() end } } }
    local _, raised = pcall(function() local _ = mock:send { url = HOST } end)
    assert.matches("^spec/mock_sender_spec.lua:%d+: MockSender: what a function in answer returned "
      .. "must be a Response, a table of its options or a function, got nothing$", raised)
  end)

  it("gives errors, each a new one, which say whether sending again is safe", function()
    local refusing = MockSender { routes = { { answer = { { error = "connect" }, {} } } } }
    local retrying = viesti.RetryingSender { retries = 1, backoff = { base = 0 },
      sender = refusing }
    assert(retrying:send { method = "POST", url = "http://h/", content = "" }) -- as on the wire
    local mock = MockSender { routes = { { answer = { error = "reset", sent = "no" } } } }
    local _, first = mock:send { url = HOST }
    local _, second = mock:send { url = HOST }
    assert.not_equal(first, second)
    assert.same({ "reset", "no", true, HOST .. "/" },
      { first.kind, first.sent, first.retryable, first.request.url })
    local _, maybe = answered({ error = "timeout", message = "too slow" },
      { method = "POST", url = HOST })
    assert.same({ "timeout", "total", "too slow", "maybe", false },
      { maybe.kind, maybe.timeout, maybe.message, maybe.sent, maybe.retryable })
  end)

  describe("finds the route", function()
    local function routed(routes)
      for _, route in ipairs(routes) do
        route.answer = { body = route.method or route.url or route.pattern or "function" }
      end
      local mock = MockSender { routes = routes }
      return function(method, url)
        local response, err = mock:send { method = method, url = url }
        return response and response.body, err
      end
    end

    it("by the method and the whole URL, in normal form", function()
      local ask = routed { { url = "HTTPS://api.example.org:443/a?b=c" }, { method = "put" } }
      assert.equal("HTTPS://api.example.org:443/a?b=c", ask("GET", HOST .. "/a?b=c"))
      assert.equal("put", ask("PUT", HOST .. "/a"))
      assert.is_nil((ask("GET", HOST .. "/a")))
    end)

    it("by a Lua pattern, which says so where it was meant as plain text", function()
      local sender = MockSender { routes = { { pattern = "a-b.c?x", answer = {} } } }
      local _, err = sender:send({ url = "http://h/a-b.c?x" })
      assert.equal('the MockSender has no route for it ("a-b.c?x" is a Lua pattern, in which %- '
        .. 'stands for -), it has 1: any pattern "a-b.c?x"', err.message)
      assert.matches("^the MockSender has no route for it, it has 1",
        select(2, sender:send({ url = "http://h/" })).message)
    end)

    it("by a pattern in the URL, or a function of the request", function()
      local ask = routed { { pattern = "/users/%d+$" },
        { matches = function(request) return request.method == "DELETE" end } }
      assert.equal("/users/%d+$", ask("GET", HOST .. "/users/42"))
      assert.equal("function", ask("DELETE", HOST .. "/users"))
    end)

    it("that comes first", function()
      local mock = MockSender()
      assert.equal(mock, mock:route { url = HOST, answer = { body = "first" } })
      mock:route { answer = { body = "second" } }
      assert.equal("first", mock:send({ url = HOST }).body)
      assert.equal("second", mock:send({ url = HOST .. "/other" }).body)
    end)

    it("or says in one error that there is none", function()
      local _, err = routed { { url = HOST } }("POST", "https://user:pass@other.example.org/x")
      assert.equal("refused: the MockSender has no route for it, it has 1: any "
        .. HOST .. "/ (POST https://***@other.example.org/x)", tostring(err))
      assert.same({ "no", false }, { err.sent, err.retryable })
      local routes = {
        { method = "post", pattern = "/orders$", answer = {} },
        { url = "https://user:pass@example.org/a?b=1", answer = {} },
        { matches = function() return false end, answer = {} },
      }
      local told = "POST pattern \"/orders$\", any https://***@example.org/a?b=1, any matches"
      assert.matches("it has 3: " .. told .. " (GET",
        tostring(select(2, routed(routes)("GET", HOST))), 1, true)
      table.move(routes, 1, 3, 4)
      assert.matches("it has 6: " .. told .. ", POST pattern \"/orders$\", any "
        .. "https://***@example.org/a?b=1, ... (GET",
        tostring(select(2, routed(routes)("GET", HOST))), 1, true)
    end)
  end)

  it("describes and prints its routes without user and password, and goes by them", function()
    local mock = MockSender { routes = { { url = "http://me:hush@h/", answer = {} } } }
    assert.equal("http://***@h/", mock:describe().options.routes[1].url)
    assert.not_matches("hush", tostring(mock))
    assert.equal(200, mock:send({ url = "http://me:hush@h/" }).status_code)
  end)

  describe("remembers the requests", function()
    it("that it was sent, answered or not", function()
      local mock = MockSender { routes = { { url = HOST, answer = {} } } }
      mock:send { url = HOST, headers = { A = "b" } }
      mock:send { method = "POST", url = HOST .. "/x", json = { a = 1 } }
      local requests = mock:requests()
      assert.same({ 2, "b", '{"a":1}' },
        { #requests, requests[1].headers.a, requests[2].body })
      mock:send { url = HOST }
      mock:clear()
      assert.same({}, mock:requests())
      assert.equal(2, #requests)
    end)

    it("the last ones, as many as it is to keep", function()
      local mock = MockSender { routes = { { answer = {} } }, keep = 2 }
      for index = 1, 5 do
        mock:send { url = HOST .. "/" .. index }
      end
      local requests = mock:requests()
      assert.same({ 2, HOST .. "/4", HOST .. "/5" },
        { #requests, requests[1].url, requests[2].url })
    end)

    it("with the bytes of a body that comes piece by piece, which is spent then", function()
      local mock = MockSender { routes = { { answer = {} } } }
      local pieces = { "a", "b" }
      local request = viesti.Request { method = "PUT", url = HOST,
        content = function() return table.remove(pieces, 1) end }
      assert(mock:send(request))
      assert.equal("ab", mock:requests()[1].body)
      local _, err = mock:send(request)
      assert.same({ "refused", 1 }, { err.kind, #mock:requests() })
    end)

    it("and fails as a sender does where such a body cannot be had", function()
      local mock = MockSender { routes = { { answer = {} } } }
      local cause = {}
      local _, err = mock:send { method = "PUT", url = HOST, content = function() error(cause) end }
      assert.same({ "script", cause }, { err.kind, err.cause })
      _, err = mock:send { method = "PUT", url = HOST, content = function() return 7 end }
      assert.same({ "script", "the body's reader must return strings, then nil" },
        { err.kind, err.message })
    end)
  end)

  describe("in the time of its clock", function()
    local clock

    before_each(function()
      clock = viesti.testing.clock()
    end)

    it("answers after the delay", function()
      assert.equal("late", answered({ delay = 600, body = "late" }, nil, clock).body)
      assert.equal(600, clock.slept())
    end)

    it("gives up after the request's timeout", function()
      local _, err = answered({ delay = 600 }, { url = HOST, timeout = 10 }, clock)
      assert.equal("timeout: not done within 10 s (timeout) (GET https://api.example.org/)",
        tostring(err))
      assert.same({ "total", "maybe", true, 10 },
        { err.timeout, err.sent, err.retryable, clock.slept() })
    end)

    it("gives up at the request's deadline, before anything is sent if it has passed", function()
      local request = { url = HOST, deadline = clock.now() + 5 }
      local _, err = answered({ delay = 600 }, request, clock)
      assert.same({ "deadline", "maybe", 5 }, { err.kind, err.sent, clock.slept() })
      _, err = answered({}, request, clock)
      assert.same({ "deadline", "no", "its deadline had passed 0.000 s before it was sent" },
        { err.kind, err.sent, err.message })
    end)

    it("lets layers around it wait", function()
      local limited = { status_code = 429, headers = { ["Retry-After"] = "30" } }
      local mock = MockSender { clock = clock,
        routes = { { answer = { limited, { body = "at last" } } } } }
      assert.equal("at last", viesti.RetryingSender({ sender = mock }):send({ url = HOST }).body)
      assert.is_true(clock.slept() >= 31)
    end)

    it("answers tasks side by side", function()
      local mock = MockSender { clock = clock, asynchronous = true,
        routes = { { answer = { delay = 100, body = "x" } } } }
      local responses = viesti.run(viesti.map, { 1, 2, 3 }, function(number)
        return mock:send { url = HOST .. "/" .. number }
      end)
      assert.equal(3, #responses)
      assert.is_true(clock.now() - viesti.testing.clock().now() < 101)
    end)
  end)

  it("suspends tasks for a delay where it is asynchronous, and starts tasks beside them", function()
    local mock = MockSender { asynchronous = true, routes = { { answer = { delay = 0.01 } } } }
    assert.is_true(mock.is_async)
    local order = {}
    viesti.run(function()
      local beside = mock:spawn(function() order[#order + 1] = "beside" end)
      mock:send { url = HOST }
      order[#order + 1] = "answered"
      beside:join()
    end)
    assert.same({ "beside", "answered" }, order)
    assert.is_nil(MockSender():spawn(function() end))
  end)

  describe("where the request streams", function()
    local function streamed(answer)
      return answered(answer, { url = HOST, stream = true })
    end

    it("has the body read piece by piece, and nowhere else", function()
      local body = ("x"):rep(100000)
      local response = streamed { body = body }
      assert.same({ true, false, false }, { response.streamed, response.begun, response.complete })
      assert.has_error(function() return response.body end)
      local first = response:read()
      assert.is_true(#first < #body)
      assert.equal(body, first .. streams.rest_of(response, 1000))
      assert.same({ true, true }, { response.begun, response.complete })
      assert.is_nil(response:read())
    end)

    it("ends where the response is closed", function()
      local response = streamed { body = "hello" }
      assert.equal("he", response:read(2))
      response:close()
      local bytes, err = response:read()
      assert.same({ nil, "closed", false }, { bytes, err.kind, response.complete })
    end)

    it("has the error behind the body that it is given with, as often as somebody reads", function()
      local response = streamed { body = "half", error = "truncated" }
      local bytes, err = streams.read_all(response)
      assert.same({ "half", "truncated", "maybe", false },
        { bytes, err.kind, err.sent, response.complete })
      assert.equal(err, select(2, response:read()))
      assert.is_nil((answered { body = "half", error = "truncated" }))
    end)

    it("streams a given Response, too", function()
      local given = viesti.Response { body = "hello" }
      given:read(2)
      assert.equal("hello", streams.rest_of(streamed(given)))
      assert.same({ "hello", false, "llo" }, { given.body, given.streamed, given:read() })
    end)

    it("goes on in the response of a layer that adds to it", function()
      local response = streamed { body = "hello", error = "reset" }
      assert.equal("he", response:read(2))
      local other = response:annotated(nil, { note = "mine" })
      local bytes, err = streams.read_all(other)
      assert.same({ "llo", "reset", "mine" }, { bytes, err.kind, other.note })
      assert.equal("closed", select(2, response:read()).kind)
    end)

    it("tells layers of its end, as a real one does", function()
      local function ended(answer, finish)
        local told = {}
        local response = streamed(answer)
        local ending = setmetatable({}, { __close = function(_, err)
          told[#told + 1] = err and err.kind or "whole"
        end })
        local comes = core.on_end(response, ending)
        finish(response)
        finish(response)
        return comes, table.concat(told, " ")
      end
      local half = { body = "half", error = "truncated" }
      assert.same({ true, "whole" }, { ended({ body = "x" }, streams.read_all) })
      assert.same({ true, "truncated" }, { ended(half, streams.read_all) })
      assert.same({ true, "closed" }, { ended(half, function(response) response:close() end) })
      assert.same({ true, "whole" }, { ended({ body = "x" }, function(response)
        if not response.begun then
          streams.read_all(response:annotated(nil, {}))
        end
      end) })
      assert.same({ false, "" }, { ended({ body = "" }, streams.read_all) })
      assert.same({ true, "reset" }, { ended({ body = "", error = "reset" }, streams.read_all) })
    end)

    it("has one reader", function()
      local response = streamed { body = ("x"):rep(50000) }
      local said
      for _ in response:chunks() do
        said = said or select(2, pcall(coroutine.wrap(function() response:read() end)))
      end
      assert.matches("somebody else is reading this response", said)
    end)
  end)

  it("refuses what makes no route, in a sentence that blames the caller's line", function()
    local function refused(options, message)
      local ok, err = pcall(function() local _ = MockSender(options) end)
      assert.is_false(ok)
      assert.matches("mock_sender_spec%.lua:%d+: ", err)
      assert.equal(message, (err:gsub("^[^:]*:%d+: ", "")))
    end
    refused({ routes = { url = HOST } },
      "MockSender: routes must be a list of tables such as { url = ..., answer = ... }")
    refused({ routes = { HOST } }, 'MockSender.routes[1] must be a table such as '
      .. '{ url = ..., answer = ... }, got "https://api.example.org"')
    refused({ routes = { { url = HOST } } }, "MockSender.routes[1].answer must be a Response, "
      .. "a table of its options or a function, got nothing")
    refused({ routes = { { url = "example.org", answer = {} } } }, "MockSender.routes[1]: the URL "
      .. "'example.org' has no scheme (http or https)")
    refused({ routes = { { pattern = "[a", answer = {} } } },
      'MockSender.routes[1]: "[a" is no Lua pattern')
    refused({ routes = { { answer = "hello" } } }, 'MockSender.routes[1].answer must be a '
      .. 'Response, a table of its options or a function, got "hello"')
    refused({ routes = { { answer = { {}, { stats = 1 } } } } }, "MockSender.routes[1].answer[2]: "
      .. "there is no option \"stats\" (its options are delay, error, "
      .. "message, sent, url, headers, status_code, content, body, reason)")
    refused({ routes = { { answer = { error = "oops" } } } },
      "MockSender.routes[1].answer: there is no kind 'oops'")
    refused({ routes = { { answer = { message = "x" } } } }, "MockSender.routes[1].answer: "
      .. "message and sent are those of an error, and there is none")
    refused({ routes = { { answer = { body = "x", content = 1 } } } },
      "MockSender.routes[1].answer: content and body are both given, a response has one body")
    refused({ routes = { { answer = { headers = { ["a b"] = "c" } } } } },
      "MockSender.routes[1].answer: the name "
      .. "of the header 'a b' may have letters, digits and !#$%&'*+-.^_`|~ only")
  end)
end)
