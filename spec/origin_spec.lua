local core = require("viesti.core")
local origin_of = require("viesti.message.origin")
local viesti = require("viesti")

describe("the origin of a URL", function()
  it("is its scheme, host and port, without user and password", function()
    for url, expected in pairs({
      ["https://a.example/x"] = "https://a.example",
      ["http://a.example:8080/?q=http://b/"] = "http://a.example:8080",
      ["https://user:pass@a.example/"] = "https://a.example",
      ["https://a.example@b.example/"] = "https://b.example",
      ["http://[::1]:80/x@y"] = "http://[::1]:80",
      ["https://a.example?x/y"] = "https://a.example",
    }) do
      assert.equal(expected, origin_of(url))
    end
  end)

  it("is that of a request, or of a table of its options, as the core finds it", function()
    for _, url in ipairs({ "https://a.example/x", "https://a.example", "https://a.example.org/",
      "https://a.example:8443/", "https://user:pass@a.example/?x", "https://a.example?x/y",
      "http://[::1]:8080/x@y", "https://a.example/x" }) do
      local request = viesti.Request({ url = url })
      assert.same({ origin_of(request.url), request }, { core.origin(request) })
    end
    local origin, request = core.origin({ url = "https://a.example/x" })
    assert.same({ "https://a.example", "https://a.example/x" }, { origin, request.url })
  end)

  it("is nil for what has none", function()
    for _, url in ipairs({ "", "/x", "ftp://a/", "http:///", "mailto:a@b" }) do
      assert.is_nil(origin_of(url))
    end
  end)
end)
