local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("HedgingSender", function()
  local server = fixture.origin()
  local URL = "http://h.invalid/"

  -- A sender whose calls take so many seconds of virtual time and end so, one after the other.
  local Slow = viesti.Sender:extend("Slow", {
    { name = "script", type = "table", required = true },
    { name = "clock", type = "clock", required = true },
  })
  Slow.is_async = true

  function Slow:init()
    self.calls, self.cancelled, self.ended = {}, 0, 0
  end

  function Slow:sleep(seconds)
    self.clock.sleep(seconds)
  end

  function Slow:now()
    return self.clock.now()
  end

  function Slow:send(request)
    self.calls[#self.calls + 1] = self:now()
    local step = self.script[math.min(#self.calls, #self.script)]
    local done = false
    local _ <close> = setmetatable({}, { __close = function()
      self.cancelled = self.cancelled + (done and 0 or 1)
    end })
    self:sleep(step[1])
    done = true
    if type(step[2]) == "string" then
      return nil, viesti.Error({ kind = step[2], message = "x", request = request, sent = "maybe" })
    elseif step[2] == false then
      error("raised inside")
    end
    return viesti.Response({ url = request.url, status_code = step[2] })
  end

  -- The outcome, the moments of the calls, the seconds it took, and the inner sender.
  local function send(script, options, request)
    return viesti.run(function()
      local inner = Slow({ script = script, clock = viesti.testing.clock() })
      options.delay, options.sender = options.delay or 1, inner
      local start = inner:now()
      local response, err = viesti.HedgingSender(options):send(request or { url = URL })
      local moments = {}
      for index, moment in ipairs(inner.calls) do
        moments[index] = moment - start
      end
      viesti.sleep(0)
      return response or err, moments, inner:now() - start, inner
    end)
  end

  it("sends once where the answer comes in time", function()
    local response, moments, seconds = send({ { 0.5, 200 } }, {})
    assert.same({ 200, nil, { 0 }, 0.5 }, { response.status_code, response.hedged, moments,
      seconds })
  end)

  it("sends once more after the delay, takes the first answer, and cancels the other", function()
    local response, moments, seconds, inner = send({ { 10, 200 }, { 2, 201 } }, {})
    assert.same({ 201, 2, { 0, 1 }, 3, 1 },
      { response.status_code, response.hedged, moments, seconds, inner.cancelled })
    response, moments, seconds, inner = send({ { 2, 200 }, { 10, 201 } }, {})
    assert.same({ 200, 1, { 0, 1 }, 2, 1 },
      { response.status_code, response.hedged, moments, seconds, inner.cancelled })
  end)

  it("sends no more often than max_attempts", function()
    local response, moments = send({ { 10, 200 } }, { max_attempts = 4 })
    assert.same({ 200, { 0, 1, 2, 3 } }, { response.status_code, moments })
    response, moments = send({ { 10, 200 } }, { max_attempts = 1 })
    assert.same({ 200, { 0 } }, { response.status_code, moments })
  end)

  it("does not wait for the delay where one fails, and returns the last failure of all", function()
    local response, moments = send({ { 0.25, 503 }, { 0.25, "reset" }, { 0.25, 200 } },
      { max_attempts = 3 })
    assert.same({ 200, { 0, 0.25, 0.5 } }, { response.status_code, moments })
    response, moments = send({ { 0.25, 503 }, { 0.25, 502 } }, {})
    assert.same({ 502, { 0, 0.25 } }, { response.status_code, moments })
  end)

  it("passes on what is raised inside", function()
    assert.error_matches(function() send({ { 0.5, false } }, {}) end, "raised inside")
  end)

  it("sends only what may be done twice once more", function()
    local _, moments = send({ { 5, 200 } }, {}, { method = "POST", url = URL })
    assert.same({ 0 }, moments)
    _, moments = send({ { 5, 200 } }, {}, { method = "POST", url = URL, idempotent = true })
    assert.same({ 0, 1 }, moments)
    _, moments = send({ { 5, 200 } }, {},
      { method = "PUT", url = URL, content = function() end })
    assert.same({ 0 }, moments)
  end)

  it("keeps within its budget", function()
    local budget = viesti.RetryBudget({ max_tokens = 2 })
    local response, moments = send({ { 0.25, 503 }, { 0.25, 200 } }, { budget = budget })
    assert.same({ 503, { 0 }, 1 }, { response.status_code, moments, budget.tokens })
    send({ { 0.25, 200 } }, { budget = budget })
    assert.equal(1.1, budget.tokens)
    send({ { 0.25, 429 } }, { budget = budget })
    assert.equal(1.1, budget.tokens)
  end)

  it("is cancelled with all that runs for it", function()
    viesti.run(function()
      local inner = Slow({ script = { { 10, 200 } }, clock = viesti.testing.clock() })
      local sender = viesti.HedgingSender({ delay = 1, max_attempts = 3, sender = inner })
      local task = viesti.spawn(function() return sender:send({ url = URL }) end)
      inner.clock.sleep(1.5)
      task:cancel()
      viesti.sleep(0)
      assert.same({ 2, 2 }, { #inner.calls, inner.cancelled })
      inner.clock.sleep(20)
      assert.equal(2, #inner.calls)
    end)
  end)

  it("beats a slow answer of a real server", function()
    server:route("/x", { { delay = 5, body = "slow" }, { body = "quick" } })
    local inner <close> = viesti.AsyncSender()
    local sender = viesti.HedgingSender({ delay = 0.1, sender = inner })
    local started = sender:now()
    local response = sender:send({ url = server.url .. "/x", stream = true })
    assert.same({ "quick", 2, 2 }, { response:read(), response.hedged, server:count("/x") })
    assert.is_true(sender:now() - started < 3)
  end)

  it("just sends over a chain that blocks", function()
    server:route("/x", { delay = 0.3, body = "slow" })
    local sender <close> = viesti.HedgingSender({ delay = 0.05, sender = viesti.SyncSender() })
    assert.equal("slow", sender:send({ url = server.url .. "/x" }).body)
    assert.equal(1, server:count("/x"))
  end)
end)
