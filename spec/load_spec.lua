local viesti = require("viesti")

describe("viesti.load", function()
  it("builds the chain that a text returns, in viesti's own words", function()
    local chain = assert(viesti.load([[
      local seconds = math.max(1, 2)
      return chain {
        Client {},
        CachingSender { max_size = 10 },
        SyncSender { timeout = seconds },
      }
    ]]))
    assert.equal("Client{ sender = CachingSender{ max_size = 10, "
      .. "sender = SyncSender{ timeout = 2 } } }", tostring(chain))
  end)

  it("reads what tostring of a chain printed", function()
    local chain = viesti.chain({ viesti.Client(), viesti.RetryingSender(3), viesti.AsyncSender() })
    local again = assert(viesti.load("return " .. tostring(chain)))
    assert.equal(tostring(chain), tostring(again))
  end)

  it("adds what it is given to the names", function()
    assert.equal(7, assert(viesti.load("return CachingSender(size)", "x", { size = 7 })).max_size)
  end)

  it("keeps files, processes, modules and the debugger out of reach", function()
    for _, name in ipairs({ "io", "os", "require", "package", "debug", "dofile", "loadfile", "_G",
      "getmetatable", "setmetatable", "rawset", "rawget", "collectgarbage", "coroutine" }) do
      assert(viesti.load(("assert(%s == nil) return SyncSender()"):format(name)))
    end
  end)

  it("lets no text see or change what belongs to others", function()
    assert(viesti.load([[
      leaked = 1
      string.format, table.concat, math.max = nil, nil, nil
      return SyncSender()
    ]]))
    assert.is_nil(rawget(_G, "leaked"))
    assert.is_truthy(string.format and table.concat and math.max)
    assert(viesti.load("assert(leaked == nil and string.format) return SyncSender()"))
  end)

  it("returns nil and a sentence for a text that does not hold a chain", function()
    local cases = {
      { "return SyncSender(", "chain:1: " },
      { "return", "the chain must return a sender, it returned nothing" },
      { "return 1", "the chain must return a sender, it returned 1" },
      { "return {}", "the chain must return a sender, it returned a table" },
      { "return SyncSender{ timout = 1 }", "SyncSender: there is no option \"timout\"" },
      { "error('own')", "chain:1: own" },
      { string.dump(function() end), "attempt to load a binary chunk" },
      { "return nothing.at.all", "nothing" },
    }
    for _, case in ipairs(cases) do
      local chain, reason = viesti.load(case[1])
      assert.is_nil(chain)
      assert.is_truthy(reason:find(case[2], 1, true), reason)
    end
    assert.equal("my.lua must return a sender, it returned 1",
      select(2, viesti.load("return 1", "@my.lua")))
  end)

  it("refuses a class in the place of a sender", function()
    for _, text in ipairs({ "SyncSender", "Client", 'ExtendingSender:extend("Mine")' }) do
      local chain, reason = viesti.load("return " .. text)
      assert.is_nil(chain)
      assert.matches("^the chain must return a sender, it returned", reason)
    end
  end)

  it("refuses what is no text", function()
    assert.has_error(function() viesti.load() end, "load needs the text of a chain, got nothing")
    assert.has_error(function() viesti.load(print) end,
      "load needs the text of a chain, got a function")
  end)
end)
