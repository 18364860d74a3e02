local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local compressed = require("spec.support.compressed")
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")
local tls_server = require("spec.support.tls_server")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local OK = "HTTP/1.1 200 OK\r\n"

-- What a response knows of the way it came.
for _, way in ipairs(ways) do
  describe("A response to " .. way.name, function()
    local server = fixture.origin()

    local promise = way:promises({ timeout = 5 })

    local function stream(sender, answer)
      return assert(server:exchange(sender, answer, { stream = true }))
    end

    local function drain(response)
      streams.read_all(response)
      return response
    end

    local unbounded = { raw = OK .. "\r\nbody", close = true }

    describe("complete", function()
      promise("is true where the server says how long the body is", function(sender)
        for _, answer in ipairs({ { body = "body" }, { body = "body", chunked = 1 }, { body = "" },
          { status = 204 }, { status = 304 }, { raw = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n"
            .. "body", close = true } }) do
          assert.is_true(assert(server:exchange(sender, answer)).complete)
          assert.is_true(drain(stream(sender, answer)).complete)
        end
        local head = assert(server:exchange(sender, { body = "body" }, { method = "HEAD" }))
        assert.is_true(head.complete)
        assert.is_true(assert(server:exchange(sender, unbounded, { method = "HEAD" })).complete)
      end)

      promise("is unknown where the end of the connection alone says it", function(sender)
        for _, answer in ipairs({ unbounded, { raw = OK .. "\r\n", close = true },
          { raw = "HTTP/1.0 200 OK\r\nContent-Encoding: unheard\r\n\r\nbody", close = true } }) do
          assert.equal("unknown", assert(server:exchange(sender, answer)).complete)
          assert.equal("unknown", drain(stream(sender, answer)).complete)
        end
      end)

      promise("is true where the coding of the body has its own end", function(sender)
        local head = OK .. "Content-Encoding: gzip\r\n\r\n"
        for _, bytes in ipairs({ compressed.gzip("body"), compressed.zeros(3000000) }) do
          local answer = { raw = head .. bytes, close = true }
          assert.is_true(assert(server:exchange(sender, answer)).complete)
          local streamed = stream(sender, answer)
          viesti.sleep(0.02)
          assert.is_true(drain(streamed).complete)
        end
        local response = assert(server:exchange(sender, { raw = head, close = true }))
        assert.equal("unknown", response.complete)
      end)

      promise("is true in HTTP/2, which marks the end of every body", function()
        local web <close> = nginx.start({ http = tls_server({ name = "h2", http2 = true,
          certificate = certificates.good,
          directives = 'location / { gzip on; gzip_types *; gzip_min_length 1; }' }) })
        local sender <close> = way.sender({ ca = certificates.ca, decode = false })
        for _, streamed in ipairs({ false, true }) do
          local response = assert(sender:send({ stream = streamed, url =
            ("https://127.0.0.1:%d/text.txt"):format(web.ports.h2),
            headers = { ["Accept-Encoding"] = "gzip" } }))
          assert.same({ "2", "gzip" }, { response.http_version,
            response.headers["Content-Encoding"] })
          assert.is_nil(response.headers["Content-Length"])
          assert.is_true((streamed and drain(response) or response).complete)
        end
      end)

      promise("is false until a stream was read to its end, and where it never is",
        function(sender)
          local response = stream(sender, { body = "body" })
          assert.is_false(response.complete)
          assert.equal("bo", response:read(2))
          assert.is_false(response.complete)
          assert.equal("dy", response:read())
          assert.is_nil(response:read())
          assert.is_true(response.complete)
          response:close()
          assert.is_true(response.complete)

          response = stream(sender, { body = "body" })
          response:close()
          assert.is_false(response.complete)

          response = stream(sender, { raw = OK .. "Content-Length: 9\r\n\r\nbody", close = true })
          assert.is_false(drain(response).complete)
          response:close()
          assert.is_false(response.complete)
        end)

      promise("goes with the stream into an annotated copy", function(sender)
        for answer, expected in pairs({ [{ body = "body" }] = true, [unbounded] = "unknown" }) do
          local first = stream(sender, answer)
          local second = first:annotated(nil, { note = 2 })
          assert.same({ false, false }, { first.complete, second.complete })
          drain(second)
          assert.same({ false, expected }, { first.complete, second.complete })
          assert.equal(expected, second:annotated(nil, { note = 2 }).complete)
        end
        local response = assert(server:exchange(sender, unbounded))
        assert.equal("unknown", response:annotated(nil, { note = 2 }).complete)
      end)

      promise("is known of what a cache answers, which keeps nothing else", function(sender)
        local cache = viesti.CachingSender({ sender = sender })
        local head = OK .. "Cache-Control: max-age=60\r\n"
        for path, case in pairs({ ["/length"] = { "Content-Length: 4\r\n", true, true },
          ["/none"] = { "", "unknown", false } }) do
          server:route(path, { raw = head .. case[1] .. "\r\nbody", close = true })
          for _, cached in ipairs({ false, case[3] }) do
            local response = assert(cache:send({ url = server.url .. path }))
            assert.same({ cached, case[2] }, { response.from_cache, response.complete })
          end
        end
      end)
    end)

    describe("remote", function()
      promise("is the address and port that it came from", function(sender)
        local expected = { address = "127.0.0.1", port = server.port }
        for _ = 1, 2 do
          local response = assert(server:exchange(sender, { body = "x" }))
          assert.same(expected, response.remote)
          assert.equal("integer", math.type(response.remote.port))
          response.remote.port = 1
          assert.same(expected, response.remote)
        end
        local streamed <close> = stream(sender, { body = "x" })
        assert.same(expected, streamed.remote)
      end)

      promise("is the proxy's where that was asked", function()
        server:route("http://elsewhere.invalid/", { body = "x" })
        local proxied <close> = way.sender({ proxy = server.url })
        local response = assert(proxied:send({ url = "http://elsewhere.invalid/" }))
        assert.same({ address = "127.0.0.1", port = server.port }, response.remote)
      end)

      promise("is nil over a Unix socket", function()
        local web <close> = nginx.start({ http = [[
          server { listen unix:web.sock; location / { return 200 "fine"; } }
        ]] })
        local sender <close> = way.sender({ unix_socket = web.directory .. "/web.sock" })
        local response = assert(sender:send({ url = "http://localhost/" }))
        assert.equal("fine", response.body)
        assert.is_nil(response.remote)
      end)
    end)

    describe("interim", function()
      local hints = "HTTP/1.1 103 Early Hints\r\nLink: </%s>\r\nX-A: 1\r\nX-A: 2\r\n\r\n"
      local raw = hints:format("a") .. "HTTP/1.1 100 Continue\r\n\r\n" .. hints:format("b") .. OK
        .. "Link: </c>\r\nContent-Length: 4\r\n\r\nbody"

      local function assert_hints(response)
        assert.equal("</c>", response.headers["Link"])
        local list = {}
        for index, interim in ipairs(response.interim) do
          list[index] = { interim.status_code, interim.reason, interim.headers["Link"] or "" }
          assert.same({ server.url .. "/x", "", true }, { interim.url, interim.body,
            interim.complete })
        end
        assert.same({ { 103, "Early Hints", "</a>" }, { 100, "Continue", "" },
          { 103, "Early Hints", "</b>" } }, list)
        assert.same({ "1", "2" }, response.interim[1].headers:get_all("X-A"))
      end

      promise("lists the answers before the final one, the first one first", function(sender)
        local response = assert(server:exchange(sender, { raw = raw }))
        assert_hints(response)
        assert_hints(response:annotated(nil, { note = 2 }))
        assert.equal("body", response.body)
      end)

      promise("is there with the head of a stream", function(sender)
        local response = stream(sender, { raw = raw })
        assert_hints(response)
        drain(response)
        response:close()
        assert_hints(response)
      end)

      promise("outlives its response", function(sender)
        local list = assert(server:exchange(sender, { raw = raw })).interim
        collectgarbage()
        collectgarbage()
        assert.equal("</b>", list[3].headers["Link"])
      end)

      promise("is empty where there were none, and another list each time", function(sender)
        local response = assert(server:exchange(sender, { body = "x" }))
        assert.same({}, response.interim)
        response.interim[1] = "mine"
        assert.same({}, response.interim)
      end)
    end)

    describe("timings", function()
      promise("rise from step to step, and elapsed is the whole", function(sender)
        local response = assert(server:exchange(sender, { body = "x", delay = 0.05 }))
        local timings = response.timings
        assert.is_true(0 <= timings.dns and timings.dns <= timings.connect)
        assert.is_true(timings.connect < timings.first_byte and timings.first_byte >= 0.05)
        assert.is_true(timings.first_byte <= timings.total)
        assert.same({ 0, timings.total }, { timings.tls, response.elapsed })
      end)

      promise("have no connecting where a connection was kept", function(sender)
        assert.is_true(assert(server:exchange(sender, { body = "x" })).timings.connect > 0)
        local response = assert(server:exchange(sender, { body = "x" }))
        assert.same({ 0, true }, { response.timings.connect, response.reused })
      end)

      promise("of a stream are those of its head", function(sender)
        local head = OK .. "Content-Length: 10\r\n\r\n"
        local response = stream(sender, { drip = { bytes = head .. "0123456789", size = #head,
          interval = 0.2 } })
        assert.is_true(response.elapsed < 0.2)
        local elapsed = response.elapsed
        assert.equal(elapsed, drain(response).elapsed)
      end)
    end)
  end)
end

describe("A response that was made", function()
  it("is complete, from nowhere, after nothing, in no time", function()
    local response = viesti.Response({ body = "x" })
    assert.is_true(response.complete)
    assert.is_nil(response.remote)
    assert.same({}, response.interim)
    assert.same({ dns = 0, connect = 0, tls = 0, first_byte = 0, total = 0 }, response.timings)
    assert.equal(0, response.elapsed)
  end)
end)
