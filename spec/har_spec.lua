local json = require "viesti.message.json"
local viesti = require "viesti"
local fixture = require "spec.support.fixture"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("viesti.tracing.har", function()
  local server = fixture.origin()
  local path

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    os.remove(path)
  end)

  -- The file after these requests to a sender, and what is in it.
  local function written(sender, requests, options)
    options = options or {}
    options.path = path
    local har = viesti.har(options)
    local tracing = viesti.TracingSender { sender = sender, on_event = har.on_event }
    for _, request in ipairs(requests) do
      tracing:send(request)
    end
    assert.equal(#requests, har:close())
    local text = read(path)
    return assert(json.decode(text, true)).log, text
  end

  local function mock(answer)
    return viesti.MockSender { routes = { { answer = answer } } }
  end

  it("writes what HAR 1.2 has of log, entry, request and response", function()
    local inner <close> = viesti.SyncSender()
    server:route("/x", { status = 201, headers = { { "Content-Type", "text/plain" } },
      body = "hello" })
    local before = os.time()
    local log = written(inner, { { method = "POST", url = server.url .. "/x?a=b+c&d", json = {} } })
    assert.same({ "1.2", "viesti", viesti.VERSION, 1 },
      { log.version, log.creator.name, log.creator.version, #log.entries })
    local entry = log.entries[1]
    local date = entry.startedDateTime
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", date)
    assert.is_true(date >= os.date("!%Y-%m-%dT%H:%M:%S", before))
    assert.equal("127.0.0.1", entry.serverIPAddress)
    assert.same({}, entry.cache)
    local request, response = entry.request, entry.response
    assert.same({ "POST", server.url .. "/x?a=b+c&d", "HTTP/1.1", -1, 2 }, { request.method,
      request.url, request.httpVersion, request.headersSize, request.bodySize })
    assert.same({ { name = "a", value = "b c" }, { name = "d", value = "" } }, request.queryString)
    assert.same({ { name = "Content-Type", value = "application/json" } }, request.headers)
    assert.same({ 201, "Created", "HTTP/1.1", "", -1, 5 }, { response.status, response.statusText,
      response.httpVersion, response.redirectURL, response.headersSize, response.bodySize })
    assert.same({ size = 5, mimeType = "text/plain" }, response.content)
    assert.same({}, request.cookies)
    assert.same({}, response.cookies)
  end)

  it("has lists where the format wants lists, be they empty", function()
    local _, text = written(mock {}, { { url = "https://example.org" } })
    for _, name in ipairs { "cookies", "headers", "queryString" } do
      assert.matches('"' .. name .. '":%[%]', text)
    end
    viesti.har({ path = path }):close()
    assert.matches('"entries":%[%s*%]', read(path))
  end)

  it("has times that are those of the whole together", function()
    local inner <close> = viesti.SyncSender()
    server:route("/x", { delay = 0.05, body = "x" })
    local log = written(inner, { { url = server.url .. "/x" }, { url = server.url .. "/x" },
      { url = server.url .. "/x", timeout = 0.02 } })
    for index, entry in ipairs(log.entries) do
      local sum = 0
      for name, time in pairs(entry.timings) do
        assert.is_true(time >= 0 or time == -1, name .. " is " .. time)
        sum = sum + (name ~= "ssl" and time > 0 and time or 0)
      end
      assert.is_true(math.abs(sum - entry.time) < 0.01, sum .. " of " .. entry.time)
      assert.is_true(entry.timings.wait >= (index == 3 and 20 or 50))
    end
    assert.is_true(log.entries[1].timings.connect >= 0)
    assert.equal(-1, log.entries[2].timings.connect)
  end)

  it("has the errors, as browsers have them", function()
    local log = written(mock { error = "connect", message = "nobody there" },
      { { url = "https://example.org" } })
    local response = log.entries[1].response
    assert.same({ 0, "", "connect: nobody there", "" },
      { response.status, response.statusText, response._error, response.httpVersion })
  end)

  it("says where a redirect leads", function()
    local log = written(mock { status_code = 302, headers = { Location = "/y?token=hunter2" } },
      { { url = "https://example.org" } })
    assert.equal("/y?token=REDACTED", log.entries[1].response.redirectURL)
  end)

  it("holds no secrets", function()
    local log, text = written(mock { headers = { ["Set-Cookie"] = "hunter2" },
      content = { access_token = "hunter2", list = { { password = "hunter2" } } } }, {
      { method = "POST", url = "https://me:hunter2@example.org/?token=hunter2",
        headers = { Authorization = "hunter2" }, data = { client_secret = "hunter2", a = "b" } },
      { method = "POST", url = "https://example.org", json = { password = "hunter2" },
        headers = { ["X-Own"] = "hunter2" }, secret_headers = { "X-Own" } },
    }, { bodies = true })
    assert.is_nil(text:find "hunter2")
    assert.matches("client_secret=REDACTED", log.entries[1].request.postData.text)
    assert.equal('{"password":"REDACTED"}', log.entries[2].request.postData.text)
    assert.matches('"access_token":"REDACTED"', log.entries[1].response.content.text)
  end)

  describe("writes bodies", function()
    local function content_of(body, options)
      local log = written(mock { body = body, headers = { ["Content-Type"] = "text/plain" } },
        { { method = "PUT", url = "https://example.org", content = body } }, options)
      local entry = log.entries[1]
      return entry.response.content, entry.request.postData
    end

    it("when asked to", function()
      local content, sent = content_of("hello", { bodies = true })
      assert.same({ size = 5, mimeType = "text/plain", text = "hello" }, content)
      assert.same({ mimeType = "", text = "hello", params = {} }, sent)
      content, sent = content_of "hello"
      assert.same({ size = 5, mimeType = "text/plain" }, content)
      assert.is_nil(sent)
    end)

    it("in base64 where they are no text", function()
      local content = content_of("\xff\x00", { bodies = true })
      assert.same({ "/wA=", "base64", 2 }, { content.text, content.encoding, content.size })
    end)

    it("up to a bound, whole characters of what is text", function()
      local content = content_of("aä" .. ("x"):rep(100), { bodies = true, max_body = 2 })
      assert.same({ "a", "the first 1 bytes of 103", 103 },
        { content.text, content.comment, content.size })
    end)
  end)

  it("takes what is no UTF-8 for Latin-1", function()
    local log = written(mock { headers = { A = "caf\xe9" } }, { { url = "https://example.org" } })
    assert.same({ { name = "A", value = "café" } }, log.entries[1].response.headers)
  end)

  it("is whole after every entry, and closed once", function()
    local har <close> = viesti.har { path = path }
    local tracing = viesti.TracingSender { sender = mock {}, on_event = har.on_event }
    assert.same({}, json.decode(read(path)).log.entries)
    for count = 1, 3 do
      tracing:send { url = "https://example.org/" .. count }
      local entries = json.decode(read(path)).log.entries
      assert.same({ count, "https://example.org/" .. count },
        { #entries, entries[count].request.url })
    end
    assert.equal(3, har:close())
    tracing:send { url = "https://example.org" }
    assert.equal(3, har:close())
    assert.equal(3, #json.decode(read(path)).log.entries)
  end)

  it("says that it cannot be written, and lets requests be", function()
    local _, raised = pcall(function() local _ = viesti.har { path = "/nowhere/x.har" } end)
    assert.matches("^spec/har_spec.lua:%d+: Har: /nowhere/x.har: No such file or directory$",
      raised)
    local har = viesti.har { path = "/dev/full" }
    local tracing = viesti.TracingSender { sender = mock {}, on_event = har.on_event }
    assert.equal(200, tracing:send({ url = "https://example.org" }).status_code)
    local count, reason = har:close()
    assert.is_nil(count)
    assert.matches("No space left", reason)
    assert.equal('Har{ path = "/dev/full" }', tostring(har))
  end)
end)
