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

  it("finds none for what is far from all", function()
    for _, mistyped in ipairs({ "timeout", "x", "", "max_size", "bac" }) do
      assert.is_nil(nearest(mistyped, names))
    end
  end)
end)
