local json = require "viesti.message.json"
local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local free_port = require "spec.support.free_port"
local fresh_lua = require "spec.support.fresh_lua"
local streams = require "spec.support.streams"
local ways = require "spec.support.ways"

local RecordingSender = viesti.RecordingSender

local HOST = "https://api.example.org"

describe("RecordingSender", function()
  local path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function()
    os.remove(path)
  end)

  local function read()
    local file <close> = assert(io.open(path))
    return file:read "a"
  end

  local function write(...)
    local file <close> = assert(io.open(path, "w"))
    file:write('{"viesti":"cassette","version":1}\n', ...)
  end

  -- The exchanges in the file.
  local function exchanges()
    local list = {}
    for line in read():gmatch "[^\n]+" do
      list[#list + 1] = json.decode(line)
    end
    return table.move(list, 2, #list + 1, 1)
  end

  -- A mock that answers so, and a RecordingSender over it.
  local function recording(answer, options)
    local mock = viesti.MockSender { routes = { { answer = answer or {} } } }
    options = options or {}
    options.path, options.sender = path, mock
    return RecordingSender(options), mock
  end

  local function refused(sender, request, reason)
    local response, err = sender:send(request)
    assert.is_nil(response)
    assert.same({ "refused", "no", false, reason:format(path) },
      { err.kind, err.sent, err.retryable, err.message })
  end

  describe("once", function()
    it("records where there is no file, and answers out of it from then on", function()
      local recorder, mock = recording { status_code = 201, content = { a = 1 },
        headers = { ["Content-Type"] = "application/json", A = { "1", "2" } }, reason = "Made" }
      local request = { method = "POST", url = HOST .. "/x?a=b", json = { b = 2 } }
      local first = recorder:send(request)
      assert.same({ 201, 1 }, { first.status_code, first.content.a })
      local player, unused = recording { status_code = 500 }
      local second = player:send(request)
      assert.same({ 201, "Made", '{"a":1}', "1, 2", HOST .. "/x?a=b" }, { second.status_code,
        second.reason, second.body, second.headers.A, second.url })
      assert.same({ 1, 0 }, { #mock:requests(), #unused:requests() })
    end)

    it("sends out all that is asked for while it records", function()
      local recorder, mock = recording { { body = "a" }, { body = "b" } }
      assert.equal("a", recorder:send({ url = HOST }).body)
      assert.equal("b", recorder:send({ url = HOST }).body)
      assert.same({ 2, 2 }, { #mock:requests(), #exchanges() })
    end)

    it("refuses what the file does not have", function()
      recording():send { url = HOST }
      refused(recording(), { url = HOST .. "/other" },
        'there is no exchange for it in %s (mode = "once")')
    end)
  end)

  describe("none", function()
    it("lets nothing out, and needs the file", function()
      recording({ body = "x" }):send { url = HOST }
      local player, mock = recording(nil, { mode = "none" })
      assert.equal("x", player:send({ url = HOST }).body)
      refused(player, { url = HOST .. "/other" },
        'there is no exchange for it in %s (mode = "none")')
      assert.equal(0, #mock:requests())
      os.remove(path)
      local _, raised = pcall(function()
        local _ = RecordingSender { path = path, mode = "none" }
      end)
      assert.matches("^spec/recording_sender_spec.lua:%d+: RecordingSender: .*No such file", raised)
    end)
  end)

  describe("new", function()
    it("lets out what the file does not have, and adds it", function()
      recording({ body = "old" }):send { url = HOST }
      local recorder, mock = recording({ body = "new" }, { mode = "new" })
      assert.equal("old", recorder:send({ url = HOST }).body)
      assert.equal("new", recorder:send({ url = HOST .. "/other" }).body)
      assert.equal("new", recorder:send({ url = HOST }).body)
      assert.same({ 2, 3 }, { #mock:requests(), #exchanges() })
      assert.equal("old", exchanges()[1].response.body)
    end)
  end)

  describe("all", function()
    it("lets all out, into a new file", function()
      recording({ body = "old" }):send { url = HOST }
      recording({ body = "new" }, { mode = "all" }):send { url = HOST .. "/x" }
      assert.equal(1, #exchanges())
      assert.equal("new", exchanges()[1].response.body)
    end)
  end)

  describe("finds the exchange", function()
    it("by method, URL and body, in the order of the file", function()
      local recorder = recording(function(request)
        return { body = request.method .. (request.body or "") }
      end)
      local requests = { { url = HOST }, { method = "POST", url = HOST, content = "a" },
        { method = "POST", url = HOST, content = "b" }, { method = "POST", url = HOST } }
      for _, request in ipairs(requests) do
        recorder:send(request)
      end
      local player = recording(nil, { mode = "none" })
      for index = #requests, 1, -1 do
        local request = requests[index]
        assert.equal((request.method or "GET") .. (request.content or ""),
          player:send(request).body)
      end
    end)

    it("once each, and says when they are used up", function()
      local recorder = recording { { body = "a" }, { body = "b" } }
      recorder:send { url = HOST }
      recorder:send { url = HOST }
      local player = recording()
      assert.equal("a", player:send({ url = HOST }).body)
      local copy = player:with_sender(viesti.MockSender()) -- goes on in the same file
      assert.equal("b", copy:send({ url = HOST }).body)
      refused(player, { url = HOST }, 'the 2 exchanges for it are used up in %s (mode = "once")')
    end)
  end)

  describe("keeps", function()
    it("bodies as text where they are UTF-8, and in Base64 where not", function()
      for body, kept in pairs { ["häh/\n\0"] = "body", ["\xff\xfe\0"] = "body_base64" } do
        os.remove(path)
        recording({ body = body }):send { method = "PUT", url = HOST, content = body }
        local exchange = exchanges()[1]
        assert.is_truthy(exchange.request[kept] and exchange.response[kept])
        local player = recording()
        assert.equal(body, player:send({ method = "PUT", url = HOST, content = body }).body)
      end
    end)

    it("header fields whose values are not UTF-8", function()
      recording({ headers = { A = "caf\xe9" } }):send { url = HOST }
      assert.equal("caf\xe9", recording():send({ url = HOST }).headers.A)
    end)

    it("errors, which are new objects and say the same", function()
      local recorder = recording { error = "timeout", message = "too slow" }
      local _, first = recorder:send { method = "POST", url = HOST }
      local _, second = recording():send { method = "POST", url = HOST }
      assert.not_equal(first, second)
      for _, name in ipairs { "kind", "message", "sent", "timeout", "retryable" } do
        assert.equal(first[name], second[name])
      end
      assert.equal(tostring(first), tostring(second))
    end)

    it("no errors of our own", function()
      recording(function() return nil, "mine" end):send { url = HOST }
      recording({ body = "half", error = "closed" }):send { url = HOST, stream = true }
      assert.is_nil(io.open(path))
    end)

    it("a file that people can read, a line for each exchange", function()
      recording({ body = "<a href='/x'>" }):send { url = HOST .. "/x" }
      assert.equal('{"viesti":"cassette","version":1}\n{"request":{"method":"GET",'
        .. '"url":"https://api.example.org/x"},"response":{"body":"<a href=\'/x\'>","reason":"",'
        .. '"status_code":200}}\n', read())
    end)

    it("no secrets, and finds the exchange by what is left of the request", function()
      local function request(secret)
        return { method = "POST", url = "https://me:" .. secret .. "@example.org/?token=" .. secret,
          headers = { Authorization = secret, Cookie = secret, ["X-Own"] = secret },
          secret_headers = { "X-Own" }, data = { client_secret = secret, pin = secret, a = "b" } }
      end
      local recorder = recording({ headers = { ["Set-Cookie"] = "hunter2" },
        content = { access_token = "hunter2", list = { { pin = "hunter2" } }, b = 1 } },
        { secrets = { "pin" } })
      assert.equal("hunter2", recorder:send(request "hunter2").content.access_token)
      assert.is_nil(read():find "hunter2")
      local response = recording(nil, { secrets = { "pin" } }):send(request "hunter3")
      assert.same({ "REDACTED", 1 }, { response.content.access_token, response.content.b })
    end)
  end)

  describe("of a stream", function()
    it("records the whole body, and streams it then and later", function()
      local body = ("0123456789"):rep(10000)
      for _, answer in ipairs { { body = body }, {} } do
        local response = recording(answer):send { url = HOST, stream = true }
        assert.is_true(response.streamed)
        assert.is_true(streams.rest_of(response) == body)
      end
      assert.is_true(recording():send({ url = HOST }).body == body)
    end)

    it("records where it broke off", function()
      for _, answer in ipairs { { body = "half", error = "truncated" }, {} } do
        local response = recording(answer):send { url = HOST, stream = true }
        local bytes, err = streams.read_all(response)
        assert.same({ "half", "truncated" }, { bytes, err.kind })
      end
      local _, err = recording():send { url = HOST }
      assert.equal("truncated", err.kind)
    end)

    it("takes no more of it than it may", function()
      local recorder = recording({ body = ("x"):rep(100) }, { max_body = 99 })
      local _, err = recorder:send { url = HOST, stream = true }
      assert.same({ "too_large", "the body is larger than max_body = 99" },
        { err.kind, err.message })
      assert.is_nil(io.open(path))
    end)
  end)

  it("takes a damaged file for what it is, in one sentence", function()
    local function damaged(sentence, ...)
      write(...)
      local ok, raised = pcall(function() local _ = RecordingSender { path = path } end)
      assert.is_false(ok)
      assert.equal("RecordingSender: " .. path .. sentence, (raised:gsub("^[^:]*:%d+: ", "")))
    end
    local GET = '"request":{"method":"GET","url":"https://example.org/"}'
    damaged(" is damaged: line 2: it is no JSON object: Expected the end but found T_OBJ_END "
      .. "at character 3", "{}}")
    damaged(" is damaged: line 2: it is no JSON object", "7")
    damaged(" is damaged: line 2: exchange: request is missing, it must be a table", "{}")
    damaged(" is damaged: line 3: there is neither a response nor an error",
      "{", GET, ',"error":{"kind":"reset","message":"x","sent":"no"}}\n{', GET, "}\n")
    damaged(" is damaged: line 2: response: status_code must be an integer from 100 to 999, got 7",
      "{", GET, ',"response":{"status_code":7}}')
    damaged(" is damaged: line 2: response: body_base64 is none, or there is a body as well",
      "{", GET, ',"response":{"status_code":200,"body_base64":"a"}}')
    damaged(" is damaged: line 2: response: headers: item 1 of the list must be a pair "
      .. '{ name, value }, got "a"', "{", GET, ',"response":{"status_code":200,"headers":["a"]}}')
    damaged(" is damaged: line 2: there is no kind 'oops'",
      "{", GET, ',"error":{"kind":"oops","message":"x","sent":"no"}}')
    local file = assert(io.open(path, "w"))
    file:write("os.execute('false')"):close()
    local _, raised = pcall(RecordingSender, { path = path })
    assert.matches("RecordingSender: " .. path .. " is no cassette of this version", raised, 1,
      true)
  end)

  it("leaves the file whole where there is no room for an exchange", function()
    local output = fresh_lua(([[
      local viesti = require "viesti"
      local sender = viesti.RecordingSender { path = %q, sender = viesti.MockSender { routes = {
        { url = "http://a/", answer = { body = "small" } },
        { url = "http://b/", answer = { body = ("large"):rep(20000) } } } } }
      sender:send { url = "http://a/" }
      print((pcall(sender.send, sender, { url = "http://b/" })))
    ]]):format(path), [[sh -c 'trap "" XFSZ; ulimit -f 16; exec "$@"' sh]])
    assert.equal("false", output)
    assert.equal("small", RecordingSender({ path = path }):send({ url = "http://a/" }).body)
  end)

  it("says that the file cannot be written", function()
    path = "/nowhere/x.jsonl"
    local recorder = recording()
    local _, raised = pcall(function() local _ = recorder:send { url = HOST } end)
    assert.matches("^spec/recording_sender_spec.lua:%d+: RecordingSender: /nowhere/x.jsonl: "
      .. "No such file or directory$", raised)
  end)
end)

for _, way in ipairs(ways) do
  describe("RecordingSender over " .. way.name, function()
    local server = fixture.origin()
    local promise = way:promises { timeout = 5 }

    promise("answers out of its file as the wire did", function(inner)
      local path = os.tmpname()
      os.remove(path)
      local dead = "http://127.0.0.1:" .. free_port()
      server:route("/x", { { status = 404, chunked = true, body = "hello" }, { drip = { bytes = 1,
        interval = 0.001 }, body = "world" }, { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
        .. "B c: d\r\n\r\n01", close = true } })
      local function told()
        local sender = RecordingSender { path = path, sender = inner }
        local response = sender:send { url = server.url .. "/x" }
        local stream = sender:send { url = server.url .. "/x", stream = true }
        local half, cut = streams.read_all(sender:send { url = server.url .. "/x", stream = true })
        local _, err = sender:send { url = dead }
        return { response.status_code, response.reason, response.body, streams.rest_of(stream),
          half, cut.kind, err.kind, err.sent, err.retryable }
      end
      local first = told()
      assert.same({ 404, "Not Found", "hello", "world", "01", "truncated", "connect", "no", true },
        first)
      assert.same(first, told())
      assert.equal(3, server:count("/x"))
      os.remove(path)
    end)
  end)
end
