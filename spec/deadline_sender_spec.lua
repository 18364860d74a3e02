local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local Scripted = require("spec.support.scripted")

describe("DeadlineSender", function()
  local server = fixture.origin()

  for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender }) do
    it("ends what is on the wire (" .. Kind.name .. ")", function()
      server:route("/slow", { hang = true })
      local sender <close> = viesti.DeadlineSender({ max_time = 0.1, sender = Kind() })
      local started = sender:now()
      local response, err = sender:send({ url = server.url .. "/slow" })
      assert.is_nil(response)
      assert.same({ "deadline", "maybe", false }, { err.kind, err.sent, err.retryable })
      assert.matches("^deadline: not done within the 0.0?%d+ s that its deadline left %(GET",
        tostring(err))
      assert.is_true(sender:now() - started < 1)
      assert.equal(200, sender:send({ url = server.url .. "/status/200" }).status_code)
    end)

    it("sends nothing once it has passed (" .. Kind.name .. ")", function()
      local sender <close> = viesti.DeadlineSender({ max_time = 0, sender = Kind() })
      local _, err = sender:send({ url = server.url .. "/x" })
      assert.same({ "deadline", "no" }, { err.kind, err.sent })
      assert.equal(0, server:count("/x"))
      _, err = sender:send({ url = server.url .. "/x", deadline = sender:now() - 3 })
      assert.matches("^its deadline had passed 3%.%d%d%d s before it was sent$", err.message)
    end)
  end

  it("bounds a request that waits for a connection", function()
    server:route("/slow", { hang = true })
    viesti.run(function()
      local inner <close> = viesti.AsyncSender({ max_connections = 1, timeout = 5 })
      local sender = viesti.DeadlineSender({ max_time = 0.2, sender = inner })
      local first = viesti.spawn(function()
        return inner:send({ url = server.url .. "/slow" })
      end)
      viesti.sleep(0)
      local _, err = sender:send({ url = server.url .. "/x" })
      assert.same({ "deadline", "no" }, { err.kind, err.sent })
      first:cancel()
    end)
  end)

  it("bounds the waits of a RetryingSender inside, and is bounded by the request's", function()
    local inner = Scripted({ script = { 503 } })
    local sender = viesti.DeadlineSender({ max_time = 10, sender = viesti.RetryingSender({
      retries = 99, sender = inner, backoff = { base = 4, factor = 1, jitter = "none" } }) })
    local start = sender:now()
    local response = sender:send({ url = "http://h.invalid/" })
    assert.same({ "deadline", 3 }, { response.give_up, #response.attempts })
    assert.near(8, sender:now() - start, 1e-6) -- wherever the clock started
    response = sender:send({ url = "http://h.invalid/", deadline = sender:now() + 5 })
    assert.same({ "deadline", 2 }, { response.give_up, #response.attempts })
  end)

  it("leaves the request as it was given", function()
    local inner = Scripted({ script = { 200 } })
    local request = viesti.Request({ method = "POST", url = "http://h.invalid/", json = { a = 1 },
      headers = { A = "b" } })
    viesti.DeadlineSender({ max_time = 1, sender = inner }):send(request)
    local sent = inner.calls[1].request
    assert.is_nil(request.deadline)
    assert.same({ "POST", request.url, request.body, "b", request.json },
      { sent.method, sent.url, sent.body, sent.headers.A, sent.json })
  end)

  it("needs its seconds", function()
    assert.has_error(function() viesti.DeadlineSender() end,
      "DeadlineSender: max_time is missing, it must be a number of 0 or more")
  end)
end)
