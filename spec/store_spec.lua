local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("Store", function()
  local server = fixture.origin()

  it("prints as it is built, and knows its limits", function()
    local limits = { max_size = 10, max_bytes = 100000, max_entry_bytes = 1000 }
    local store = viesti.Store(limits)
    assert.equal("Store{ max_size = 10, max_bytes = 100000, max_entry_bytes = 1000 }",
      tostring(store))
    assert.same(limits, store:limits())
    assert.same({}, viesti.Store():limits())
    assert.equal("Store()", tostring(viesti.Store()))
  end)

  it("forgets the responses of one URL, however it is written", function()
    local store = viesti.Store()
    local sender <close> = viesti.CachingSender({ store = store })
    local headers = { { "Cache-Control", "max-age=60" }, { "Vary", "Accept" } }
    server:route("/a", { headers = headers })
    server:route("/b", { headers = headers })
    for _, path in ipairs({ "/a", "/b" }) do
      for _, type in ipairs({ "text/html", "text/plain" }) do
        assert(sender:send({ url = server.url .. path, headers = { Accept = type } }))
      end
    end
    assert.equal(4, store:count())
    store:delete((server.url:gsub("^http", "HTTP")) .. "/x/../a#part")
    assert.equal(2, store:count())
    assert.has_error(function() store:delete(5) end)
    store:clear()
    assert.same({ 0, 0 }, { store:count(), store:bytes() })
  end)
end)
