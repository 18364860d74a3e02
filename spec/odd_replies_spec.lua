local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local odd_replies = require("spec.support.odd_replies")
local origin = require("spec.support.origin")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local OK, CHUNKED, CHUNKS, LENGTH, OTHER = odd_replies.OK, odd_replies.CHUNKED,
  odd_replies.CHUNKS, odd_replies.LENGTH, odd_replies.OTHER

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

    for _, reply in ipairs(odd_replies) do
      promise("an answer has one meaning with " .. reply[1], function(sender)
        server:route("/odd", { raw = reply[2] })
        for _, stream in ipairs({ false, true }) do
          local response = assert(sender:send({ method = reply.method, url = server.url .. "/odd",
            stream = stream }))
          assert.same({ reply.status or 200, reply.body or "abc" },
            { response.status_code, (read(response)) })
          assert_goes_on(sender)
        end
      end)
    end

    promise("a trailer field is none of the head's", function(sender)
      server:route("/odd", { raw = odd_replies[1][2] })
      local headers = assert(sender:send({ url = server.url .. "/odd" })).headers
      assert.same({}, { headers["X-B"], headers["Content-Length"] })
    end)

    promise("a folded field is one value", function(sender)
      server:route("/odd", { raw = OK .. "X-B: c\r\n  d\r\n\te \r\n" .. LENGTH })
      assert.equal("c d e", assert(sender:send({ url = server.url .. "/odd" })).headers["X-B"])
    end)

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
