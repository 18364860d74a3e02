-- What every concrete sender promises on the wire, whichever way it waits: a list of
-- { promise, function(sender, origin, nginx) }, with `options` for the sender where a case needs
-- some. Every case gets a new sender and an origin without routes.

local assert = require("luassert")
local header_list = require("spec.support.header_list")
local viesti = require("viesti")

local every_byte = {}
for code = 0, 255 do
  every_byte[#every_byte + 1] = string.char(code)
end
every_byte = table.concat(every_byte)

local cases = {}

local function promise(text, check, options)
  cases[#cases + 1] = { text, check, options = options }
end

-- What the origin saw of one request sent.
local function seen(sender, origin, request)
  request.url = request.url or origin.url .. "/echo"
  assert.equal(200, assert(sender:send(request)).status_code)
  local requests = origin:requests()
  return requests[#requests]
end

promise("sends a GET with its headers in order, repeated ones too", function(sender, origin)
  local request = seen(sender, origin, {
    headers = { { "X-One", "1" }, { "x-two", { "a", "b" } }, { "X-Empty", "" } },
  })
  assert.same({ "GET", "/echo", "HTTP/1.1", "" },
    { request.method, request.target, request.version, request.body })
  assert.equal("127.0.0.1:" .. origin.port, request.header("Host"))
  assert.same({ "a", "b" }, header_list.get_all(request.headers, "x-two"))
  assert.same({ "1", "" }, { request.header("X-One"), request.header("X-Empty") })
  assert.is_truthy(request.head:find("X-One: 1\r\nx-two: a\r\nx-two: b\r\n", 1, true))
end)

promise("sends a field whose value is blank, as an empty one", function(sender, origin)
  local request = seen(sender, origin, { headers = { { "X-Blanks", "  " }, { "X-Tab", "\t" } } })
  assert.same({ "", "" }, { request.header("X-Blanks"), request.header("X-Tab") })
end)

promise("names itself as User-Agent unless told otherwise", function(sender, origin)
  assert.equal("viesti/" .. viesti.VERSION, seen(sender, origin, {}).header("User-Agent"))
  assert.equal("me", seen(sender, origin, { headers = { ["user-agent"] = "me" } })
    .header("User-Agent"))
end)

promise("adds params to the URL's own query, encoded, in a stable order", function(sender, origin)
  local request = seen(sender, origin, {
    url = origin.url .. "/echo?q=0#part",
    params = { b = { 1, 2 }, a = "x y&=\u{e4}", c = true },
  })
  assert.equal("/echo?q=0&a=x%20y%26%3D%C3%A4&b=1&b=2&c=true", request.target)
end)

promise("posts a form", function(sender, origin)
  local request = seen(sender, origin, { method = "POST", data = { b = 1, a = "x &y" } })
  assert.same({ "POST", "a=x%20%26y&b=1" }, { request.method, request.body })
  assert.equal("application/x-www-form-urlencoded", request.header("Content-Type"))
  assert.equal("14", request.header("Content-Length"))
end)

promise("posts JSON", function(sender, origin)
  local request = seen(sender, origin, { method = "post", json = { list = { 1, 2.5 }, a = "\n" } })
  assert.same({ "POST", [[{"a":"\n","list":[1,2.5]}]] }, { request.method, request.body })
  assert.same({ "application/json" }, header_list.get_all(request.headers, "Content-Type"))
end)

promise("posts raw bytes, all of them, under the type the caller names", function(sender, origin)
  local request = seen(sender, origin, {
    method = "POST", content = every_byte, headers = { ["content-type"] = "image/x" },
  })
  assert.equal(every_byte, request.body)
  assert.same({ "image/x" }, header_list.get_all(request.headers, "Content-Type"))
  assert.is_nil(seen(sender, origin, { method = "POST", content = "x" }).header("Content-Type"))
end)

promise("sends a large body without asking for leave first", function(sender, origin)
  local request = seen(sender, origin, { method = "POST", content = ("y"):rep(3000000) })
  assert.equal(3000000, #request.body)
  assert.is_nil(request.header("Expect"))
end)

promise("sends PUT, PATCH, DELETE and methods of others, with a body and without",
  function(sender, origin)
    for _, method in ipairs({ "PUT", "PATCH", "DELETE", "REPORT" }) do
      local request = seen(sender, origin, { method = method, content = "body" })
      assert.same({ method, "body" }, { request.method, request.body })
    end
    local lengths = { PUT = "0", PATCH = "0", POST = "0" }
    for _, method in ipairs({ "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "GET" }) do
      local request = seen(sender, origin, { method = method })
      assert.same({ method, "" }, { request.method, request.body })
      assert.equal(lengths[method], request.header("Content-Length"))
    end
  end)

promise("sends HEAD, and keeps the headers of a body that does not come", function(sender, origin)
  local response = assert(sender:send({ method = "HEAD", url = origin.url .. "/json" }))
  assert.same({ 200, "" }, { response.status_code, response.body })
  assert.is_true(tonumber(response.headers["content-length"]) > 0)
  assert.equal("HEAD", origin:requests()[1].method)
  assert.equal("GET", seen(sender, origin, {}).method)
end)

promise("decodes a JSON response", function(sender, origin)
  local content = assert(sender:send({ url = origin.url .. "/json" })).content
  assert.same({ name = "viesti", count = 3, ratio = 0.5, big = 9007199254740993,
    list = { 1, 2, 3 }, nested = { ok = true } }, content)
  assert.equal("integer", math.type(content.count))
end)

promise("takes any bytes as a body, framed by length, chunks or the end", function(sender, origin)
  for _, answer in ipairs({ {}, { chunked = 7 }, { raw = "HTTP/1.1 200 OK\r\n\r\n" .. every_byte,
    close = true } }) do
    answer.body = every_byte
    origin:route("/bytes", answer)
    local response = assert(sender:send({ url = origin.url .. "/bytes" }))
    assert.equal(every_byte, response.body)
    assert.is_nil(response.content)
  end
end)

promise("gives any status as a response and follows no redirect", function(sender, origin, nginx)
  for _, code in ipairs({ 204, 302, 304, 404, 429, 500, 503 }) do
    local response = assert(sender:send({ url = nginx.url .. "/status/" .. code }))
    assert.equal(code, response.status_code)
  end
  assert.equal(799, assert(sender:send({ url = origin.url .. "/status/799" })).status_code)
end)

promise("uses one connection again and again", function(sender, origin, nginx)
  local before = nginx:connections()
  for number = 1, 10 do
    local response = assert(sender:send({ url = nginx.url .. "/static/text.txt" }))
    assert.equal(number > 1, response.reused)
  end
  assert.equal(1, nginx:connections() - before)
  for _ = 1, 3 do
    seen(sender, origin, { method = "POST", content = "x" })
  end
  assert.equal(1, origin:connections())
end)

promise("opens a new connection where the server closed the old one", function(sender, origin)
  origin:route("/closing", { body = "x", close = true })
  for _ = 1, 2 do
    assert.equal("x", assert(sender:send({ url = origin.url .. "/closing" })).body)
  end
  assert.equal(2, origin:connections())
end)

promise("asks for gzip and undoes it", function(sender, _, nginx)
  local plain = assert(sender:send({ url = nginx.url .. "/static/text.txt" }))
  local response = assert(sender:send({ url = nginx.url .. "/gzip/text.txt" }))
  assert.is_true(#plain.body > 1000)
  assert.same({ plain.body, "gzip" }, { response.body, response.encoding })
  assert.is_nil(plain.encoding)
  assert.is_nil(response.headers["Content-Encoding"])
  assert.is_nil(response.headers["Content-Length"])
end)

promise("leaves a body as it is coded where decode is false", function(sender, _, nginx)
  local response = assert(sender:send({
    url = nginx.url .. "/gzip/text.txt", headers = { ["Accept-Encoding"] = "gzip" },
  }))
  assert.equal("\x1f\x8b", response.body:sub(1, 2))
  assert.equal("gzip", response.headers["Content-Encoding"])
end, { decode = false })

promise("passes over 1xx answers to the final one", function(sender, origin)
  origin:route("/early", { raw = "HTTP/1.1 100 Continue\r\n\r\n"
    .. "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-A: hint\r\n\r\n"
    .. "HTTP/1.1 200 Fine\r\nX-A: final\r\nContent-Length: 2\r\n\r\nok" })
  local response = assert(sender:send({ url = origin.url .. "/early" }))
  assert.same({ 200, "Fine", "ok", "final" },
    { response.status_code, response.reason, response.body, response.headers["X-A"] })
  assert.is_nil(response.headers["Link"])
end)

promise("ends after its timeout, with the whole exchange counted", function(sender, origin)
  origin:route("/hang", { hang = true })
  origin:route("/drip", { body = ("x"):rep(1000), drip = { bytes = 10, interval = 0.02 } })
  for _, path in ipairs({ "/hang", "/drip" }) do
    local started = sender:now()
    local response, err = sender:send({ url = origin.url .. path })
    local elapsed = sender:now() - started
    assert.is_nil(response)
    assert.same({ "timeout", "maybe", true }, { err.kind, err.sent, err.retryable })
    assert.is_true(elapsed >= 0.14 and elapsed < 1, "took " .. elapsed)
  end
end, { timeout = 0.15 })

promise("ends when nothing comes for idle_timeout, but not while bytes do", function(sender, origin)
  origin:route("/slow", { body = ("x"):rep(30), drip = { bytes = 8, interval = 0.1 } })
  origin:route("/hang", { raw = "HTTP/1.1 200 OK\r\n", hang = true })
  assert.equal(30, #assert(sender:send({ url = origin.url .. "/slow" })).body)
  local started = sender:now()
  local _, err = sender:send({ url = origin.url .. "/hang" })
  assert.equal("timeout", err.kind)
  assert.is_true(sender:now() - started < 3)
end, { idle_timeout = 1 })

promise("is over after close, which may be called twice", function(sender, origin)
  seen(sender, origin, {})
  sender:close()
  sender:close()
  local response, err = sender:send({ url = origin.url .. "/echo" })
  assert.is_nil(response)
  assert.same({ "closed", "no", false }, { err.kind, err.sent, err.retryable })
  assert.is_true(sender.session:is_closed())
  assert.equal(1, origin:count("/echo"))
end)

promise("never repeats a POST by itself, not even on a kept connection that died",
  function(sender, origin)
    for _, body in ipairs({ "x", "" }) do
      origin:reset()
      origin:route("/once", { { body = "fine" }, { close = true }, { body = "twice" } })
      assert(sender:send({ method = "POST", url = origin.url .. "/once", content = body }))
      sender:send({ method = "POST", url = origin.url .. "/once", content = body })
      assert.equal(2, origin:count("/once"))
    end
  end)

promise("repeats what is idempotent where a kept connection had died, however often that happens",
  function(sender, origin)
    for _, request in ipairs({ { method = "GET" }, { method = "PUT", content = "x" },
      { method = "PUT", multipart = { a = "x" } } }) do
      request.url = origin.url .. "/dying"
      for _ = 1, 7 do
        origin:route("/dying", { { body = "fine" }, { close = true }, { body = "again" } })
        assert.equal("fine", assert(sender:send(request)).body)
        assert.equal("again", assert(sender:send(request)).body)
      end
    end
    assert.equal(7 * 3 * 3, origin:count("/dying"))
  end)

return cases
