local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local Scripted = require("spec.support.scripted")

local BASE = "https://api.invalid/v1/"

describe("DefaultsSender", function()
  -- The request that arrives behind it, or the error.
  local function sent(options, request)
    local inner = Scripted({ script = { 200 } })
    options.sender = inner
    local _, err = viesti.DefaultsSender(options):send(request)
    return inner.calls[1] and inner.calls[1].request or err
  end

  it("puts a relative URL below its base_url", function()
    for url, whole in pairs({ ["users"] = "users", ["/users"] = "users", ["u?a=1"] = "u?a=1",
      [""] = "", ["?q=1"] = "?q=1", ["a/./b"] = "a/b", ["a/../b"] = "b" }) do
      local expected = url == "" and "https://api.invalid/v1"
        or url:sub(1, 1) == "?" and "https://api.invalid/v1?q=1" or BASE .. whole
      assert.equal(expected, sent({ base_url = BASE }, { url = url }).url)
      assert.equal(expected, sent({ base_url = "https://api.invalid/v1" }, { url = url }).url)
    end
    assert.equal("http://other.invalid/x",
      sent({ base_url = BASE }, { url = "http://other.invalid/x" }).url)
    assert.equal("http://h.invalid/", sent({}, { url = "http://h.invalid/" }).url)
  end)

  it("lets no part of a URL lead out of the API", function()
    for _, url in ipairs({ "../admin", "a/../../admin", "%2e%2e/admin", "/../../x" }) do
      local err = sent({ base_url = BASE }, { url = url })
      assert.same({ "refused", "no" }, { err.kind, err.sent }, url)
      assert.matches("leads out of https://api.invalid/v1", tostring(err), 1, true)
    end
    assert.equal("https://api.invalid/v1//evil.invalid/",
      sent({ base_url = BASE }, { url = "//evil.invalid/" }).url)
  end)

  it("adds headers and params where the request has none of that name", function()
    local options = { headers = { Accept = "application/json", ["X-A"] = { "1", "2" } },
      params = { market = "FI", limit = 10 } }
    local request = sent(options, { url = "http://h.invalid/?limit=5", headers = { accept = "*/*" },
      params = { q = "x" } })
    assert.same({ { "*/*" }, { "1", "2" } },
      { request.headers:get_all("Accept"), request.headers:get_all("X-A") })
    assert.equal("http://h.invalid/?limit=5&q=x&market=FI", request.url)
    request = sent(options, { url = "http://h.invalid/", headers = { Accept = false },
      params = { market = "SE", limit = 1 } })
    assert.same({ "http://h.invalid/?limit=1&market=SE", nil },
      { request.url, request.headers.Accept })
    assert.same({ "Accept" }, request.omitted)
  end)

  it("adds them only to what goes to the origin of its base_url", function()
    local options = { base_url = BASE, headers = { ["X-Key"] = "secret" },
      params = { k = "secret" } }
    for url, is_ours in pairs({ ["x"] = true, ["https://api.invalid/other"] = true,
      ["https://api.invalid:444/x"] = false, ["http://api.invalid/x"] = false,
      ["https://api.invalid.evil.invalid/x"] = false }) do
      local request = sent(options, { url = url })
      assert.same({ is_ours, is_ours }, { request.headers["X-Key"] ~= nil,
        request.url:find("k=secret", 1, true) ~= nil }, url)
    end
  end)

  it("shows no value of them", function()
    local sender = viesti.DefaultsSender({ headers = { ["X-Key"] = "s3cret" } })
    assert.is_nil(tostring(sender):find("s3cret", 1, true))
    assert.is_nil(sender:describe().options.headers["X-Key"]:find("s3cret", 1, true))
  end)

  -- X-Key and X-Other of the request that a redirect from `server` took to `other`.
  local function fields_elsewhere(server, other, options)
    other:route("/there", { body = "ok" })
    server:route("/here", { status = 302, headers = { { "Location", other.url .. "/there" } } })
    options.headers = { ["X-Key"] = "secret", ["X-Other"] = "fine" }
    options.sender = viesti.RedirectingSender({ sender = viesti.SyncSender() })
    local sender <close> = viesti.DefaultsSender(options)
    assert.equal(200, sender:send({ url = server.url .. "/here",
      headers = { ["X-Own"] = "own" }, secret_headers = { "X-Own" } }).status_code)
    local found = {}
    for _, field in ipairs(other:requests()[1].headers) do
      found[field[1]] = field[2]
    end
    assert.is_nil(found["X-Own"])
    return { found["X-Key"], found["X-Other"] }
  end

  it("has no redirect take them from the origin of its base_url", function()
    local server <close> = require("spec.support.origin").start()
    local other <close> = require("spec.support.origin").start()
    assert.same({}, fields_elsewhere(server, other, { base_url = server.url }))
    for _, name in ipairs({ "X-Key", "X-Other", "X-Own" }) do
      assert.is_string(server:requests()[1].header(name))
    end
  end)

  it("has no secret in what says what may come back, and in which program asks", function()
    local inner = viesti.MockSender({ routes = { { answer = { body = "ok" } } } })
    local sender = viesti.DefaultsSender({ base_url = "https://h.test", sender = inner,
      headers = { Accept = "text/html", ["User-Agent"] = "me", ["X-Key"] = "secret" } })
    sender:send({ url = "/" })
    local request = inner:requests()[1]
    assert.same({ { "X-Key" }, "text/html", "me" },
      { request.secret_headers, request.headers.Accept, request.headers["User-Agent"] })
  end)

  it("names those that no redirect takes along where there is no base_url", function()
    local server <close> = require("spec.support.origin").start()
    local other <close> = require("spec.support.origin").start()
    assert.same({ nil, "fine" }, fields_elsewhere(server, other, { secret_headers = { "X-Key" } }))
  end)

  it("works over the wire for a Request, too", function()
    local server <close> = require("spec.support.origin").start()
    local sender <close> = viesti.DefaultsSender({ headers = { ["X-A"] = "1" } })
    local response = sender:send(viesti.Request({ url = server.url .. "/echo" }))
    assert.equal(200, response.status_code)
  end)

  it("refuses a base_url that is none", function()
    for _, base in ipairs({ "api.invalid", "/v1", "https://h.invalid/?a=1", "" }) do
      assert.error_matches(function() viesti.DefaultsSender({ base_url = base }) end,
        "DefaultsSender: base_url must be the start of a URL, got")
    end
    for _, base in ipairs({ "api.example", "127.0.0.1:18471" }) do
      assert.has_error(function() viesti.DefaultsSender({ base_url = base }) end,
        ('DefaultsSender: base_url must be the start of a URL, got "%s": the URL \'%s\' has no '
          .. "scheme (http or https)"):format(base, base))
    end
    assert.error_matches(function() viesti.DefaultsSender({ headers = { A = true } }) end,
      "DefaultsSender: headers: the value of \"A\" must be", 1, true)
  end)

  fixture.origin()
end)
