local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local Request = viesti.Request
local url = "http://host/path"

local function fields_of(request)
  local list = {}
  for name, value in pairs(request.headers) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

describe("Request", function()
  it("reads back every field of the reference", function()
    local request = Request({ method = "POST", url = url, params = { a = 1 },
      headers = { X = "y" }, json = { b = { 2 } } })
    assert.same({ "POST", "http://host/path?a=1", { a = 1 }, { b = { 2 } }, '{"b":[2]}' },
      { request.method, request.url, request.params, request.json, request.body })
    assert.same({ "y", "application/json" },
      { request.headers["x"], request.headers["Content-Type"] })
    local form = Request({ method = "POST", url = url, data = { a = "1" } })
    assert.same({ { a = "1" }, "a=1" }, { form.data, form.body })
    local raw = Request({ method = "POST", url = url, content = "raw" })
    assert.same({ "raw", "raw" }, { raw.content, raw.body })
  end)

  it("takes the reference's arguments in its order", function()
    local request = Request("PUT", url, { a = 1 }, { X = "y" }, nil, nil, "raw")
    assert.same({ "PUT", "http://host/path?a=1", "y", "raw" },
      { request.method, request.url, request.headers["X"], request.body })
  end)

  -- Texts, numbers and tables of such are read by the core, all else by request.lua: a list of
  -- secret headers, say.
  describe("of what the core reads by itself", function()
    local many = {}
    for number = 1, 20 do
      many["name" .. number] = number
    end
    local list = viesti.array({})
    local cases = {
      { params = { c = "\u{e4} &=", b = true, a = 1.5, ["a\0b"] = 1, ["a\0a"] = -2 } },
      { params = { { "z", 1 }, { "a", false }, { "z", "2" } }, headers = { A = "1", B = 2 } },
      { params = {}, timeout = 3 },
      { params = many },
      { method = "POST", json = false },
      { method = "POST", json = {} },
      { method = "POST", json = { 1, { b = viesti.null, a = list }, "x/y" } },
      { method = "PUT", json = many, params = { a = 1 }, headers = { { "B", "1" }, { "A", 2 } } },
      { method = "POST", json = 1e15, headers = { ["content-type"] = "a/json" } },
      { method = "POST", data = { b = 2, a = "1 2", c = false } },
      { method = "POST", data = {}, headers = { ["Content-Type"] = "a/form", A = "1" } },
      { method = "POST", data = { { "b", 1 }, { "a", 2 } }, deadline = 9 },
      { method = "POST", content = "", headers = { A = "1" } },
      { method = "PATCH", content = "raw", params = { a = 1 } },
      { method = "POST", idempotent = true, json = 1 },
      { method = "POST", idempotent = false, stream = false },
      { stream = true },
    }

    local function seen(request)
      local read = { fields = fields_of(request), repeats = request:is_idempotent() }
      for _, name in ipairs({ "method", "url", "body", "params", "data", "json", "content",
        "timeout", "deadline", "stream", "idempotent" }) do
        read[name] = request[name]
      end
      return read
    end

    local function all_seen(options)
      local request = Request(options)
      local moved = request:with({ url = "http://other/", params = { a = 7 } })
      local typed = request:with({ headers = { ["Content-Type"] = "b/c", Z = "1" } })
      local posted = request:with({ method = "POST", data = { q = 1 } })
      return { seen(request), seen(moved), seen(typed), seen(posted) }
    end

    it("it makes the same as request.lua", function()
      for _, options in ipairs(cases) do
        options.url = "http://host/path?x=1#part"
        local short = all_seen(options)
        options.secret_headers = {}
        assert.same(all_seen(options), short)
        options.secret_headers = nil
      end
    end)

    it("it refuses nothing by itself, and takes nothing that request.lua refuses", function()
      local wrong = {
        { params = { { "a", 1 }, "b" } }, { params = { [1.5] = "a" } }, { params = { a = print } },
        { params = { { "a", 1, 2 } } }, { headers = { A = true } }, { headers = { ["A B"] = 1 } },
        { method = "POST", json = { 1, nil, 3 } }, { method = "POST", json = { print } },
        { method = "POST", json = 1, data = {} }, { method = "POST", json = 1, content = "" },
        { method = "POST", content = "", data = {} },
        { method = "POST", data = { a = {}, b = print } },
        { json = 1 }, { data = {} }, { content = "" }, { method = "POST", json = "\xff" },
        { stream = 1 }, { idempotent = "yes" },
      }
      for _, options in ipairs(wrong) do
        options.url = url
        local _, short = pcall(Request, options)
        options.secret_headers = {}
        local _, long = pcall(Request, options)
        assert.equal("string", type(short))
        assert.equal(long:gsub("^.-: ", "", 1), (short:gsub("^.-: ", "", 1)))
      end
    end)

    it("it keeps copies, of which each reader has his own", function()
      local given = { a = 1, deep = { 1, 2 } }
      local pairs_given = { { "a", 1 } }
      local request = Request({ method = "POST", url = url, json = given, params = pairs_given })
      given.deep[1], pairs_given[1][2] = 9, 9
      assert.same({ { a = 1, deep = { 1, 2 } }, { { "a", 1 } } }, { request.json, request.params })
      request.json.deep[1], request.params[1][2] = 9, 9
      assert.same({ { a = 1, deep = { 1, 2 } }, { { "a", 1 } } }, { request.json, request.params })
    end)

    it("it is sent as it was, whatever JSON of an object does to its options", function()
      local options = { method = "POST", url = "http://" .. ("h"):rep(50) .. "/",
        headers = { A = ("a"):rep(50) } }
      options.json = setmetatable({}, { __pairs = function()
        options.url, options.headers.A, options.headers = nil, nil, nil
        collectgarbage()
        return next, { a = true }
      end, __index = function() return 1 end })
      local request = Request(options)
      assert.same({ "http://" .. ("h"):rep(50) .. "/", '{"a":1}', ("a"):rep(50) },
        { request.url, request.body, request.headers.A })
    end)
  end)

  it("is a GET without a body, headers or params unless told otherwise", function()
    local request = Request({ url = url })
    assert.same({ "GET", url, 0 }, { request.method, request.url, #request.headers })
    assert.is_nil(request.body or request.params or request.data or request.json
      or request.content)
  end)

  it("has a method with its body, be it GET, and is refused without one", function()
    local refusal = 'Request: a body needs a method, "POST" say'
    local bodies = { json = { 1 }, data = {}, content = "", multipart = { a = "1" } }
    for name, value in pairs(bodies) do
      assert.has_error(function() Request({ url = url, [name] = value }) end, refusal)
      assert.has_error(function() viesti.MockSender():send({ url = url, [name] = value }) end,
        refusal)
      assert.equal("GET", Request({ method = "get", url = url, [name] = value }).method)
    end
  end)

  it("writes methods in upper case", function()
    assert.equal("DELETE", Request({ method = "delete", url = url }).method)
  end)

  it("prints as what it asks for", function()
    assert.equal("Request(GET http://host/path?a=1)", tostring(Request({ url = url,
      params = { a = 1 } })))
  end)

  it("normalises its URL", function()
    local cases = {
      ["HTTP://Host"] = "http://host/",
      ["http://host:80/a"] = "http://host/a",
      ["https://host:443/a"] = "https://host/a",
      ["http://host:8080"] = "http://host:8080/",
      ["http://host/a#part"] = "http://host/a",
      ["http://host/\u{e4}"] = "http://host/%c3%a4",
      ["http://host/a/../b/./c"] = "http://host/b/c",
      ["http://host/%7Ea?x=%20"] = "http://host/%7Ea?x=%20",
    }
    for given, normal in pairs(cases) do
      assert.equal(normal, Request({ url = given }).url)
    end
  end)

  describe("with params", function()
    local function query(params, base)
      return (Request({ url = base or url, params = params }).url:gsub("^[^?]*", ""))
    end

    it("adds them to the query of the URL, keeping what was there", function()
      assert.equal("?q=1&a=2", query({ a = 2 }, url .. "?q=1"))
      assert.equal("?q=1&a=2", query({ a = 2 }, url .. "?q=1&"))
      assert.equal("?a=2", query({ a = 2 }, url .. "?"))
      assert.equal("?q=1", query({}, url .. "?q=1"))
      assert.equal("?q=1&a=2", query({ a = 2 }, url .. "?q=1#part?x=y"))
    end)

    it("sorts a table by name and keeps the order of a list of pairs", function()
      assert.equal("?a=1&b=2&c=3", query({ c = 3, a = 1, b = 2 }))
      assert.equal("?c=3&a=1&c=4", query({ { "c", "3" }, { "a", 1 }, { "c", 4 } }))
    end)

    it("repeats a name with a list of values", function()
      assert.equal("?a=1&a=2&b=3", query({ a = { 1, 2 }, b = 3, c = {} }))
    end)

    it("writes numbers with all their digits, whole ones without a point, as json does", function()
      for number, text in pairs({ [2.0 ^ 53] = "9007199254740992", [0.1] = "0.1", [3.0] = "3",
        [0.1 + 0.2] = "0.30000000000000004", [-1e15] = "-1000000000000000",
        [1e300] = "1e%2B300", [math.mininteger] = "-9223372036854775808" }) do
        assert.equal("?id=" .. text, query({ id = number }))
        assert.equal("id=" .. text, Request({ method = "POST", url = url, data = { id = number } })
          .body)
        assert.equal(("[%s]"):format((text:gsub("%%2B", "+"))),
          Request({ method = "POST", url = url, json = { number } }).body)
        assert.equal((text:gsub("%%2B", "+")),
          Request({ url = url, headers = { Id = number } }).headers.Id)
      end
      assert.equal("?id=inf", query({ id = math.huge }))
    end)

    it("writes numbers, booleans and any bytes", function()
      assert.equal("?a=1&b=1.5&c=true&d=&e=%00%0D%0A%26%3D%2B%20%FF~",
        query({ a = 1, b = 1.5, c = true, d = "", e = "\0\r\n&=+ \xff~" }))
    end)
  end)

  describe("with headers", function()
    it("keeps the order and the case of a list of pairs, repeated names too", function()
      assert.same({ "b=1", "A=2", "B=3" },
        fields_of(Request({ url = url, headers = { { "b", 1 }, { "A", 2 }, { "B", 3 } } })))
    end)

    it("sorts a table by name, and repeats a name with a list of values", function()
      assert.same({ "A=1", "B=2", "B=3" },
        fields_of(Request({ url = url, headers = { B = { 2, 3 }, A = 1 } })))
    end)

    it("takes the headers of another request or response", function()
      local other = Request({ url = url, headers = { { "b", 1 }, { "A", 2 } } })
      assert.same({ "b=1", "A=2" }, fields_of(Request({ url = url, headers = other.headers })))
    end)
  end)

  describe("with a header that is false", function()
    local server = fixture.origin()

    local function sent(request)
      local sender <close> = viesti.SyncSender()
      return assert(sender:send(request)).content.headers
    end

    it("sends no such field, though the session or libcurl would add it", function()
      local echo = server.url .. "/echo"
      local names = { "user-agent", "accept", "accept-encoding" }
      for _, name in ipairs(names) do
        assert.is_truthy(sent({ url = echo })[name], name)
        assert.is_nil(sent({ url = echo, headers = { [name] = false } })[name], name)
        assert.is_nil(sent({ url = echo, headers = { { name, false }, { "X", "y" } } })[name], name)
      end
      assert.same({ host = { ("127.0.0.1:%d"):format(server.port) } }, sent({ url = echo,
        headers = { ["User-Agent"] = false, Accept = false, ["Accept-Encoding"] = false } }))
    end)

    it("sends it again with the next request", function()
      local sender <close> = viesti.SyncSender()
      local echo = server.url .. "/echo"
      assert(sender:send({ url = echo, headers = { ["User-Agent"] = false } }))
      local headers = assert(sender:send({ url = echo })).content.headers
      assert.same({ "viesti/" .. viesti.VERSION }, headers["user-agent"])
    end)

    it("sends a body without its type", function()
      local headers = sent({ method = "POST", url = server.url .. "/echo", json = { 1 },
        headers = { ["content-type"] = false } })
      assert.same({ nil, { "3" } }, { headers["content-type"], headers["content-length"] })
    end)

    it("keeps to it in copies, until they say otherwise, and behind a redirect", function()
      local echo = server.url .. "/echo"
      local base = Request({ url = echo, headers = { ["User-Agent"] = false, A = "1" } })
      assert.is_nil(sent(base:with({ headers = { B = "2" } }))["user-agent"])
      assert.is_nil(sent(base:with({ method = "POST", json = {} }))["user-agent"])
      assert.same({ "me" }, sent(base:with({ headers = { ["user-agent"] = "me" } }))["user-agent"])
      assert.is_nil(sent(Request({ url = echo }):with({ headers = { Accept = false } })).accept)
      server:route("/old", { status = 302, headers = { { "Location", "/echo" } } })
      local sender <close> = viesti.RedirectingSender()
      local response = assert(sender:send(base:with({ url = server.url .. "/old" })))
      assert.is_nil(response.content.headers["user-agent"])
      assert.same({ "1" }, response.content.headers.a)
    end)

    it("says so, and has it among its headers no more than on the wire", function()
      local request = Request({ url = url, headers = { B = false, A = "1" } })
      assert.same({ { "B" }, { "A=1" } }, { request.omitted, fields_of(request) })
      assert.is_nil(Request({ url = url }).omitted)
    end)

    it("is refused what every request has, and what it says itself", function()
      local cases = {
        [{ Host = false }] = "headers: Host cannot be left out",
        [{ cookie = false }] = "headers: cookie cannot be left out",
        [{ ["Content-Length"] = false }] =
          "the header 'Content-Length' is derived from the body and cannot be given",
        [{ { "A", "1" }, { "a", false } }] = 'headers: "a" is given and left out',
      }
      for headers, message in pairs(cases) do
        assert.has_error(function() Request({ url = url, headers = headers }) end,
          "Request: " .. message)
      end
      assert.has_error(function()
        Request({ url = url, multipart = { a = "1" }, headers = { ["Content-Type"] = false } })
      end, "Request: headers: Content-Type cannot be left out")
    end)

    it("takes away what a copy cannot be without", function()
      local request = Request({ url = url, headers = { Host = "other", Cookie = "a=b" } })
      local copy = request:with({ headers = { host = false, cookie = false } })
      assert.same({ {}, nil }, { fields_of(copy), copy.omitted })
    end)

    it("is no other boolean", function()
      assert.has_error(function() Request({ url = url, headers = { A = true } }) end,
        'Request: headers: the value of "A" must be a string, a number, a list of them, or false '
        .. "for no such field, got true")
      assert.error_matches(function() viesti.Response({ headers = { A = false } }) end, "got false")
    end)
  end)

  describe("refuses before anything is sent", function()
    local server = fixture.origin()

    local function refused(message, options)
      local sender <close> = viesti.SyncSender()
      options.url = options.url or server.url .. "/echo"
      assert.has_error(function() Request(options) end, "Request: " .. message)
      assert.is_false((pcall(sender.send, sender, options)))
      assert.same({}, server:requests())
    end

    it("a URL that is none", function()
      assert.has_error(function() Request({}) end, "Request: url is missing, it must be a string")
      assert.has_error(function() Request({ url = 1 }) end, "Request: url must be a string, got 1")
      refused("the URL 'host/path' has no scheme (http or https)", { url = "host/path" })
      refused("the URL '' has no scheme (http or https)", { url = "" })
      refused("the URL '***@host/path' has no scheme (http or https)", { url = "me:pw@host/path" })
      refused("the URL '/data.json' has no scheme (http or https); it may be relative where a "
        .. "DefaultsSender with a base_url is outermost", { url = "/data.json" })
      for bad, shown in pairs({ ["http://host:99999/"] = "http://host:99999/",
        ["http://me:pw@host:99999/"] = "***@host:99999/" }) do
        assert.error_matches(function() Request({ url = bad }) end,
          ("Request: the URL '%s' is not valid: Port number"):format(shown), 1, true)
      end
      refused("the URL has a space (byte 14), which is written %20",
        { url = "http://host/a b" })
      refused("the URL has a control character (byte 12 is 0x0d)",
        { url = "http://host\r\nX: y/" })
      refused("the URL has a control character (byte 13 is 0x00)",
        { url = "http://host/\0" })
      for _, bad in ipairs({ "http://", "http:///path", "http://host:99999/", "http://host:x/",
        "http://[::1/", "http://ho%00st/" }) do
        assert.error_matches(function() Request({ url = bad }) end, "^.-Request: the URL ")
      end
    end)

    it("a URL of more than a mebibyte", function()
      local long = 1024 * 1024
      assert.equal(long, #Request({ url = url .. ("a"):rep(long - #url) }).url)
      refused("the URL is longer than 1048576 bytes", { url = url .. ("a"):rep(long - #url + 1) })
      refused("the URL is longer than 1048576 bytes", { params = { a = ("b"):rep(long) } })
    end)

    it("a scheme other than http and https", function()
      for _, scheme in ipairs({ "ftp", "file", "gopher", "HTTPX" }) do
        refused(("the URL's scheme is '%s', only http and https are allowed"):format(scheme),
          { url = scheme .. "://host/" })
      end
    end)

    it("two bodies", function()
      refused("data and json are both given, a request has one body", { data = {}, json = {} })
      refused("json and content are both given, a request has one body",
        { json = false, content = "" })
      refused("data and content are both given, a request has one body",
        { data = {}, content = "" })
    end)

    it("CR, LF and NUL in a header", function()
      for _, value in ipairs({ "a\r\nX: y", "a\n", "\r", "a\0b" }) do
        refused("the header 'A' must not have CR, LF or NUL in its value",
          { headers = { A = value } })
        refused("the header 'A' must not have CR, LF or NUL in its value",
          { headers = { A = { "fine", value } } })
      end
      for name, shown in pairs({ ["A\r\nB"] = "A??B", ["A\0"] = "A?", ["A B"] = "A B",
        ["A:"] = "A:", [""] = "", ["\u{e4}"] = "\u{e4}" }) do
        refused(("the name of the header '%s' may have letters, digits and !#$%%&'*+-.^_`|~ only")
          :format(shown), { headers = { [name] = "x" } })
      end
    end)

    it("CR, LF and NUL in the method", function()
      for method, shown in pairs({ ["GET / HTTP/1.1\r\nX: y"] = "GET / HTTP/1.1??X: Y",
        ["G\0"] = "G?", [""] = "", ["G T"] = "G T", [("G"):rep(99) .. " "] = ("G"):rep(60) }) do
        refused(("the method must be a token such as GET, got '%s'"):format(shown),
          { method = method })
      end
    end)

    it("a length or framing of the caller's own", function()
      for _, name in ipairs({ "Content-Length", "transfer-encoding" }) do
        refused(("the header '%s' is derived from the body and cannot be given"):format(name),
          { headers = { [name] = "1" } })
      end
    end)

    it("a body by the name that it has when it is read, with the one to give it by", function()
      refused('there is no option "body", did you mean \'content\'? (its options are method, url, '
        .. "params, headers, data, json, content, multipart, length, factory, timeout, deadline, "
          .. "idempotent, stream, on_progress, secret_headers, ttl)",
        { body = "x" })
    end)

    it("values of a type that is none", function()
      refused('params: the value of "a" must be a string, a number, true, false or a list of them, '
        .. "got a function", { params = { a = print } })
      refused('headers: item 2 of the list must be a pair { name, value }, got "x"',
        { headers = { { "A", "b" }, "x" } })
      refused("data: names must be strings, got true", { data = { [true] = 1 } })
      refused("json cannot hold a function", { json = { a = { print } } })
      assert.error_matches(function() Request({ url = url, content = 1 }) end,
        "Request: content must be a string.*, got 1$")
      refused("headers must be a table or Headers, got \"x\"", { headers = "x" })
      assert.error_matches(function() Request({ url = url, headers = io.stdout }) end,
        "Request: headers must be a table or Headers, got file")
    end)
  end)

  describe("is a value", function()
    it("that cannot be changed", function()
      local request = Request({ url = url, headers = { A = 1 } })
      assert.error_matches(function() request.url = "x" end,
        "a Request cannot be changed; request:with{ url = ... } makes a changed copy", 1, true)
      assert.error_matches(function() request.headers["A"] = "x" end, "Headers cannot be changed")
    end)

    it("that changes nothing of what the caller passed in, nor is changed by it", function()
      local options = { method = "POST", url = url, params = { a = { 1 } },
        headers = { A = { "b" } }, json = { list = { 1 } } }
      local request = Request(options)
      options.params.a[1], options.headers.A[1], options.json.list[1] = 2, "c", 2
      assert.same({ "http://host/path?a=1", "b", '{"list":[1]}', 1 }, { request.url,
        request.headers["A"], request.body, request.json.list[1] })
      request.json.list[1] = 3
      assert.equal(1, request.json.list[1])
      assert.same({ method = "POST", url = url, params = { a = { 2 } },
        headers = { A = { "c" } }, json = { list = { 2 } } }, options)
    end)
  end)

  describe("with{...}", function()
    local base = Request({ method = "PUT", url = url .. "?q=0", params = { a = 1, b = 2 },
      headers = { { "A", 1 }, { "B", 2 } }, json = { 1 } })

    it("copies all that it is not told to change", function()
      local copy = base:with({})
      assert.same({ base.method, base.url, base.body }, { copy.method, copy.url, copy.body })
      assert.same(fields_of(base), fields_of(copy))
      assert.same({ 1 }, copy.json)
    end)

    it("merges params and headers by name", function()
      local copy = base:with({ params = { b = 3, c = 4 }, headers = { a = 5 } })
      assert.equal("http://host/path?q=0&a=1&b=3&c=4", copy.url)
      assert.same({ "B=2", "a=5", "Content-Type=application/json" }, fields_of(copy))
      assert.equal("http://host/path?q=0&a=1&b=2", base.url)
    end)

    it("changes header fields alike, however they are given", function()
      for _, headers in ipairs({ { a = "5", C = "6" }, { a = 5, C = 6 },
        { { "C", "6" }, { "a", 5 } }, { { "C", "6" }, { "a", "5" } },
        Request({ url = url, headers = { { "C", 6 }, { "a", 5 } } }).headers }) do
        local copy = base:with({ headers = headers })
        assert.same({ "B=2", "C=6", "a=5", "Content-Type=application/json" }, fields_of(copy))
        assert.same({ base.url, base.body, { 1 } }, { copy.url, copy.body, copy.json })
      end
      local typed = base:with({ headers = { ["content-type"] = "text/json" } })
      assert.same({ "A=1", "B=2", "content-type=text/json" }, fields_of(typed))
      assert.same({ "A=1", "B=2", "content-type=text/json", "D=4" },
        fields_of(typed:with({ headers = { D = "4" } })))
    end)

    it("changes times and the names of secrets, and keeps the rest that was given", function()
      local secrets = { "A" }
      local copy = base:with({ timeout = 1, deadline = 2.5, secret_headers = secrets })
      secrets[1] = "B"
      assert.same({ 1, 2.5, { "A" }, { a = 1, b = 2 }, { 1 } },
        { copy.timeout, copy.deadline, copy.secret_headers, copy.params, copy.json })
      local second = copy:with({ headers = { C = "3" } })
      assert.same({ 1, 2.5, { "A" } }, { second.timeout, second.deadline, second.secret_headers })
      assert.is_nil(base.secret_headers)
      assert.equal("http://g/?a=1&b=2", second:with({ url = "http://g/" }).url)
      local bare = Request({ url = url }):with({ secret_headers = { "A" } })
      assert.equal(url .. "?c=3", bare:with({ params = { c = 3 } }).url)
      assert.equal(0, base:with({ timeout = 1e9 }).timeout)
    end)

    it("lets go of the copies between the first and the last", function()
      local copies, copy = setmetatable({}, { __mode = "k" }), base
      for round = 1, 10 do
        copy = copy:with({ timeout = round }):with({ headers = { A = tostring(round) } })
        copies[copy] = true
      end
      collectgarbage()
      copies[copy] = nil
      assert.is_nil(next(copies))
      assert.same({ 10, "10", "2" }, { copy.timeout, copy.headers.a, copy.headers.b })
    end)

    it("keeps what it shows of a request that nobody else keeps", function()
      local copy = Request({ url = url, headers = { A = "1" } }):with({ timeout = 1 })
      collectgarbage()
      collectgarbage()
      assert.same({ url, "1" }, { copy.url, copy.headers.a })
      assert.same({ "A=1", "B=2" }, fields_of(copy:with({ headers = { B = "2" } })))
    end)

    it("goes to another URL with its params, and remembers both", function()
      local copy = base:with({ url = "http://g/?z=0", params = { b = {}, c = "x y" },
        headers = { B = "3" }, timeout = 4 })
      assert.equal("http://g/?z=0&a=1&c=x%20y", copy.url)
      assert.same({ { "a", "1" }, { "c", "x y" } }, copy.params)
      assert.same({ "A=1", "B=3", "Content-Type=application/json" }, fields_of(copy))
      assert.same({ "PUT", "[1]", 4, { 1 } }, { copy.method, copy.body, copy.timeout, copy.json })
      local last = copy:with({ params = { { "a", "2" }, { "a", "3" } } })
      assert.equal("http://g/?z=0&c=x%20y&a=2&a=3", last.url)
      assert.equal("http://h/?c=x%20y&a=2&a=3", last:with({ url = "HTTP://h" }).url)
      assert.equal("http://g/?z=0&a=1&c=x%20y", copy.url)
    end)

    it("refuses what it would refuse in a first request", function()
      for sentence, changes in pairs({
        ["timeout must be a number of 0 or more"] = { timeout = -1 },
        ["deadline must be a number"] = { deadline = "soon" },
        ["secret_headers must be a list of strings"] = { secret_headers = { 1 } },
        ["is derived from the body"] = { headers = { ["Content-Length"] = "1" } },
        ["must not have CR"] = { headers = { { "A", "\r" } } },
        ["must be a pair"] = { headers = { { "A" } } },
        ["may have letters"] = { headers = { [""] = "1" } },
        ["url must be a string"] = { url = 1 },
        ["params must be a table"] = { params = "a=1" },
        ["the value of \"a\" must be"] = { params = { a = print } },
        ["ftp"] = { url = "ftp://h/" },
        ["is one too many, or too large"] = { headers = { A = ("a"):rep(256 * 1024) } },
      }) do
        assert.error_matches(function() base:with(changes) end, sentence)
      end
    end)

    it("replaces the body, and its type with it", function()
      local copy = base:with({ data = { x = 1 } })
      assert.same({ "x=1", "application/x-www-form-urlencoded" },
        { copy.body, copy.headers["Content-Type"] })
      assert.is_nil(copy.json)
      assert.is_nil(base:with({ content = "raw" }).headers["Content-Type"])
    end)

    it("has a method for the body that it gives to a GET without one", function()
      local get = Request({ url = url })
      assert.has_error(function() get:with({ json = {} }) end,
        'Request: a body needs a method, "POST" say')
      assert.equal("POST", get:with({ method = "POST", json = {} }).method)
      local search = get:with({ method = "GET", json = {} })
      assert.equal("GET", search:with({ json = { 1 } }).method)
    end)

    it("replaces method and URL", function()
      local copy = base:with({ method = "POST", url = "http://other/" })
      assert.same({ "POST", "http://other/?a=1&b=2" }, { copy.method, copy.url })
    end)

    it("refuses what a Request would", function()
      assert.error_matches(function() base:with({ headres = {} }) end, "did you mean 'headers'")
      assert.error_matches(function() base:with({ headers = { A = "\n" } }) end, "must not have CR")
      assert.error_matches(function() base:with("x") end, "request:with needs a table of options")
    end)
  end)

  it("says which methods may be repeated", function()
    local idempotent = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true,
      TRACE = true, POST = false, PATCH = false, OTHER = false }
    for method, expected in pairs(idempotent) do
      assert.equal(expected, Request({ method = method, url = url }):is_idempotent())
    end
  end)

  it("takes fields and params away where a copy gives them no values", function()
    local request = require("viesti").Request({ url = "http://h/", params = { a = 1, b = 2 },
      headers = { A = "1", B = "2" } })
    local copy = request:with({ params = { a = {} }, headers = { b = {}, C = "3" } })
    assert.equal("http://h/?b=2", copy.url)
    assert.same({ "1", nil, "3" }, { copy.headers.A, copy.headers.B, copy.headers.C })
    assert.is_nil(copy.omitted)
    assert.equal("http://h/?a=1&b=2", request.url)
    assert.equal("http://h/?a=1&b=2", request:with({ params = { c = {} } }).url)
  end)

  it("means the same by false in a copy as when it is made: a param's value, a field left out",
    function()
      local given = { params = { a = false }, headers = { B = false } }
      local made = require("viesti").Request({ url = "http://h/", params = given.params,
        headers = given.headers })
      local copy = require("viesti").Request({ url = "http://h/", params = { a = true },
        headers = { B = "2" } }):with(given)
      for _, request in ipairs({ made, copy, made:with({}), made:with(given) }) do
        assert.equal("http://h/?a=false", request.url)
        assert.same({ "B" }, request.omitted)
        assert.is_nil(request.headers.B)
      end
    end)

  it("cannot be copied with a file that has been closed", function()
    local file <close> = assert(io.open("README.md"))
    local request = require("viesti").Request({ method = "PUT", url = "http://h/",
      content = file })
    file:close()
    assert.error_matches(function() request:with({}) end,
      "Request: the file in content has been closed$")
    assert.equal("x", request:with({ content = "x" }).body)
  end)

  it("has the function of its body in copies, which may say how long it is", function()
    local function content() end
    local request = require("viesti").Request({ method = "PUT", url = "http://h/",
      content = content })
    local copy = request:with({ length = 5 })
    assert.same({ content, 5, nil }, { copy.content, copy.length, request.length })
    assert.is_nil(request.source)
  end)

  it("has no method that changes it, nor one that hands out what it remembers", function()
    local request = require("viesti").Request({ method = "PUT", url = "http://h/",
      json = { a = 1 }, timeout = 5 })
    local methods = {}
    for name in pairs(require("viesti.core").Request) do
      methods[#methods + 1] = name
    end
    table.sort(methods)
    assert.same({ "from", "given_field", "is_idempotent", "is_replayable", "of_options",
      "open_source", "with" }, methods)
    request.json.a = 2
    assert.same({ { a = 1 }, 5 }, { request.json, request.timeout })
  end)

  it("is refused at the line that sends it", function()
    local sender = require("viesti").Client()
    local _, message = pcall(function() sender:send({ url = "nonsense" }) end)
    assert.matches("request_spec.lua", message)
    assert.error_matches(function() sender:send("http://h/") end,
      'must be a Request or a table of its options, got "http://h/", where { url = ... } was to be')
    local concrete = require("viesti").SyncSender()
    assert.error_matches(function() concrete.send({ url = "http://h/" }) end, "with a colon")
  end)
end)
