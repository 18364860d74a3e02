local viesti = require("viesti")
local error_cases = require("spec.support.error_cases")
local fixture = require("spec.support.fixture")
local origin = require("spec.support.origin")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local OK = "HTTP/1.1 200 OK\r\n"
local LENGTH = "Content-Length: 3\r\n\r\nabc"
local CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
local CHUNKS = "3\r\nabc\r\n0\r\n\r\n"
local OTHER = OK .. "Content-Length: 5\r\n\r\nother" -- an answer that nobody asked for

-- What a server may send that is odd, and still has one meaning: a list of { what, bytes, the
-- body, status, method }.
local odd = {
  { "trailers", OK .. CHUNKED .. "3\r\nabc\r\n0\r\nX-B: c\r\nContent-Length: 9\r\n\r\n" },
  { "chunk extensions", OK .. CHUNKED .. "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n" },
  { "chunks that end in LF alone", OK .. CHUNKED .. "3\nabc\n0\n\n" },
  { "chunks beside a length, which they overrule", OK .. "Content-Length: 9\r\n" .. CHUNKED
    .. CHUNKS },
  { "chunks before a length", OK .. CHUNKED:gsub("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n")
    .. CHUNKS },
  { "one length twice", OK .. "Content-Length: 3\r\n" .. LENGTH },
  { "a length with zeros in front", OK .. "Content-Length: 00003\r\n\r\nabc" },
  { "lines that end in LF alone", ((OK .. LENGTH):gsub("\r", "")) },
  { "a blank before a colon", OK .. "X-B \t: c\r\n" .. LENGTH },
  { "a folded field", OK .. "X-B: c\r\n  d\r\n" .. LENGTH },
  { "a field without a name", OK .. ": c\r\n" .. LENGTH },
  { "a name that is no token", OK .. "X \1\xff(B): c\r\n" .. LENGTH },
  { "CR inside a value", OK .. "X-B: c\rX-C: d\r\n" .. LENGTH },
  { "a header line of 90 KiB", OK .. "X-B: " .. ("c"):rep(90 * 1024) .. "\r\n" .. LENGTH },
  { "no reason", "HTTP/1.1 200\r\n" .. LENGTH },
  { "an unknown status", "HTTP/1.1 999 Odd\r\n" .. LENGTH, "abc", 999 },
  { "an answer in HTTP/1.0", "HTTP/1.0 200 OK\r\n" .. LENGTH },
  { "interim answers before it", "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n"
    .. "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Odd\r\nX-B: c\r\n\r\n" .. OK .. LENGTH },
  { "another answer behind it", OK .. LENGTH .. OTHER },
  { "another answer behind its chunks", OK .. CHUNKED .. CHUNKS .. OTHER },
  { "rubbish behind it", OK .. LENGTH .. "defghi" },
  { "a body behind a 204", "HTTP/1.1 204 No Content\r\n" .. LENGTH .. OTHER, "", 204 },
  { "a body behind a 304", "HTTP/1.1 304 Not Modified\r\n" .. LENGTH .. OTHER, "", 304 },
  { "chunks behind a 304", "HTTP/1.1 304 Not Modified\r\n" .. CHUNKED .. CHUNKS .. OTHER, "", 304 },
  { "a body behind the answer to HEAD", OK .. LENGTH .. OTHER, "", 200, "HEAD" },
  { "chunks behind the answer to HEAD", OK .. CHUNKED .. CHUNKS .. OTHER, "", 200, "HEAD" },
}

-- The whole body; or nil and the error, also where some pieces of it had come.
local function read(response)
  if not response.streamed then
    return response.body
  end
  local body, err = streams.read_all(response)
  return not err and body or nil, err
end

