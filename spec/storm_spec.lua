local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local storm = require("spec.support.storm")

local quick = { base = 0.001, cap = 0.01 }

describe("A storm of requests", function()
  local server = fixture.origin()
  local web = fixture.nginx({ http = storm.http, locations = storm.locations })

  -- Requests on the wire for one of those who asked, where a server only fails.
  local function load_of(chain)
    server:route("/x", { status = 503 })
    chain[#chain + 1] = viesti.AsyncSender()
    local sender <close> = viesti.chain(chain)
    local outcome = storm.run(sender, function()
      return { url = server.url .. "/x" }
    end, 300, 30)
    return server:count("/x") / 300, outcome
  end

  it("is multiplied by retries alone, and by no more than they are", function()
    local load, outcome = load_of({ viesti.RetryingSender({ retries = 3, backoff = quick }) })
    assert.same({ 4, { [503] = 300 }, 1200 }, { load, outcome.by, outcome.sent })
  end)

  it("hardly grows with a budget", function()
    local load, outcome = load_of({ viesti.RetryingSender({ retries = 3, backoff = quick,
      budget = viesti.RetryBudget() }) })
    assert.is_true(load >= 1 and load < 1.2, "it grew to " .. load)
    assert.same({ [503] = 300 }, outcome.by)
  end)

  it("shrinks with a breaker", function()
    local load, outcome = load_of({ viesti.RetryingSender({ retries = 3, backoff = quick }),
      viesti.CircuitBreakingSender({ minimum = 10, open_for = 60 }) })
    assert.is_true(load < 0.5, "it is still " .. load)
    assert.equal(300, (outcome.by.circuit_open or 0) + (outcome.by[503] or 0))
    assert.is_true(outcome.by.circuit_open > 200)
  end)

  it("that is turned away for a while comes back in growing groups", function()
    local counts = {}
    for _, shared in ipairs({ false, true }) do
      local sender <close> = viesti.RetryingSender({ backoff = quick, sender = viesti.AsyncSender(),
        rate_limit = { shared = shared, pad = 0 } })
      local before = web:requests()
      local outcome = storm.run(sender, function()
        return { url = web.url .. "/storm" }
      end, 50, 50)
      assert.same({ [200] = 50 }, outcome.by)
      counts[shared] = web:requests() - before
      viesti.sleep(1)
    end
    assert.is_true(counts[true] < counts[false],
      ("%d requests with a cooldown, %d without"):format(counts[true], counts[false]))
  end)

  it("does nothing twice that must not be, whatever becomes of it", function()
    local ends = { { reset = true }, { status = 503 }, { status = 429,
      headers = { { "Retry-After", "0" } } }, { body = "ok" }, { hang = true } }
    for number = 1, 100 do
      server:route("/post?" .. number, { ends[number % #ends + 1], { body = "again" } })
    end
    local sender <close> = viesti.chain({
      viesti.RetryingSender({ retries = 5, backoff = quick, attempt_timeout = 0.3,
        rate_limit = { pad = 0 } }),
      viesti.AsyncSender(),
    })
    local outcome = storm.run(sender, function(number)
      return { method = "POST", url = server.url .. "/post?" .. number, content = "x" }
    end, 100, 20)
    assert.same({ reset = 20, [503] = 20, [200] = 40, timeout = 20 }, outcome.by)
    for number = 1, 100 do
      local is_limited = number % #ends == 2
      assert.equal(is_limited and 2 or 1, server:count("/post?" .. number))
    end
  end)
end)
