local viesti = require("viesti")

describe("viesti.senders.order", function()
  local function check(...)
    local senders = { ... }
    senders[#senders + 1] = viesti.SyncSender()
    return viesti.chain(senders):check()
  end

  it("finds nothing wrong with the recommended order", function()
    assert.same({}, check(viesti.Client(), viesti.DefaultsSender(), viesti.RedirectingSender(),
      viesti.AuthenticatingSender({ bearer = "x" }), viesti.CachingSender(),
      viesti.DeadlineSender(9), viesti.RetryingSender()))
    assert.same({}, viesti.SyncSender():check())
  end)

  it("warns of orders that defeat themselves, with the reason", function()
    assert.same({ "CachingSender stands outside AuthenticatingSender, and belongs inside it: the "
      .. "cache does not see the Authorization by which it would keep users apart" },
      check(viesti.CachingSender(), viesti.AuthenticatingSender({ bearer = "x" })))
    assert.same({ "RetryingSender stands outside DeadlineSender, and belongs inside it: each "
      .. "attempt has a deadline of its own" },
      check(viesti.RetryingSender(), viesti.DeadlineSender(9)))
    assert.equal(4, #check(viesti.RetryingSender(), viesti.CachingSender(),
      viesti.RedirectingSender(), viesti.DefaultsSender()))
  end)

  it("warns of what stands outside of where relative URLs are made whole", function()
    local based = viesti.DefaultsSender({ base_url = "http://h/" })
    assert.same({ "RetryingSender stands outside DefaultsSender with a base_url, and belongs "
      .. "inside it: it takes no relative URL" }, check(viesti.RetryingSender(), based))
    assert.same({}, check(based, viesti.RetryingSender()))
    assert.same({}, check(viesti.RetryingSender(), viesti.DefaultsSender({ headers = { A = 1 } })))
  end)

  it("warns of what redirects lead to and no limit counts", function()
    assert.equal(1, #check(viesti.RateLimitingSender(1), viesti.RedirectingSender()))
  end)

  it("warns of two where one is enough", function()
    assert.same({ "there are two of RetryingSender: the retries of one are multiplied by those of "
      .. "the other" }, check(viesti.RetryingSender(), viesti.RetryingSender()))
  end)

  it("knows a layer by what it extends", function()
    local Mine = viesti.CachingSender:extend("MineSender")
    assert.equal(1, #check(viesti.RetryingSender(), Mine()))
  end)
end)
