local viesti = require("viesti")
local compressed = require("spec.support.compressed")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")
local resident = require("spec.support.resident")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local read_all = streams.read_all

local MEBIBYTE = 1024 * 1024

local text = ("A line of text, and another one.\n"):rep(30)
local gzip, zlib, deflate = compressed.gzip, compressed.zlib, compressed.deflate

local function coded(coding, body)
  return { headers = { { "Content-Encoding", coding } }, body = body }
end

for _, way in ipairs(ways) do
  describe("A content coding of a response to " .. way.name, function()
    local server, web

    setup(function()
      server = origin.start()
      web = nginx.start({ locations = [[
        location /coded/ { alias files/; add_header Content-Encoding gzip; }
      ]] })
      web:write("zeros", compressed.zeros(64 * MEBIBYTE))
    end)

    teardown(function()
      server:stop()
      web:stop()
    end)

    before_each(function()
      server:reset()
    end)

    local promise = way:promises({ timeout = 10 })

    -- The answer fails in both ways of reading it; returns what a stream gave before.
    local function assert_fails(sender, kind, retryable, answer)
      local response, err = server:exchange(sender, answer)
      assert.is_nil(response)
      assert.same({ kind, "maybe", retryable }, { err.kind, err.sent, err.retryable })
      local got, reason = read_all(assert(server:exchange(sender, answer, { stream = true })))
      assert.same({ kind, "maybe", retryable }, { reason.kind, reason.sent, reason.retryable })
      assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
      return got, err.message
    end

    promise("is not asked for with a range, which would be one of a coded body", function(sender)
      local asked = {}
      for index, headers in ipairs({ { Range = "bytes=0-1" },
        { Range = "bytes=0-1", ["Accept-Encoding"] = "br" }, {} }) do
        server:route("/x", { body = "x" })
        assert(sender:send({ url = server.url .. "/x", headers = headers }))
        local request = server:requests()[index]
        asked[index] = request.header("Accept-Encoding")
        assert.truthy(request.header("User-Agent"):find("viesti", 1, true))
      end
      assert.same({ "identity", "br", "gzip" }, asked)
    end)

    promise("is undone: gzip, also as x-gzip, and deflate in both forms of it", function(sender)
      for _, case in ipairs({ { "gzip", gzip }, { "x-gzip", gzip }, { "GZip", gzip },
        { "deflate", zlib }, { "deflate", deflate } }) do
        local answer = coded(case[1], case[2](text))
        local response = assert(server:exchange(sender, answer))
        assert.same({ text, case[1] }, { response.body, response.encoding })
        assert.is_nil(response.headers["Content-Encoding"])
        assert.is_nil(response.headers["Content-Length"])
        local stream = assert(server:exchange(sender, answer, { stream = true }))
        assert.same({ case[1], text }, { stream.encoding, (read_all(stream)) })
        assert.is_nil(stream.headers["Content-Encoding"])
      end
      assert.equal(1, server:connections())
    end)

    promise("is undone for JSON", function(sender)
      local response = assert(server:exchange(sender, coded("gzip", gzip('{"a":[1]}'))))
      assert.same({ a = { 1 } }, response.content)
    end)

    promise("may have several members, and an empty text", function(sender)
      local answer = coded("gzip", gzip("one, ") .. gzip("") .. gzip("two"))
      assert.equal("one, two", assert(server:exchange(sender, answer)).body)
      for _, case in ipairs({ { "gzip", gzip }, { "deflate", zlib }, { "deflate", deflate } }) do
        assert.equal("", assert(server:exchange(sender, coded(case[1], case[2]("")))).body)
      end
    end)

    promise("is none where there are no bytes at all", function(sender)
      for _, answer in ipairs({ coded("gzip", ""), coded("deflate", "") }) do
        assert.equal("", assert(server:exchange(sender, answer)).body)
        assert.equal("", (read_all(assert(server:exchange(sender, answer, { stream = true })))))
      end
    end)

    promise("is undone byte by byte as it comes, in chunks", function(sender)
      for _, case in ipairs({ { "gzip", gzip("one, ") .. gzip("two") }, { "deflate",
        zlib("one, two") }, { "deflate", deflate("one, two") } }) do
        local answer = coded(case[1], case[2])
        answer.chunked = 1
        answer.drip = { bytes = 3, interval = 0.0005 }
        assert.equal("one, two", assert(server:exchange(sender, answer)).body)
        local stream = assert(server:exchange(sender, answer, { stream = true }))
        assert.equal("one, two", (read_all(stream)))
      end
    end)

    promise("of a name nobody knows leaves the body as it came", function(sender)
      for _, coding in ipairs({ "br", "zstd", "gzipped", "compress" }) do
        local response = assert(server:exchange(sender, coded(coding, "as it came")))
        assert.same({ "as it came", coding, "10" }, { response.body,
          response.headers["Content-Encoding"], response.headers["Content-Length"] })
        assert.is_nil(response.encoding)
      end
    end)

    promise("called identity is none, beside another one too", function(sender)
      for _, coding in ipairs({ "identity, gzip", "gzip, Identity", " gzip ,", "identity,gzip," })
      do
        assert.equal(text, assert(server:exchange(sender, coded(coding, gzip(text)))).body)
      end
      local answer = coded("identity", gzip(text))
      table.insert(answer.headers, { "Content-Encoding", "gzip" })
      assert.equal(text, assert(server:exchange(sender, answer)).body)
      assert.equal("plain", assert(server:exchange(sender, coded("identity", "plain"))).body)
    end)

    promise("is refused where it stands on another one", function(sender)
      local answer = coded("gzip", gzip(gzip(text)))
      table.insert(answer.headers, { "Content-Encoding", "gzip" })
      for _, stacked in ipairs({ coded("gzip, gzip", gzip(gzip(text))), coded("br, gzip", "x"),
        coded("deflate,gzip", gzip(zlib(text))), answer }) do
        local response, err = server:exchange(sender, stacked)
        assert.is_nil(response)
        assert.same({ "protocol", "maybe", false, "the body has 2 content codings, one on the "
          .. "other" }, { err.kind, err.sent, err.retryable, err.message })
        local _, reason = server:exchange(sender, stacked, { stream = true })
        assert.equal("protocol", reason.kind)
      end
    end)

    promise("that breaks off is a truncated body, wherever it does", function(sender)
      for _, case in ipairs({ { "gzip", gzip("text"), "text" },
        { "gzip", gzip("") .. gzip("x"), "x" }, { "deflate", zlib("text"), "text" },
        { "deflate", deflate("text"), "text" } }) do
        local bytes = case[2]
        for length = 1, #bytes - 1 do
          if bytes:sub(1, length) ~= gzip("") then
            local got = assert_fails(sender, "truncated", true, coded(case[1],
              bytes:sub(1, length)))
            assert.equal(got, case[3]:sub(1, #got))
          end
        end
      end
    end)

    promise("that breaks off is tried again by a RetryingSender", function(sender)
      local whole = gzip(text)
      local retrying = viesti.RetryingSender({ retries = 1, sender = sender,
        backoff = { base = 0 } })
      local response = assert(server:exchange(retrying, { coded("gzip", whole:sub(1, -2)),
        coded("gzip", whole) }))
      assert.same({ text, 2 }, { response.body, #response.attempts })
    end)

    promise("that the bytes are not in is a fault of the server's", function(sender)
      local whole = gzip(text)
      local flipped = whole:sub(1, -8) .. string.char(whole:byte(-7) ~ 1) .. whole:sub(-6)
      local longer = whole:sub(1, -5) .. ("<I4"):pack(#text + 1)
      for _, bytes in ipairs({ "plain", ("plain"):rep(1000), "\x1f\x8b\9" .. text, flipped,
        longer, whole .. "behind", whole .. "\0", whole .. whole:sub(1, 1) .. "x" }) do
        local _, message = assert_fails(sender, "protocol", false, coded("gzip", bytes))
        assert.equal("the body is not what its gzip says", message)
      end
      for _, bytes in ipairs({ zlib(text) .. "x", deflate(text) .. "x", "\xff\xff\xff\xff" }) do
        assert_fails(sender, "protocol", false, coded("deflate", bytes))
      end
    end)

    promise("that fails late is told of behind all that was good", function(sender)
      local long, zeros = text:rep(900), ("\0"):rep(3 * MEBIBYTE)
      for expected, whole in pairs({ [long] = gzip(long), [zeros] = compressed.zeros(#zeros) }) do
        for kind, bytes in pairs({ truncated = whole:sub(1, -2), protocol = whole:sub(1, -9)
          .. "\0\0\0\0\0\0\0\0" }) do
          for _, most in ipairs({ 1 << 40, 100000, 1000 }) do
            local stream = assert(server:exchange(sender, coded("gzip", bytes), { stream = true }))
            viesti.sleep(0.02)
            local got, err = read_all(stream, most)
            assert.is_true(got == expected)
            assert.same({ kind, "maybe", kind == "truncated" }, { err.kind, err.sent,
              err.retryable })
            assert.equal(kind, select(2, stream:read()).kind)
          end
        end
      end
    end)

    promise("is undone piece by piece, of any size, in a stream", function(sender)
      local plain = assert(sender:send({ url = web.url .. "/static/text.txt" })).body
      for _, most in ipairs({ 1, 7, 4096, 1 << 40 }) do
        local stream = assert(sender:send({ url = web.url .. "/gzip/text.txt", stream = true }))
        assert.equal(plain, (read_all(stream, most)))
      end
    end)

    promise("may be left early in a stream", function(sender)
      for _ = 1, 3 do
        local stream = assert(sender:send({ url = web.url .. "/coded/zeros", stream = true }))
        assert.equal(1000, #stream:read(1000))
        stream:close()
        stream = assert(sender:send({ url = web.url .. "/coded/zeros", stream = true }))
        for chunk in stream:chunks(1000) do
          if #chunk == 1000 then
            break
          end
        end
      end
      assert.equal(text, assert(server:exchange(sender, coded("gzip", gzip(text)))).body)
    end)

    promise("of 64 MiB in 64 KiB takes no more memory than max_body", function(sender)
      collectgarbage()
      local before = resident.start()
      local response, err = sender:send({ url = web.url .. "/coded/zeros" })
      assert.is_nil(response)
      assert.equal("too_large", err.kind)
      assert.is_true(resident.peak() - before < 6 * MEBIBYTE, resident.peak() - before)
    end, { max_body = MEBIBYTE })

    promise("of 64 MiB in 64 KiB takes little memory in a stream", function(sender)
      local stream = assert(sender:send({ url = web.url .. "/coded/zeros", stream = true }))
      collectgarbage()
      local before, size = resident.start(), 0
      viesti.sleep(0.05)
      for chunk in stream:chunks(65536) do
        size = size + #chunk
        if size // 65536 % 50 == 0 then
          collectgarbage()
        end
      end
      assert.equal(64 * MEBIBYTE, size)
      if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
        assert.is_true(resident.peak() - before < 16 * MEBIBYTE, resident.peak() - before)
      end
    end)

    promise("of a body that may be just as long as max_body is undone", function(sender)
      assert.equal(#text, #assert(server:exchange(sender, coded("gzip", gzip(text)))).body)
      local _, err = server:exchange(sender, coded("gzip", gzip(text .. "x")))
      assert.same({ "too_large", ("the body is larger than max_body (%d)"):format(#text) },
        { err.kind, err.message })
    end, { max_body = #text })

    promise("of a part of a body stays", function(sender)
      local bytes = gzip(text):sub(5, 104)
      local answer = { status = 206, headers = { { "Content-Encoding", "gzip" },
        { "Content-Range", "bytes 4-103/1000" } }, body = bytes }
      local response = assert(server:exchange(sender, answer))
      assert.same({ bytes, "gzip", "100" }, { response.body,
        response.headers["Content-Encoding"], response.headers["Content-Length"] })
      assert.is_nil(response.encoding)
      assert.equal(bytes, (read_all(assert(server:exchange(sender, answer, { stream = true })))))
    end)

    promise("stays in the head of an answer without a body", function(sender)
      local answer = coded("gzip", gzip(text))
      local response = assert(server:exchange(sender, answer, { method = "HEAD" }))
      assert.same({ "", "gzip", tostring(#gzip(text)) }, { response.body,
        response.headers["Content-Encoding"], response.headers["Content-Length"] })
      response = assert(server:exchange(sender, { status = 204, headers = answer.headers }))
      assert.same({ "", "gzip" }, { response.body, response.headers["Content-Encoding"] })
    end)

    promise("is not in the head that a 304 freshens a decoded body with", function(sender)
      local response = assert(server:exchange(sender, { raw = "HTTP/1.1 304 Not Modified\r\n"
        .. "Content-Encoding: gzip\r\nContent-Length: 5\r\nX-A: b\r\n\r\n" }))
      assert.same({ 304, "b", "" }, { response.status_code, response.headers["X-A"],
        response.body })
      assert.is_nil(response.headers["Content-Encoding"] or response.headers["Content-Length"])
      local tag = { { "ETag", '"1"' }, { "Content-Encoding", "gzip" } }
      server:route("/stale", { { headers = tag, body = gzip(text) }, { raw =
        "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Encoding: gzip\r\n\r\n" } })
      local cache = viesti.CachingSender({ sender = sender })
      for _ = 1, 3 do
        response = assert(cache:send({ url = server.url .. "/stale" }))
        assert.equal(text, response.body)
        assert.is_nil(response.headers["Content-Encoding"])
      end
      assert.equal(3, server:count("/stale"))
    end)

    promise("is not asked for and not touched where decode is false", function(sender)
      for _, case in ipairs({ { "gzip", gzip(text) }, { "gzip, gzip", gzip(gzip(text)) },
        { "gzip", "no such thing" }, { "gzip", gzip(text):sub(1, -2) } }) do
        local answer = coded(case[1], case[2])
        local response = assert(server:exchange(sender, answer))
        assert.same({ case[2], case[1], tostring(#case[2]) }, { response.body,
          response.headers["Content-Encoding"], response.headers["Content-Length"] })
        assert.is_nil(response.encoding)
        local stream = assert(server:exchange(sender, answer, { stream = true }))
        assert.equal(case[2], (read_all(stream)))
      end
      assert.is_nil(server:requests()[1].header("Accept-Encoding"))
    end, { decode = false })

    promise("is undone also where the caller asks for codings of his own", function(sender)
      server:route("/x", coded("gzip", gzip(text)))
      assert.equal(text, assert(sender:send({ url = server.url .. "/x",
        headers = { ["Accept-Encoding"] = "gzip;q=0.5, br" } })).body)
      assert.same({ "gzip;q=0.5, br" }, { server:requests()[1].header("Accept-Encoding") })
    end)
  end)
end
