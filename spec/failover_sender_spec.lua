local viesti = require("viesti")
local free_port = require("spec.support.free_port")
local origin = require("spec.support.origin")
local Scripted = require("spec.support.scripted")

describe("FailoverSender", function()
  local A, B, C = "http://a.invalid", "http://b.invalid", "http://c.invalid"

  -- Which hosts were asked, over a sender that answers so.
  local function asked(inner)
    local hosts = {}
    for index, call in ipairs(inner.calls) do
      hosts[index] = call.request.url:match("//(%w)")
    end
    return table.concat(hosts)
  end

  local function send(script, request, origins)
    local inner = Scripted({ script = script })
    local sender = viesti.FailoverSender({ origins = origins or { A, B, C }, sender = inner })
    request = request or {}
    request.url = request.url or A .. "/x?q=1"
    local response, err = sender:send(request)
    return response or err, asked(inner), sender, inner
  end

  it("asks the next where one fails for a reason that speaks of it", function()
    for _, failure in ipairs({ 502, 503, 504, { error = "connect", sent = "no" },
      { error = "reset" }, { error = "timeout" }, { error = "resolve", sent = "no" } }) do
      local response, hosts, _, inner = send({ failure, failure, 200 })
      assert.same({ 200, "abc" }, { response.status_code, hosts })
      assert.equal(C .. "/x?q=1", inner.calls[3].request.url)
    end
  end)

  it("returns what is no fault of the host's", function()
    for _, outcome in ipairs({ 200, 404, 429, 500, 501, { error = "tls", sent = "no" },
      { error = "too_large" }, { error = "deadline" } }) do
      local _, hosts = send({ outcome, 200 })
      assert.equal("a", hosts)
    end
  end)

  it("returns the last failure where all fail", function()
    local response, hosts = send({ 502, 503, 504 })
    assert.same({ 504, "abc" }, { response.status_code, hosts })
    local err
    err, hosts = send({ { error = "reset" } })
    assert.same({ "reset", "abc" }, { err.kind, hosts })
  end)

  it("asks one that failed last, until it has rested", function()
    local _, _, sender, inner = send({ 503, 200 })
    sender:send({ url = A .. "/" })
    inner.clock.advance(31)
    sender:send({ url = A .. "/" })
    assert.equal("abba", asked(inner))
  end)

  it("does nothing twice that must not be", function()
    local response, hosts = send({ 503, 200 }, { method = "POST" })
    assert.same({ 503, "a" }, { response.status_code, hosts })
    response, hosts = send({ { error = "connect", sent = "no" }, 200 }, { method = "POST" })
    assert.same({ 200, "ab" }, { response.status_code, hosts })
    response, hosts = send({ 503, 200 }, { method = "POST", idempotent = true })
    assert.same({ 200, "ab" }, { response.status_code, hosts })
    hosts = select(2, send({ 503, 200 }, { method = "PUT", content = function() end }))
    assert.equal("a", hosts)
    local mock = viesti.MockSender({ routes = { { answer = { error = "connect", sent = "no" } } } })
    local sender = viesti.FailoverSender({ origins = { A, B }, sender = mock })
    local _, err = sender:send({ method = "PUT", url = A, content = function() end }) -- it reads it
    assert.same({ "connect", 1 }, { err.kind, #mock:requests() })
  end)

  it("keeps path, params, fields, body and user", function()
    local _, _, _, inner = send({ 503, 200 }, { method = "PUT",
      url = "http://u:p%40@a.invalid/x%20y", params = { q = "1" }, headers = { A = "b" },
      content = "body" })
    local request = inner.calls[2].request
    assert.same({ "PUT", "http://u:p%40@b.invalid/x%20y?q=1", "b", "body" },
      { request.method, request.url, request.headers.A, request.body })
  end)

  it("leaves alone what goes elsewhere, and takes any of its origins for the service", function()
    local _, hosts, _, inner = send({ 503, 200 }, { url = "http://x.invalid/" })
    assert.equal("x", hosts)
    assert.equal(1, #inner.calls)
    _, hosts = send({ 200 }, { url = B .. "/" })
    assert.equal("a", hosts)
  end)

  for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender }) do
    it("reaches a host that is there behind one that is not (" .. Kind.name .. ")", function()
      local server <close> = origin.start()
      server:route("/x", { body = "there" })
      local down = "http://127.0.0.1:" .. free_port()
      local sender <close> = viesti.FailoverSender({ origins = { down, server.url },
        sender = Kind() })
      local response = sender:send({ method = "POST", url = down .. "/x", content = "x" })
      assert.same({ 200, "there" }, { response.status_code, response.body })
    end)
  end

  it("refuses origins that are none", function()
    for _, text in ipairs({ "a.invalid", "http://a.invalid/x", "ftp://a.invalid" }) do
      assert.error_matches(function() viesti.FailoverSender({ origins = { text } }) end,
        ('FailoverSender: each of origins must be like "https://a.example", got %q'):format(text),
        1, true)
    end
    assert.error_matches(function() viesti.FailoverSender({ origins = { A, A .. ":80/" } }) end,
      "FailoverSender: http://a.invalid is given twice", 1, true)
    assert.error_matches(function() viesti.FailoverSender({ origins = {} }) end,
      "FailoverSender: origins is empty")
  end)
end)