for _, way in ipairs(ways) do
  describe("To " .. way.name .. ",", function()
    local server = fixture.origin()

    local promise = way:promises({ timeout = 5 })

    -- The next request gets its own answer.
    local function assert_goes_on(sender)
      local response = assert(sender:send({ method = "POST", url = server.url .. "/echo?next",
        content = "next" }))
      assert.same({ "/echo?next", "next" }, { response.content.target, response.content.body })
    end

    for _, case in ipairs(odd) do
      promise("an answer has one meaning with " .. case[1], function(sender)
        server:route("/odd", { raw = case[2] })
        for _, stream in ipairs({ false, true }) do
          local response = assert(sender:send({ method = case[5], url = server.url .. "/odd",
            stream = stream }))
          assert.same({ case[4] or 200, case[3] or "abc" },
            { response.status_code, (read(response)) })
          assert_goes_on(sender)
        end
      end)
    end

    promise("a trailer field is none of the head's", function(sender)
      server:route("/odd", { raw = odd[1][2] })
      local headers = assert(sender:send({ url = server.url .. "/odd" })).headers
      assert.same({}, { headers["X-B"], headers["Content-Length"] })
    end)

    promise("a folded field is one value", function(sender)
      server:route("/odd", { raw = OK .. "X-B: c\r\n  d\r\n\te \r\n" .. LENGTH })
      assert.equal("c d e", assert(sender:send({ url = server.url .. "/odd" })).headers["X-B"])
    end)

    for _, case in ipairs(error_cases) do
      if type(case[2]) == "table" and case[3][1] ~= "too_large" and case[3][1] ~= "timeout" then
        promise("a stream ends in the same error as a body: " .. case[1], function(sender)
          server:route("/broken", case[2])
          local response, err = sender:send({ url = server.url .. "/broken", stream = true })
          local body
          if response then
            body, err = read(response)
          end
          assert.is_nil(body)
          assert.same(case[3], { err.kind, err.sent, err.retryable })
          assert_goes_on(sender)
        end)
      end
    end

    -- Of the first libcurl keeps nothing, and says nothing: only the time ends it.
    for what, flood in pairs({ ["a chunk extension"] = { "3;", "x", "timeout", 0.2 },
      ["trailers"] = { "0\r\n", "X-B: c\r\n", "too_large", 5 } }) do
      local text = ("%s without end is the error %s"):format(what, flood[3])
      promise(text, function(sender)
        server:route("/flood", { raw = OK .. CHUNKED .. flood[1], forever = flood[2] })
        local response, err = sender:send({ url = server.url .. "/flood" })
        assert.is_nil(response)
        assert.equal(flood[3], err.kind)
        assert_goes_on(sender)
      end, { timeout = flood[4] })
    end

    promise("a first header line that is folded is no answer, however often", function(sender)
      for _, head in ipairs({ OK, "HTTP/1.1 100 Continue\r\n\r\n" .. OK }) do
        for _, blank in ipairs({ " ", "\t" }) do
          server:route("/folded", { raw = head .. blank .. "X-B: c\r\n" .. LENGTH })
          for _ = 1, 20 do
            local response, err = sender:send({ url = server.url .. "/folded" })
            assert.is_nil(response)
            assert.same({ "protocol", "maybe", false }, { err.kind, err.sent, err.retryable })
            assert_goes_on(sender)
          end
        end
      end
    end)

    promise("what nobody asked for is not the answer to what is asked later", function(sender)
      for _, framing in ipairs({ LENGTH, CHUNKED .. CHUNKS }) do
        local first = OK .. framing
        server:route("/unasked", { drip = { bytes = first .. OTHER, size = #first,
          interval = 0.03 } })
        local response = assert(sender:send({ url = server.url .. "/unasked" }))
        assert.equal("abc", response.body)
        sender:sleep(0.1)
        assert_goes_on(sender)
      end
    end)
  end)
end

-- Valid answers with some of their bytes changed at random.
describe("Whatever bytes a server sends before it closes,", function()
  local CASES = 400
  local whole = {
    OK .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n" .. LENGTH,
    OK .. "Server: s\r\n" .. CHUNKED .. "5;a=b\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n"
      .. "0\r\nX-B: c\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\n" .. LENGTH,
    OK .. "Content-Encoding: gzip\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 3\r\n"
      .. "\r\n\31\139\8",
    "HTTP/1.0 301 Moved\r\nLocation: /a\r\nX-B: c\r\n d\r\n\r\nto the end",
  }
  local pieces = { "\r\n", "\n", "\r", "\0", ":", " ", "\t", ";", ",", "0", "9", "f", "-", "\xff",
    "HTTP/1.1 ", "100 ", "204 ", "chunked", "Content-Length: 4\r\n", "Content-Length: 99\r\n",
    "Transfer-Encoding: chunked\r\n", "Content-Encoding: br\r\n", "Connection: close\r\n" }
  local server

  setup(function()
    server = origin.start()
  end)

  teardown(function()
    server:stop()
    math.randomseed()
  end)

  local changes = {
    function(bytes, from, to) return bytes:sub(1, from - 1) .. bytes:sub(to + 1) end,
    function(bytes, from, to) return bytes:sub(1, to) .. bytes:sub(from) end,
    function(bytes, from) return bytes:sub(1, from) end,
    function(bytes, from)
      return bytes:sub(1, from - 1) .. pieces[math.random(#pieces)] .. bytes:sub(from)
    end,
    function(bytes, from)
      return bytes:sub(1, from - 1) .. string.char(math.random(0, 255)) .. bytes:sub(from + 1)
    end,
  }

  local function changed(seed)
    math.randomseed(seed)
    local bytes = whole[math.random(#whole)]
    for _ = 1, math.random(3) do
      local from = math.random(math.max(#bytes, 1))
      bytes = changes[math.random(#changes)](bytes, from, math.random(from, from + 20))
    end
    return bytes
  end

  local function try(sender, number)
    local url = ("%s/random/%d"):format(server.url, number)
    local response, err = sender:send({ url = url, stream = number % 2 == 0 })
    if response then
      response, err = read(response)
    end
    assert.is_truthy(response or err.kind ~= "timeout" and err.sent == "maybe", err)
    -- It may yet have to notice that the connection it kept is closed.
    local patient = viesti.RetryingSender({ retries = 5, sender = sender, backoff = { base = 0 } })
    response = assert(patient:send({ url = server.url .. "/echo?" .. number }))
    assert.equal("/echo?" .. number, response.content.target)
  end

  for _, way in ipairs(ways) do
    it(way.name .. " ends soon, and gets the next answer", function()
      for number = 1, CASES do
        server:route("/random/" .. number, { raw = changed(number), close = true })
      end
      way.run(function()
        local sender <close> = way.sender({ timeout = 10 })
        for number = 1, CASES do
          local ok, reason = pcall(try, sender, number)
          assert(ok, ("case %d, %q: %s"):format(number, changed(number),
            type(reason) == "table" and reason.message or reason))
        end
      end)
    end)
  end
end)
