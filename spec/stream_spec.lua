local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local resident = require("spec.support.resident")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local rest_of, read_all = streams.rest_of, streams.read_all

local MEBIBYTE = 1024 * 1024
local SIZES = { 0, 1, 65536, 262143, 262144, 262145, 279005, 285000, 290000, 524289 }

-- Bytes whose order shows: 65521 is prime.
local PATTERN = {}
for code = 1, 65521 do
  PATTERN[code] = string.char(code * 7 % 256 ~ code // 256)
end
PATTERN = table.concat(PATTERN)

local function pattern(size)
  return PATTERN:rep(size // #PATTERN + 1):sub(1, size)
end

local function head_for(size)
  return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(size)
end

for _, way in ipairs(ways) do
  describe("A streamed response to " .. way.name, function()
    local server, web, folder = fixture.origin(), fixture.nginx(), nil

    setup(function()
      folder = process.temporary_directory()
      web:write("large", pattern(20 * MEBIBYTE))
      process.run("truncate -s 70M " .. process.quote(web.root .. "/huge"))
    end)

    teardown(function()
      process.run("rm -r " .. process.quote(folder))
    end)

    local promise = way:promises({ timeout = 60 })

    local function stream(sender, path, method)
      return sender:send({ method = method, url = (path:find("^/") and server.url or "") .. path,
        stream = true })
    end

    local function files()
      return process.run("ls -A " .. process.quote(folder))
    end

    local function assert_all_closed(sender)
      local deadline = sender:now() + 2
      while server:open_connections() > 0 and sender:now() < deadline do
        viesti.sleep(0.005)
      end
      assert.equal(0, server:open_connections())
    end

    promise("is there with its head, before its body", function(sender)
      server:route("/x", { raw = "HTTP/1.1 201 Made\r\nX-A: b\r\nContent-Length: 4\r\n\r\n",
        hang = true })
      local response <close> = assert(stream(sender, "/x"))
      assert.same({ 201, "Made", "b", true, server.url .. "/x" }, { response.status_code,
        response.reason, response.headers["X-A"], response.streamed, response.url })
      local head = head_for(6)
      server:route("/drip", { drip = { bytes = head .. "abcdef", size = #head + 3,
        interval = 0.1 } })
      local started = sender:now()
      local dripping = assert(stream(sender, "/drip"))
      assert.is_true(sender:now() - started < 0.09)
      assert.same({ "abc", "def" }, { dripping:read(), dripping:read() })
      assert.is_nil(dripping:read())
      assert.is_true(sender:now() - started >= 0.1)
    end)

    promise("yields every byte in order, in pieces of any size", function(sender)
      for _, size in ipairs(SIZES) do
        local body = pattern(size)
        server:route("/x", { { body = body }, { body = body, chunked = 9973 } })
        for _, most in ipairs({ false, 10000, 1 << 40, 7 }) do
          if most ~= 7 or size < 100000 then
            assert.is_true(body == rest_of(assert(stream(sender, "/x")), most or nil))
            assert.is_true(body == (read_all(assert(stream(sender, "/x")), most or nil)))
          end
        end
      end
      assert.equal(1, server:connections())
    end)

    promise("loses no end that comes while the reader is away", function(sender)
      local responses = {}
      for index, size in ipairs(SIZES) do
        local head = head_for(size + 5)
        server:route("/tail" .. index, { drip = { bytes = head .. pattern(size) .. "tail!",
          size = #head + size, interval = 0.15 } })
      end
      for index in ipairs(SIZES) do
        responses[index] = assert(stream(sender, "/tail" .. index))
      end
      viesti.sleep(0.05)
      for index = #SIZES, 1, -1 do
        assert.is_true(pattern(SIZES[index]) .. "tail!" == rest_of(responses[index]))
      end
    end)

    promise("of 20 MiB is whole", function(sender)
      local expected = pattern(20 * MEBIBYTE)
      for _, most in ipairs({ false, 10000 }) do
        local response = assert(stream(sender, web.url .. "/static/large"))
        assert.is_true(expected == rest_of(response, most or nil))
      end
    end)

    promise("takes no more memory the slower it is read", function(sender)
      collectgarbage()
      local before, count = resident.now(), collectgarbage("count")
      local response = assert(stream(sender, web.url .. "/static/huge"))
      viesti.sleep(0.1)
      assert.equal(1000, #response:read(1000))
      viesti.sleep(0.1)
      assert.is_true(resident.now() - before < 8 * MEBIBYTE, resident.now() - before)
      local size, most = 1000, 0
      for chunk in response:chunks(65536) do
        size = size + #chunk
        if size // 65536 % 100 == 0 then
          viesti.sleep(0.005)
          collectgarbage()
          most = math.max(most, resident.now() - before)
          assert.is_true(collectgarbage("count") - count < 2048)
        end
      end
      assert.equal(70 * MEBIBYTE, size)
      if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
        assert.is_true(most < 24 * MEBIBYTE, most)
      end
    end)

    promise("ends with the loop that is left early, and the sender goes on", function(sender)
      server:route("/endless", { raw = "HTTP/1.1 200 OK\r\n\r\n", forever = "more" })
      for _, leave in ipairs({
        function(response) for chunk in response:chunks() do if chunk then break end end end,
        function(response) pcall(function() for _ in response:chunks() do error("x") end end) end,
        function(response) response:read(1) response:close() end,
        function(response) local _ <close> = response end,
        function(response) response:read(1) end,
      }) do
        leave(assert(stream(sender, "/endless")))
        collectgarbage()
        collectgarbage()
        assert_all_closed(sender)
        assert.equal(200, assert(sender:send({ url = server.url .. "/status/200" })).status_code)
        sender.session:close()
        sender = way.sender()
      end
      sender:close()
    end)

    promise("gives nothing more once it is closed", function(sender)
      server:route("/x", { body = "body" })
      local response = assert(stream(sender, "/x"))
      response:close()
      response:close()
      assert.is_nil(response:read())
      assert.equal(200, response.status_code)
    end)

    promise("says so where it breaks off, however it is read", function(sender)
      local kinds = { truncated = { close = true }, reset = { reset = true } }
      for kind, ending in pairs(kinds) do
        ending.raw = head_for(9) .. "abc"
        server:route("/x", ending)
        local response, got = assert(stream(sender, "/x")), ""
        local piece, err = response:read()
        while piece do
          got = got .. piece
          piece, err = response:read()
        end
        assert.is_true(kind == "reset" or got == "abc")
        assert.same({ kind, "maybe" }, { err.kind, err.sent })
        local ok, raised = pcall(rest_of, assert(stream(sender, "/x")))
        assert.same({ false, kind }, { ok, raised.kind })
        local size, reason = assert(stream(sender, "/x")):save(folder .. "/part")
        assert.is_nil(size)
        assert.equal(kind, reason.kind)
        assert.equal("", files())
      end
    end)

    promise("says so where a chunked body has no end", function(sender)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "3\r\nabc\r\n", close = true })
      local ok, raised = pcall(rest_of, assert(stream(sender, "/x")))
      assert.same({ false, "truncated" }, { ok, raised.kind })
    end)

    promise("says so where its time is up", function(sender)
      server:route("/x", { raw = head_for(9) .. "abc", hang = true })
      local response = assert(stream(sender, "/x"))
      assert.equal("abc", response:read())
      local piece, err = response:read()
      assert.is_nil(piece)
      assert.equal("timeout", err.kind)
    end, { timeout = 0.1 })

    promise("is saved whole, and its size said", function(sender)
      local path = folder .. "/saved"
      assert.equal(20 * MEBIBYTE, assert(stream(sender, web.url .. "/static/large")):save(path))
      assert.equal("saved", files())
      local file <close> = assert(io.open(path, "rb"))
      assert.is_true(pattern(20 * MEBIBYTE) == file:read("a"))
      assert.equal(0, assert(stream(sender, "/x", "HEAD")):save(path))
      os.remove(path)
      local size, reason = assert(stream(sender, "/echo")):save(folder .. "/no/such/path")
      assert.is_nil(size)
      assert.equal(folder .. "/no/such/path: No such file or directory", reason)
      assert.equal("", files())
    end)

    promise("is undone where it is gzip", function(sender)
      local plain = assert(sender:send({ url = web.url .. "/static/text.txt" })).body
      for _, most in ipairs({ 7, 100000 }) do
        local response = assert(stream(sender, web.url .. "/gzip/text.txt"))
        assert.same({ "gzip", plain }, { response.encoding, rest_of(response, most) })
        assert.is_nil(response.headers["Content-Encoding"])
      end
    end)

    promise("without a body ends at once", function(sender)
      for _, case in ipairs({ { "HEAD", 200 }, { "GET", 204 }, { "GET", 304 } }) do
        local response = assert(stream(sender, "/status/" .. case[2], case[1]))
        assert.same({ case[2], true, "" },
          { response.status_code, response.streamed, rest_of(response) })
        assert.is_nil(response:read())
      end
      assert.equal(1, server:connections())
    end)

    promise("has no body to be had at once, and says where it is", function(sender)
      local response <close> = assert(stream(sender, "/echo"))
      for _, get in ipairs({ function() return response.body end,
        function() return response.content end, function() return response:json() end }) do
        assert.error_matches(get,
          "the body is streamed: read it with response:chunks%(%) or :read%(%)")
      end
    end)

    promise("names its request in every error on the way", function(sender)
      server:route("/x", { raw = head_for(9) .. "abc", close = true })
      local function assert_names_it(err)
        assert.matches("^[%w_]+: .+ %(GET http://127%.0%.0%.1:%d+/x%)$", tostring(err))
        assert.equal(server.url .. "/x", err.request.url)
      end
      local response = assert(stream(sender, "/x"))
      assert.equal("abc", response:read())
      assert_names_it(select(2, response:read()))
      assert_names_it(select(2, response:annotated(nil, { note = 2 }):read()))
      assert_names_it(select(2, pcall(rest_of, assert(stream(sender, "/x")))))
      assert_names_it(select(2, assert(stream(sender, "/x")):save(folder .. "/part")))
      assert_names_it(select(2, viesti.download(sender, { url = server.url .. "/x" },
        folder .. "/part", nil, 1, 1, false)))
      server:route("/x", { body = "body" })
      local closed = assert(stream(sender, "/x"))
      closed:close()
      local _, err = closed:read()
      assert_names_it(err)
      assert.equal("maybe", err.sent)
    end)

    promise("ends when its sender is closed", function(sender)
      server:route("/x", { raw = head_for(9) .. "abc", hang = true })
      local response = assert(stream(sender, "/x"))
      assert.equal("abc", response:read())
      sender:close()
      local piece, err = response:read()
      assert.is_nil(piece)
      assert.equal("closed", err.kind)
    end)

    promise("passes through every layer, and no cache keeps it", function(sender)
      server:route("/x", { { status = 503, body = ("x"):rep(900000) }, { status = 302,
        headers = { { "Location", "/y" } }, body = ("x"):rep(900000) } })
      server:route("/y", { body = "fine", headers = { { "Cache-Control", "max-age=60" } } })
      local cache = viesti.CachingSender({ sender = sender })
      local retrying = viesti.RetryingSender({ retries = 1, sender = cache,
        backoff = { base = 0 } })
      local client = viesti.Client(viesti.RedirectingSender({ sender = retrying }))
      local response = assert(stream(client, "/x"))
      assert.same({ true, false, 200 },
        { response.streamed, response.from_cache, response.status_code })
      assert.equal(302, response.history[1].status_code)
      assert.is_nil(response.history[1]:read())
      assert.equal("fine", rest_of(response))
      assert.equal(0, cache.store:count())
      assert.equal("fine", rest_of(assert(stream(client, "/y"))))
      assert.equal(2, server:count("/y"))
      assert.equal(3, server:connections()) -- the 503 and the 302 were not read to their ends
    end)

    promise("tells of a failure as often as it is read", function(sender)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close = true })
      local response = assert(stream(sender, "/x"))
      assert.equal("abc", response:read())
      for _ = 1, 3 do
        local bytes, err = response:read()
        assert.same({ nil, "truncated" }, { bytes, err.kind })
      end
    end)

    promise("leaves behind what cannot be taken for a whole body", function(sender)
      server:route("/x", { body = "fine" })
      local moved, closed = assert(stream(sender, "/x")), assert(stream(sender, "/x"))
      local copy = moved:annotated(nil, { note = 2 })
      closed:close()
      local path = os.tmpname()
      for _, response in ipairs({ moved, closed }) do
        assert.equal("closed", select(2, response:read()).kind)
        assert.same({ nil, "the body has been read already" }, { response:save(path) })
      end
      assert.equal("fine", rest_of(copy))
      os.remove(path)
    end)

    promise("goes on in the annotated copy", function(sender)
      server:route("/x", { { status = 503 }, { body = "fine" } })
      local retrying = viesti.RetryingSender({ retries = 1, sender = sender,
        backoff = { base = 0 } })
      local response = assert(stream(retrying, "/x"))
      collectgarbage()
      assert.same({ 2, "fine" }, { #response.attempts, rest_of(response) })
    end)
  end)
end
