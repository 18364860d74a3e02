local nearest = require("viesti.base.nearest")

describe("nearest", function()
  local names = { "retries", "sender", "methods", "backoff", "rate_limit" }

  it("finds a name with a slip in it", function()
    for mistyped, name in pairs({ retires = "retries", Sender = "sender",
      sendr = "sender", method = "methods", backof = "backoff", ratelimit = "rate_limit",
      bakcof = "backoff", ratelimt = "rate_limit", ratlimt = "rate_limit" }) do
      assert.equal(name, nearest(mistyped, names))
    end
  end)

  it("finds what somebody wrote the beginning of", function()
    assert.equal("backoff", nearest("back", names))
    assert.equal("rate_limit", nearest("rate", names))
  end)

  it("finds the word that goes on before another word behind it", function()
    for _, candidates in ipairs({ { "RetryBudget", "RetryingSender" },
      { "RetryingSender", "RetryBudget" } }) do
      assert.equal("RetryingSender", nearest("Retry", candidates))
    end
  end)

  it("finds what was begun before what is two slips away", function()
    assert.equal("retrying", nearest("retry", { "rexxy", "retrying" }))
    assert.equal("Retry", nearest("retry", { "Retry", "retrying" }))
    assert.equal("retr", nearest("retry", { "retr", "retrying" }))
  end)

  it("finds none for what is far from all", function()
    for _, mistyped in ipairs({ "timeout", "x", "", "max_size", "bac" }) do
      assert.is_nil(nearest(mistyped, names))
    end
    assert.is_nil(nearest("get", { "next", "type" }))
    assert.equal("next", nearest("nxt", { "next", "type" }))
  end)
end)
