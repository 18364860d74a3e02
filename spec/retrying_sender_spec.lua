local viesti = require("viesti")
local free_port = require("spec.support.free_port")
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")

local RetryingSender = viesti.RetryingSender
local quick = { base = 0.01, jitter = "none" }

describe("RetryingSender", function()
  local server = fixture.origin()
  local concrete

  -- A new one each time: libcurl repeats a GET by itself where a kept connection died.
  before_each(function()
    concrete = viesti.SyncSender()
  end)

  after_each(function()
    concrete:close()
  end)

  local function retrying(options)
    options.sender = options.sender or concrete
    return RetryingSender(options)
  end

  -- What became of a request to a route that answers so; the seconds it took.
  local function ask(sender, answers, method)
    server:route("/x", answers)
    local started = sender:now()
    local response, err = sender:send({ method = method, url = server.url .. "/x" })
    return response, sender:now() - started, err
  end

  local function limited(headers)
    return { status = 429, headers = headers }
  end

  -- A RetryingSender that notes its waits in a list instead of waiting.
  local function recording(options)
    local waits = {}
    local Recording = viesti.ExtendingSender:extend("Recording")
    function Recording:sleep(seconds)
      waits[#waits + 1] = seconds
    end
    options.sender = Recording(concrete)
    return RetryingSender(options), waits
  end

  it("retries 0 times unless told otherwise, and takes the reference's positions", function()
    assert.equal(0, retrying({}):describe().options.retries)
    local sender = RetryingSender(3, concrete)
    assert.same({ 3, concrete }, { sender.retries, sender.sender })
  end)

  it("sends over a SyncSender of its own where none is given", function()
    local sender <close> = RetryingSender()
    assert.equal("SyncSender", sender.sender.name)
    assert.equal(200, (ask(sender, { status = 200 })).status_code)
  end)

  describe("on server errors", function()
    it("uses up its retries and returns the last response", function()
      local sender = retrying({ retries = 2, backoff = quick })
      local response = ask(sender, { { status = 500 }, { status = 502 }, { status = 503,
        body = "last" }, { status = 200 } })
      assert.same({ 503, "last", 3 }, { response.status_code, response.body, #response.attempts })
      assert.equal(3, server:count("/x"))
    end)

    it("returns the first response that is none", function()
      local response = ask(retrying({ retries = 5, backoff = quick }),
        { { status = 500 }, { status = 404 } })
      assert.same({ 404, 2, 2 }, { response.status_code, #response.attempts, server:count("/x") })
    end)

    it("sends once without retries", function()
      local response = ask(retrying({}), { status = 500 })
      assert.same({ 500, 1, 1 }, { response.status_code, #response.attempts, server:count("/x") })
    end)

    it("never retries what is the client's fault", function()
      for _, status in ipairs({ 301, 400, 401, 404, 409, 499 }) do
        server:reset()
        ask(retrying({ retries = 3, backoff = quick }), { status = status })
        assert.equal(1, server:count("/x"))
      end
    end)

    it("really waits", function()
      local _, elapsed = ask(retrying({ retries = 3, backoff = { base = 0.02, jitter = "none" } }),
        { status = 503 })
      assert.is_true(elapsed >= 0.14 and elapsed < 0.5, "took " .. elapsed)
    end)

    it("retries 503 of a real server that has had enough", function()
      local web <close> = nginx.start()
      local sender = retrying({ retries = 3, backoff = { base = 0.5, jitter = "none" } })
      assert.equal(1, #sender:send({ url = web.url .. "/flaky" }).attempts)
      local response = sender:send({ url = web.url .. "/flaky" })
      assert.same({ 200, 3 }, { response.status_code, #response.attempts })
    end)
  end)

  describe("on 429", function()
    it("really waits as long as Retry-After says plus the pad, even with no retries", function()
      local sender = retrying({ backoff = quick, rate_limit = { pad = 0.05 } })
      local response, elapsed = ask(sender, { limited({ { "retry-after", "1" } }), { body = "x" } })
      assert.same({ "x", 2 }, { response.body, #response.attempts })
      assert.is_true(elapsed >= 1.05 and elapsed < 1.4, "took " .. elapsed)
    end)

    it("understands a date, compared with the server's own clock", function()
      local sender, waits = recording({ backoff = quick,
        rate_limit = { pad = 0, shared = false } })
      local date = { "Date", "Tue, 15 Nov 1994 08:12:30 GMT" }
      ask(sender, { limited({ date, { "Retry-After", "Tue, 15 Nov 1994 08:12:37 GMT" } }),
        limited({ date, { "Retry-After", "Tue, 15 Nov 1994 08:00:00 GMT" } }),
        limited({ { "Retry-After", os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 20) } }), {} })
      assert.same({ 7, 0.01 }, { waits[1], waits[2] })
      assert.is_true(waits[3] > 15 and waits[3] <= 20.1)
    end)

    it("never uses up retries", function()
      local now = limited({ { "Retry-After", "0" } })
      local sender = retrying({ retries = 1, backoff = quick, rate_limit = { pad = 0 } })
      local response = ask(sender, { now, { status = 500 }, now, now, now, { body = "ok" } })
      assert.same({ "ok", 6 }, { response.body, #response.attempts })
      response = ask(sender, { now, { status = 500 }, now, { status = 503 }, { body = "ok" } })
      assert.same({ 503, 4 }, { response.status_code, #response.attempts })
    end)

    it("waits for a POST too: a limited request was not acted on", function()
      local response = ask(retrying({ backoff = quick, rate_limit = { pad = 0 } }),
        { limited({ { "Retry-After", "0" } }), { body = "ok" } }, "POST")
      assert.equal("ok", response.body)
    end)

    it("returns the 429 rather than wait more than max_wait in all", function()
      local sender = retrying({ backoff = { base = 0 },
        rate_limit = { pad = 0.03, max_wait = 0.1 } })
      local response, elapsed = ask(sender, limited({ { "Retry-After", "0" } }))
      assert.same({ 429, 3 }, { response.status_code, #response.attempts })
      assert.is_true(elapsed >= 0.06 and elapsed < 0.3, "took " .. elapsed)
      response, elapsed = ask(retrying({}), limited({ { "Retry-After", "3600" } }))
      assert.same({ 429, 1 }, { response.status_code, #response.attempts })
      assert.is_true(elapsed < 0.2)
    end)
  end)

  describe("with a request that must not be sent twice", function()
    it("returns the server error of a POST or PATCH", function()
      for _, method in ipairs({ "POST", "PATCH" }) do
        server:reset()
        local response = ask(retrying({ retries = 3, backoff = quick }), { status = 500 }, method)
        assert.same({ 500, 1 }, { response.status_code, server:count("/x") })
      end
    end)

    it("repeats the others", function()
      for _, method in ipairs({ "GET", "HEAD", "PUT", "DELETE", "OPTIONS" }) do
        server:reset()
        ask(retrying({ retries = 1, backoff = quick }), { status = 500 }, method)
        assert.equal(2, server:count("/x"))
      end
    end)

    it('repeats it all the same where methods are any', function()
      local sender = retrying({ retries = 2, backoff = quick, methods = "any" })
      ask(sender, { status = 500 }, "POST")
      assert.equal(3, server:count("/x"))
    end)

    it("returns the error of a POST that may have arrived", function()
      local response, _, err = ask(retrying({ retries = 3, backoff = quick }), { reset = true },
        "POST")
      assert.is_nil(response)
      assert.same({ "reset", 1, 1 }, { err.kind, #err.attempts, server:count("/x") })
    end)

    it("repeats a POST that certainly never left", function()
      local url = ("http://127.0.0.1:%d/"):format(free_port())
      local sender = retrying({ retries = 2, backoff = quick })
      local _, err = sender:send({ method = "POST", url = url, content = "x" })
      assert.same({ "connect", "no", 3 }, { err.kind, err.sent, #err.attempts })
    end)
  end)

  describe("on transport errors", function()
    it("uses up its retries", function()
      local sender = retrying({ retries = 2, backoff = quick })
      local _, _, err = ask(sender, { reset = true })
      assert.same({ "reset", 3, 3 }, { err.kind, #err.attempts, server:count("/x") })
      local response = ask(sender, { { close = true }, { reset = true }, { body = "ok" } })
      assert.same({ "ok", 3 }, { response.body, #response.attempts })
    end)

    it("returns at once what would end the same way again", function()
      local sender = retrying({ retries = 3, backoff = quick })
      local _, _, err = ask(sender, { raw = "no HTTP\r\n\r\n", close = true })
      assert.same({ "protocol", 1 }, { err.kind, #err.attempts })
    end)
  end)

  it("makes an Error of the words that a user's sender returns", function()
    local Mine, calls = viesti.Sender:extend("Mine"), 0
    function Mine:send()
      calls = calls + 1
      return nil, "no such thing"
    end
    local response, err = retrying({ retries = 2, sender = Mine(), backoff = quick })
      :send({ url = server.url .. "/x" })
    assert.is_nil(response)
    assert.same({ "script", "no such thing", 1, 1, server.url .. "/x" },
      { err.kind, err.message, #err.attempts, calls, err.request.url })
  end)

  local function over_both(promise, test)
    for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender }) do
      it(("%s (%s)"):format(promise, Kind.name), function()
        local sender <close> = Kind()
        test(sender)
      end)
    end
  end

  over_both("has its deadline cut off an attempt on the wire", function(kind)
    server:route("/slow", { { status = 503 }, { hang = true } })
    local sender = retrying({ retries = 9, max_time = 0.3, backoff = quick, sender = kind })
    local started = sender:now()
    local response, err = sender:send({ url = server.url .. "/slow" })
    local elapsed = sender:now() - started
    assert.is_nil(response)
    assert.same({ "deadline", "deadline", 2, 503, "deadline" }, { err.kind, err.give_up,
      #err.attempts, err.attempts[1].status_code, err.attempts[2].error.kind })
    assert.is_true(elapsed >= 0.28 and elapsed < 1, "took " .. elapsed)
  end)

  over_both("tries again what took longer than attempt_timeout", function(kind)
    server:route("/slow", { { hang = true }, { body = "quick" } })
    local response = retrying({ retries = 1, attempt_timeout = 0.1, backoff = quick,
      sender = kind }):send({ url = server.url .. "/slow" })
    assert.same({ "quick", "timeout" }, { response.body, response.attempts[1].error.kind })
  end)

  over_both("reads a short response to its end, so that its connection serves again", function(kind)
    server:route("/x", { { status = 503, body = ("x"):rep(5000) }, { body = "ok" } })
    local response = retrying({ retries = 1, backoff = quick, sender = kind })
      :send({ url = server.url .. "/x", stream = true })
    assert.same({ "ok", true }, { response:read(), response.reused })
  end)

  over_both("never tries again once some of the body has come", function(kind)
    server:route("/x", { { body = ("x"):rep(5000), after = 100, close = true }, { body = "ok" } })
    local response = retrying({ retries = 3, backoff = quick, sender = kind })
      :send({ url = server.url .. "/x", stream = true })
    local bytes, piece, err = 0
    repeat
      bytes = bytes + #(piece or "")
      piece, err = response:read()
    until not piece
    assert.same({ true, "truncated", 1 }, { bytes > 0, err.kind, server:count("/x") })
  end)

  it("lets other tasks run while it waits over an AsyncSender", function()
    local sender <close> = retrying({ retries = 2, sender = viesti.AsyncSender(),
      backoff = { base = 0.1, factor = 1, jitter = "none" } })
    local urls = {}
    for index = 1, 20 do
      urls[index] = server.url .. "/x?" .. index
      server:route("/x?" .. index, { { status = 503 }, { status = 503 }, { body = "ok" } })
    end
    local started = sender:now()
    local responses = viesti.map(urls, function(url)
      return sender:send({ url = url })
    end, { concurrency = 20 })
    local elapsed = sender:now() - started
    assert.equal(20, #responses)
    for _, response in ipairs(responses) do
      assert.same({ "ok", 3 }, { response.body, #response.attempts })
    end
    assert.is_true(elapsed >= 0.2 and elapsed < 1, "took " .. elapsed)
  end)

  it("refuses options out of range", function()
    assert.has_error(function() RetryingSender(-1) end,
      "RetryingSender: retries must be an integer of 0 or more, got -1")
    assert.has_error(function() RetryingSender(1.5) end,
      "RetryingSender: retries must be an integer of 0 or more, got 1.5")
    assert.has_error(function() RetryingSender({ backoff = { bsae = 1 } }) end,
      'RetryingSender.backoff: there is no option "bsae", did you mean \'base\'? '
      .. "(its options are base, factor, cap, jitter)")
    assert.has_error(function() RetryingSender({ rate_limit = { pad = "1" } }) end,
      'RetryingSender.rate_limit: pad must be a number of 0 or more, got "1" '
      .. "(pad: seconds added to what Retry-After asks for)")
  end)
end)
