local viesti = require("viesti")
local origin = require("spec.support.origin")

local Response = viesti.Response

describe("Response", function()
  local server, sender

  setup(function()
    server, sender = origin.start(), viesti.SyncSender()
  end)

  teardown(function()
    sender:close()
    server:stop()
  end)

  before_each(function()
    server:reset()
  end)

  local function answered(answer)
    server:route("/x", answer)
    return assert(sender:send({ url = server.url .. "/x" }))
  end

  describe("off the wire", function()
    it("has the fields of the reference", function()
      local response = answered({ status = 201, headers = { { "A", "b" } }, json = { x = 1 } })
      assert.same({ server.url .. "/x", 201, "b", { x = 1 } },
        { response.url, response.status_code, response.headers["A"], response.content })
    end)

    it("says the bytes, the reason, the version and the time it took", function()
      local response = answered({ reason = "Rather Fine", json = { x = 1 }, delay = 0.03 })
      assert.same({ '{"x":1}', "Rather Fine", "1.1", false, 1 }, { response.body, response.reason,
        response.http_version, response.from_cache, #response.attempts })
      assert.is_true(response.elapsed >= 0.03 and response.elapsed < 1)
      local timings = response.timings
      assert.equal(timings.total, response.elapsed)
      assert.is_true(timings.first_byte >= 0.03 and timings.first_byte <= timings.total)
      assert.is_true(timings.dns >= 0 and timings.connect >= 0 and timings.tls == 0)
      assert.equal("1.0", answered({ raw = "HTTP/1.0 200 OK\r\n\r\n", close = true }).http_version)
    end)

    it("has an empty reason where the server gives none", function()
      assert.equal("", answered({ raw = "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n" }).reason)
    end)

    it("is empty where there is no body", function()
      local response = answered({ status = 204 })
      assert.equal("", response.body)
      assert.is_nil(response.content)
    end)
  end)

  describe("whole", function()
    it("is read piece by piece like a stream, each response for itself", function()
      local response = answered({ body = "0123456789" })
      assert.same({ "012", "3" }, { response:read(3), response:read(1) })
      local copy = response:annotated(nil, { note = 2 })
      assert.same({ "456789", nil }, { response:read() })
      assert.is_nil(response:read(1))
      assert.equal("0123456789", response.body)
      response:close()
      assert.equal("45", copy:read(2))
      assert.equal("made", Response({ body = "made" }):read(math.maxinteger))
      assert.is_nil(Response():read())
    end)

    it("has chunks as large as they are asked for, of what was not read", function()
      local response = answered({ body = "0123456789" })
      local function chunks(most)
        local list = {}
        for chunk in response:chunks(most) do
          list[#list + 1] = chunk
        end
        return list
      end
      assert.same({ "0123", "4567", "89" }, chunks(4))
      assert.same({ "0123456789" }, chunks())
      response:read(7)
      for _ = 1, 2 do
        assert.same({ "78", "9" }, chunks(2))
      end
      local next_chunk = response:chunks(math.maxinteger)
      assert.same({ "789", nil }, { next_chunk(), next_chunk(), next_chunk() })
    end)
  end)

  describe("content", function()
    it("is the decoded JSON, whole numbers as integers and null as nil", function()
      local content = answered({ body = '{"a":1,"b":1.0,"c":1.5,"d":null,"e":[1,null,2],'
        .. '"f":123456789012345678,"g":-7,"h":1e3}' }).content
      assert.same({ a = 1, b = 1, c = 1.5, e = { 1, nil, 2 }, f = 123456789012345678, g = -7,
        h = 1000 }, content)
      for _, name in ipairs({ "a", "b", "f", "g", "h" }) do
        assert.equal("integer", math.type(content[name]))
      end
    end)

    it("is decoded once", function()
      local response = answered({ body = '{"list":[]}' })
      assert.equal(response.content, response.content)
    end)

    it("is nil where the body is no JSON, which json() explains", function()
      for _, body in ipairs({ "", "text", "{", "[1,]", '{"a":1} x' }) do
        local response = answered({ body = body })
        assert.is_nil(response.content)
        local value, reason = response:json()
        assert.is_nil(value)
        assert.equal("string", type(reason))
      end
    end)

    it("shows null on request", function()
      local response = answered({ body = '{"a":null,"b":[null]}' })
      assert.same({ a = viesti.null, b = { viesti.null } },
        response:json({ null = viesti.null }))
      assert.same({ b = {} }, response:json())
    end)
  end)

  it("reads nil for a name that means nothing", function()
    local response = viesti.Response({ body = "{}" })
    assert.same({ nil, nil, "{}", {} },
      { response.anything, response[1], response.body, response.content })
  end)

  describe("raise_for_status", function()
    it("returns the response below 400", function()
      for _, status in ipairs({ 200, 204, 302, 399 }) do
        local response = answered({ status = status })
        assert.equal(response, response:raise_for_status())
      end
    end)

    it("raises an error that names status and URL from 400 on", function()
      local function raised(response)
        local _, err = pcall(response.raise_for_status, response)
        return err.message
      end
      assert.equal("404 Not Found for " .. server.url .. "/x", raised(answered({ status = 404 })))
      assert.equal("404 for http://***@h/a?b",
        raised(viesti.Response({ status_code = 404, url = "http://me:hush@h/a?b" })))
      assert.equal("503 for " .. server.url .. "/x",
        raised(answered({ status = 503, reason = " " })))
    end)

    it("raises an error that has the response, and prints with the line", function()
      local response = viesti.Response({ status_code = 503, url = "http://h/" .. ("x"):rep(300) })
      local _, err = pcall(function() response:raise_for_status() end)
      assert.same({ "status", response, "maybe", false },
        { err.kind, err.response, err.sent, err.retryable })
      assert.matches("^%S*response_spec.lua:%d+: 503 for http://h/x+$", tostring(err))
      local thread = coroutine.create(response.raise_for_status)
      local _, without_line = coroutine.resume(thread, response)
      assert.equal("503 for " .. response.url, tostring(without_line))
    end)
  end)

  it("knows success", function()
    for status, expected in pairs({ [200] = true, [299] = true, [304] = false, [404] = false }) do
      assert.equal(expected, Response({ status_code = status }):is_success())
    end
  end)

  it("reads Retry-After as seconds from a number or a date", function()
    local function wait(value, date)
      return Response({ headers = { ["Retry-After"] = value, Date = date } }):retry_after()
    end
    local date = "Tue, 15 Nov 1994 08:12:30 GMT"
    assert.same({ 7, 0, 1.5 }, { wait("7"), wait("0"), wait("1.5") })
    assert.equal(30, wait("Tue, 15 Nov 1994 08:13:00 GMT", date))
    assert.equal(30, wait("Tuesday, 15-Nov-94 08:13:00 GMT", date))
    assert.equal(30, wait("Tue Nov 15 08:13:00 1994", date))
    assert.equal(0, wait("Tue, 15 Nov 1994 08:00:00 GMT", date))
    assert.equal(0, wait("Tue, 15 Nov 1994 08:00:00 GMT"))
    for _, value in ipairs({ "", "-1", "soon", "1e9", "0x10", "1 2", "Tue, 99 Nov 1994" }) do
      assert.is_nil(wait(value))
    end
    assert.is_nil(Response({}):retry_after())
  end)

  it("is a value that cannot be changed", function()
    local response = answered({ headers = { { "A", "b" } } })
    assert.error_matches(function() response.status_code = 1 end,
      "a Response cannot be changed %(setting 'status_code'%)")
    assert.error_matches(function() response.headers["A"] = "c" end, "cannot be changed")
    assert.is_nil(response.no_such_field)
  end)

  it("refuses a name that a field has elsewhere, where nil would look like an answer", function()
    local response = answered({})
    for name, ours in pairs({ status = "status_code", text = "body", ok = "is_success()" }) do
      local ok, message = pcall(function() return response[name] end)
      assert.is_false(ok)
      assert.matches(("^spec/response_spec.lua:%%d+: a Response has no '%s', it has '%s'$")
        :format(name, ours:gsub("%p", "%%%0")), message)
    end
  end)

  it("prints as its status and URL", function()
    assert.equal(("Response(200 %s/x)"):format(server.url), tostring(answered({})))
  end)

  it("outlives its sender and its Session", function()
    local response, headers
    do
      local other <close> = viesti.SyncSender()
      response = assert(other:send({ url = server.url .. "/json" }))
      headers = response.headers
    end
    collectgarbage()
    collectgarbage()
    assert.equal("viesti", response.content.name)
    response = nil
    collectgarbage()
    collectgarbage()
    assert.equal("application/json", headers["Content-Type"], response)
  end)

  describe("made in Lua, for senders of one's own and for tests", function()
    it("takes all fields of another, even those that frame its body", function()
      local other = answered({ json = { x = 1 } })
      local copy = Response({ headers = other.headers, body = "another" })
      assert.equal("7", other.headers["Content-Length"])
      for name in pairs(other.headers) do
        assert.equal(other.headers[name], copy.headers[name])
      end
    end)

    it("takes the reference's arguments in its order", function()
      local response = Response("http://host/", { A = "b" }, 404, { x = 1 })
      assert.same({ "http://host/", "b", 404, { x = 1 }, '{"x":1}' }, { response.url,
        response.headers["a"], response.status_code, response.content, response.body })
    end)

    it("takes a body of bytes, a reason, and the headers of another", function()
      local first = Response({ body = "\0\xff", reason = "Yes", headers = { { "A", { 1, 2 } } } })
      local second = Response({ headers = first.headers })
      assert.same({ 200, "\0\xff", "Yes", { "1", "2" } }, { first.status_code, first.body,
        first.reason, second.headers:get_all("a") })
      assert.is_nil(first.http_version)
    end)

    it("collects what layers find out, without changing what they were given", function()
      local first = Response({}):annotated(nil, { history = {}, other = 1 })
      local second = first:annotated(true, { other = 2 })
      assert.same({ 1, 1, false }, { #first.attempts, first.other, first.from_cache })
      assert.same({ 0, 2, true }, { #second.attempts, second.other, second.from_cache })
      assert.same({}, second.history)
    end)

    it("shows no password in its URL", function()
      assert.equal("Response(200 http://***@h/)", tostring(Response({ url = "http://a:b@h/" })))
    end)

    it("refuses what cannot be one", function()
      local cases = {
        { { content = {}, body = "" },
          "Response: content and body are both given, a response has one body" },
        { { status_code = 99 },
          "Response: status_code must be an integer from 100 to 999, got 99" },
        { { content = print }, "Response: content cannot hold a function" },
        { { headers = { A = print } }, 'Response: headers: the value of "A" must be a string, '
          .. "a number or a list of them, got a function" },
        { { headers = { ["A"] = "b\nc" } },
          "the header 'A' must not have CR, LF or NUL in its value" },
      }
      for _, case in ipairs(cases) do
        assert.has_error(function() Response(case[1]) end, case[2])
      end
    end)
  end)
end)
