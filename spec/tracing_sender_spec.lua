local json = require "viesti.message.json"
local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local free_port = require "spec.support.free_port"
local streams = require "spec.support.streams"
local ways = require "spec.support.ways"

local TracingSender = viesti.TracingSender

local HOST = "https://api.example.org"

-- A TracingSender over that sender, and the list of what it tells: { name, span }.
local function traced(sender, options)
  local events = {}
  options = options or {}
  options.sender = sender
  options.on_event = function(name, span)
    events[#events + 1] = { name, span }
  end
  return TracingSender(options), events
end

local function names_of(events)
  local names = {}
  for index, event in ipairs(events) do
    names[index] = event[1]
  end
  return names
end

local function mock(answer, clock)
  return viesti.MockSender { clock = clock, routes = { { answer = answer } } }
end

describe("TracingSender", function()
  -- The attributes of the one span of a request that is answered so.
  local function attributes_of(request, answer, options)
    local sender, events = traced(mock(answer or {}), options)
    sender:send(request)
    return events[#events][2].attributes
  end

  it("tells of an attempt's start, of the head of its response and of its end", function()
    local clock = viesti.testing.clock { wall = 1000 }
    local sender, events = traced(mock({ delay = 5, status_code = 201, body = "hello" }, clock))
    local response = sender:send { method = "POST", url = HOST .. "/orders?a=b", json = { a = 1 } }
    assert.equal("hello", response.body)
    assert.same({ "start", "response", "end" }, names_of(events))
    local span = events[1][2]
    assert.is_true(span == events[2][2] and span == events[3][2])
    assert.same({ 1, 1000, 5 }, { span.id, span.started, span.duration })
    assert.same({
      ["http.request.method"] = "POST", ["url.full"] = HOST .. "/orders?a=b",
      ["server.address"] = "api.example.org", ["server.port"] = 443,
      ["http.request.body.size"] = 7, ["http.response.status_code"] = 201,
      ["http.response.body.size"] = 5, ["http.client.request.duration"] = 5,
    }, span.attributes)
  end)

  it("has the same attributes whenever somebody looks first", function()
    local seen = {}
    for index, first in ipairs { "start", "response", "end" } do
      local sender = TracingSender { sender = mock { body = "x" }, on_event = function(name, span)
        if name == first or name == "end" then
          seen[index] = span.attributes
          seen[index]["http.client.request.duration"] = nil
        end
      end }
      sender:send { url = HOST }
    end
    assert.same(seen[1], seen[2])
    assert.same(seen[2], seen[3])
  end)

  it("lets the user add attributes, which stay", function()
    local sender = TracingSender { sender = mock {}, on_event = function(name, span)
      if name == "start" then
        span.attributes["my.id"] = 7
      else
        assert.equal(7, span.attributes["my.id"])
      end
    end }
    assert(sender:send { url = HOST })
  end)

  it("tells of errors by their kind, and of bad statuses by their number", function()
    local sender, events = traced(mock { { error = "reset" }, { status_code = 503 } })
    sender:send { url = HOST }
    sender:send { url = HOST }
    assert.same({ "start", "error", "start", "response", "end" }, names_of(events))
    local span = events[2][2]
    assert.same({ "reset", "reset" }, { span.attributes["error.type"], span.error.kind })
    assert.is_nil(span.attributes["http.response.status_code"])
    assert.equal("503", events[5][2].attributes["error.type"])
  end)

  it("counts how often a request came to nothing before", function()
    local clock = viesti.testing.clock()
    local tracing, events = traced(mock({ { status_code = 503 }, { error = "reset" }, {} }, clock))
    local sender = viesti.RetryingSender { retries = 2, sender = tracing }
    local request = viesti.Request { url = HOST }
    assert.equal(200, sender:send(request).status_code)
    local counts = {}
    for _, event in ipairs(events) do
      if event[1] == "start" then
        counts[#counts + 1] = event[2].attributes["http.request.resend_count"] or 0
      end
    end
    assert.same({ 0, 1, 2 }, counts)
    sender:send(request) -- again, not once more
    assert.is_nil(events[#events][2].attributes["http.request.resend_count"])
  end)

  it("knows the server by address and port", function()
    local function server_of(url)
      local attributes = attributes_of { url = url }
      return attributes["server.address"], attributes["server.port"]
    end
    assert.same({ "example.org", 80 }, { server_of "http://example.org" })
    assert.same({ "example.org", 8443 }, { server_of "https://me:secret@example.org:8443/@:1" })
    assert.same({ "::1", 8080 }, { server_of "http://[::1]:8080/x" })
    assert.same({ "::1", 443 }, { server_of "https://[::1]?a@b" })
  end)

  it("calls a method by its name, or _OTHER", function()
    local attributes = attributes_of { method = "PURGE", url = HOST }
    assert.same({ "_OTHER", "PURGE" },
      { attributes["http.request.method"], attributes["http.request.method_original"] })
    assert.is_nil(attributes_of({ method = "HEAD", url = HOST },
      { headers = { ["Content-Length"] = "5" } })["http.response.body.size"])
  end)

  it("tells header fields that it is asked for", function()
    local attributes = attributes_of({ url = HOST, headers = { ["X-A"] = { "1", "2" }, B = "3" } },
      { headers = { ["Content-Type"] = "text/plain", C = "4" } },
      { request_headers = { "x-a", "Missing" }, response_headers = { "CONTENT-TYPE" } })
    assert.same({ "1", "2" }, attributes["http.request.header.x-a"])
    assert.same({ "text/plain" }, attributes["http.response.header.content-type"])
    for name in pairs(attributes) do
      assert.is_nil(name:find "missing" or name:find "header%.[bc]$")
    end
  end)

  it("has the fields of a request and of a response, and of nothing else", function()
    local sender, events = traced(mock { headers = { B = "2" } })
    sender:send { url = HOST, headers = { A = "1" } }
    local span = events[1][2]
    assert.same({ { { "A", "1" } }, { { "B", "2" } } },
      { span:headers "request", span:headers "response" })
    assert.has_error(function() span:headers "reply" end,
      'span:headers needs "request" or "response", got "reply"')
  end)

  it("tells no secrets", function()
    local secrets = { "Authorization", "Proxy-Authorization", "Cookie", "X-Mine", "X-Own" }
    local headers = {}
    for _, name in ipairs(secrets) do
      headers[name] = "hunter2"
    end
    local attributes = attributes_of({
      url = "https://me:hunter2@example.org/?q=1&access_token=hunter2&X-Mine=hunter2",
      headers = headers, secret_headers = { "X-Own" },
    }, { headers = { ["Set-Cookie"] = "a=hunter2", Location = "/?sig=hunter2" } },
      { request_headers = secrets, response_headers = { "Set-Cookie", "Location" },
        secrets = { "x-mine" } })
    local text = json.encode(attributes)
    assert.is_nil(text:find "hunter2")
    assert.equal("https://***@example.org/?q=1&access_token=REDACTED&X-Mine=REDACTED",
      attributes["url.full"])
    assert.same({ "REDACTED" }, attributes["http.request.header.authorization"])
    assert.same({ "/?sig=REDACTED" }, attributes["http.response.header.location"])
  end)

  it("gives the user's function its errors back", function()
    for _, bad in ipairs { "start", "response", "end" } do
      local names = {}
      local sender = TracingSender { sender = mock {}, on_event = function(name)
        names[#names + 1] = name
        if name == bad then
          error("mine", 0)
        end
      end }
      assert.has_error(function() sender:send { url = HOST } end, "mine")
      assert.equal(bad, names[#names])
    end
  end)

  it("ends the attempt where the sender inside raises", function()
    local Raising = viesti.Sender:extend "Raising"
    function Raising.send() error("broken", 0) end
    local sender, events = traced(Raising())
    assert.has_error(function() sender:send { url = HOST } end, "broken")
    assert.same({ "start", "error" }, names_of(events))
    assert.same({ "script", "broken" },
      { events[2][2].attributes["error.type"], events[2][2].error.message })
  end)

  it("counts the spans of all chains that it stands in", function()
    local sender, events = traced(mock {})
    TracingSender { on_event = sender.on_event, sender = mock {} }:send { url = HOST }
    local copy = sender:with_sender(mock {})
    sender:send { url = HOST }
    copy:send { url = HOST }
    assert.same({ 1, 1, 2 }, { events[1][2].id, events[4][2].id, events[7][2].id })
  end)

  it("needs a function", function()
    local _, raised = pcall(function() local _ = TracingSender {} end)
    assert.matches("TracingSender: on_event is missing, it must be a function", raised)
  end)
end)

for _, way in ipairs(ways) do
  describe("TracingSender over " .. way.name, function()
    local server = fixture.origin()
    local promise = way:promises { timeout = 5 }

    promise("tells what came off the wire", function(inner)
      local sender, events = traced(inner)
      assert(sender:send { url = server.url .. "/json" })
      assert.same({ "start", "response", "end" }, names_of(events))
      local attributes = events[3][2].attributes
      assert.same({ "127.0.0.1", server.port, "127.0.0.1", server.port, "1.1", 200 }, {
        attributes["server.address"], attributes["server.port"],
        attributes["network.peer.address"], attributes["network.peer.port"],
        attributes["network.protocol.version"], attributes["http.response.status_code"] })
      assert.is_true(attributes["http.client.request.duration"] > 0)
    end)

    promise("tells of a connection that could not be had", function(inner)
      local sender, events = traced(inner)
      sender:send { url = "http://127.0.0.1:" .. free_port() }
      assert.same({ "start", "error" }, names_of(events))
      assert.equal("connect", events[2][2].attributes["error.type"])
    end)

    local function streaming(inner, answer)
      server:route("/x", answer)
      local sender, events = traced(inner)
      local response = assert(sender:send { url = server.url .. "/x", stream = true })
      assert.same({ "start", "response" }, names_of(events))
      assert.is_nil(events[1][2].duration)
      return response, events
    end

    promise("tells the end of a stream when its body has ended", function(inner)
      local response, events = streaming(inner, { body = "hello" })
      assert.equal("hello", streams.rest_of(response))
      assert.same({ "start", "response", "end" }, names_of(events))
      assert.equal(5, events[3][2].attributes["http.response.body.size"])
      assert.is_true(events[3][2].duration > 0)
    end)

    promise("tells why a stream broke off, in the response of an outer layer, too", function(inner)
      local response, events = streaming(inner, { raw = "HTTP/1.1 200 OK\r\nContent-Length: 10"
        .. "\r\n\r\n01", close = true })
      local _, err = streams.read_all(response:annotated(nil, { a = 1 }))
      assert.same({ "start", "response", "error" }, names_of(events))
      local span = events[3][2]
      assert.same({ "truncated", err }, { span.attributes["error.type"], span.error })
    end)

    promise("tells the end of a stream that is wanted no more, which is no error", function(inner)
      local response, events = streaming(inner, { body = "hello" })
      response:close()
      assert.same({ "start", "response", "end" }, names_of(events))
      local attributes = events[3][2].attributes
      assert.is_nil(attributes["error.type"] or attributes["http.response.body.size"])
    end)

    promise("ends the stream where the user's function fails at its head", function(inner)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01", hang = true })
      local kept
      local sender = TracingSender { sender = inner, on_event = function(name, span)
        kept = span.response
        return name == "response" and error("mine", 0)
      end }
      assert.same({ false, "mine" },
        { pcall(sender.send, sender, { url = server.url .. "/x", stream = true }) })
      assert.equal("closed", select(2, kept:read()).kind)
    end)
  end)
end

describe("TracingSender in a task", function()
  local server = fixture.origin()

  it("tells that it was cancelled", function()
    server:route("/hang", { hang = true })
    local inner <close> = viesti.AsyncSender()
    local sender, events = traced(inner)
    viesti.run(function()
      local task = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
      viesti.sleep(0.05)
      task:cancel()
    end)
    assert.same({ "start", "error" }, names_of(events))
    assert.equal("cancelled", events[2][2].attributes["error.type"])
  end)
end)
