local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")
local proxy = require("spec.support.proxy")
local resident = require("spec.support.resident")
local tls_server = require("spec.support.tls_server")
local ways = require("spec.support.ways")

local MEBIBYTE = 1024 * 1024

local locations = [[
  location = /connection { default_type text/plain; return 200 "$connection"; }
  location = /slow { default_type text/plain; echo_sleep 0.05; echo -n "$connection"; }
  location = /hang { echo_sleep 60; echo "late"; }
  location /origin/ {
    proxy_pass http://127.0.0.1:%d/;
    proxy_request_buffering off;
    proxy_http_version 1.1;
  }
  location = /small { client_max_body_size 10; proxy_pass http://127.0.0.1:%d/; }
]]

local function server_blocks(origin_port)
  local directives = locations:format(origin_port, origin_port)
  local blocks = {}
  for name, more in pairs({
    many = "error_page 405 =200 $uri;", -- a file for a POST, too
    narrow = "http2_max_concurrent_streams 4;",
    brief = "keepalive_requests 5;",
  }) do
    blocks[#blocks + 1] = tls_server({ name = name, http2 = true, certificate = certificates.good,
      directives = directives .. more })
  end
  blocks[#blocks + 1] = tls_server({ name = "without", certificate = certificates.good,
    directives = directives })
  return table.concat(blocks)
end

local function numbers(count)
  local list = {}
  for number = 1, count do
    list[number] = number
  end
  return list
end

describe("HTTP/2", function()
  local server, backend, relay

  setup(function()
    backend = origin.start()
    server = nginx.start({ http = server_blocks(backend.port),
      files = { large = ("0123456789abcdef"):rep(MEBIBYTE // 2) } })
    relay = proxy.start({ to = server.ports.many })
  end)

  teardown(function()
    relay:stop()
    server:stop()
    backend:stop()
  end)

  before_each(function()
    backend:reset()
  end)

  local function url(name, path)
    return ("https://127.0.0.1:%d%s"):format(server.ports[name], path)
  end

  local function relayed(path)
    return ("https://127.0.0.1:%d%s"):format(relay.port, path)
  end

  local function session(options)
    local all = { ca = certificates.ca, http_version = "2", timeout = 10 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return all
  end

  -- That many GETs of a URL at once: the responses, and the errors under the others' numbers.
  local function at_once(sender, count, target)
    return viesti.map(numbers(count), function()
      return sender:send({ url = target })
    end, { concurrency = count })
  end

  local function assert_all(count, responses, errors)
    assert.same({}, errors)
    for number = 1, count do
      assert.same({ number, 200, "2" },
        { number, responses[number].status_code, responses[number].http_version })
    end
  end

  for _, way in ipairs(ways) do
    describe("with " .. way.name, function()
      local function promise(text, options, check)
        it(text, function()
          way.run(function()
            local sender <close> = way.sender(session(options))
            check(sender)
          end)
        end)
      end

      local function version(sender, target)
        return assert(sender:send({ url = target })).http_version
      end

      for wanted, versions in pairs({
        ["auto"] = { "2", "1.1", "1.1" },
        ["1.1"] = { "1.1", "1.1", "1.1" },
        ["2"] = { "2", "1.1", "1.1" },
      }) do
        promise(("is%s what %s takes where TLS offers it, and nowhere else"):format(
          wanted == "1.1" and " not" or "", wanted), { http_version = wanted }, function(sender)
          assert.same(versions, {
            version(sender, url("many", "/connection")),
            version(sender, url("without", "/connection")),
            version(sender, server.url .. "/static/text.txt"),
          })
        end)
      end

      promise("keeps one connection for one request after the other", nil, function(sender)
        local first = assert(sender:send({ url = url("many", "/connection") }))
        for _ = 1, 5 do
          local response = assert(sender:send({ url = url("many", "/connection") }))
          assert.same({ first.body, true }, { response.body, response.reused })
        end
      end)

      promise("gives a head without a reason, and fields in any case", nil, function(sender)
        local response = assert(sender:send({ url = url("many", "/connection") }))
        assert.same({ "", "text/plain" }, { response.reason, response.headers["Content-Type"] })
        local absent = assert(sender:send({ method = "HEAD", url = url("many", "/none") }))
        assert.same({ 404, "" }, { absent.status_code, absent.body })
      end)

      promise("sends large bodies, and fields as they are", nil, function(sender)
        local body = ("y"):rep(3 * MEBIBYTE)
        local sent = 0
        local function piecewise()
          sent = sent + 1
          return sent <= 32 and body:sub(1, #body // 32) or nil
        end
        for _, content in ipairs({ body, piecewise }) do
          local response = assert(sender:send({ method = "POST", url = url("many", "/origin/take"),
            content = content, headers = { { "X-A", "1" }, { "X-A", "2" } } }))
          assert.same({ 404, "2" }, { response.status_code, response.http_version })
        end
        for _, request in ipairs(backend:requests()) do
          assert.is_true(request.body == body)
          assert.equal("1", request.header("x-a"))
        end
        assert.equal(2, backend:count("/take"))
      end)

      promise("takes the answer to a body that is not wanted", nil, function(sender)
        local response = assert(sender:send({ method = "POST", url = url("many", "/small"),
          content = ("y"):rep(5 * MEBIBYTE) }))
        assert.same({ 413, "2" }, { response.status_code, response.http_version })
        assert.equal(200, assert(sender:send({ url = url("many", "/connection") })).status_code)
      end)

      promise("never sends a POST twice, wherever its connection dies", nil, function()
        local sent = 0
        for after = 1500, 4500, 150 do
          for _, content in ipairs({ "x", "" }) do
            relay:set({ to = server.ports.many, cut = { after = after, reset = true } })
            local sender <close> = way.sender(session())
            if sender:send({ url = relayed("/connection") }) then
              backend:reset()
              local response = sender:send({ method = "POST", url = relayed("/origin/once"),
                content = content })
              local count = backend:count("/once")
              assert.is_true(count == 1 or count == 0 and not response, count)
              sent = sent + count
            end
          end
        end
        assert.is_true(sent > 0)
      end)

      promise("streams a body over a connection that nothing else comes over", nil, function(sender)
        local before = server:connections()
        local streamed = assert(sender:send({ url = url("many", "/large"), stream = true }))
        local pieces = { (assert(streamed:read(1000))) }
        for _ = 1, 5 do
          assert.equal(200, assert(sender:send({ url = url("many", "/connection") })).status_code)
        end
        for piece in streamed:chunks() do
          pieces[#pieces + 1] = piece
        end
        assert.is_true(table.concat(pieces) == ("0123456789abcdef"):rep(MEBIBYTE // 2))
        assert.same({ "2", 2 }, { streamed.http_version, server:connections() - before })
      end)

      promise("goes on over the connection of a stream that was left", nil, function(sender)
        local before = server:connections()
        for _ = 1, 3 do
          local left = assert(sender:send({ url = url("many", "/large"), stream = true }))
          assert(left:read(1))
          left:close()
        end
        assert.equal(200, assert(sender:send({ url = url("many", "/connection") })).status_code)
        assert.equal(1, server:connections() - before)
      end)

      promise("survives a server that says GOAWAY every few requests", nil, function(sender)
        local before = server:connections()
        for number = 1, 20 do
          local response = assert(sender:send({ method = number % 2 == 0 and "POST" or "GET",
            url = url("brief", "/origin/go"), content = number % 2 == 0 and "x" or nil }))
          assert.equal("2", response.http_version)
        end
        assert.equal(20, backend:count("/go"))
        assert.is_true(server:connections() - before >= 4)
      end)
    end)
  end

  describe("with an AsyncSender", function()
    local function promise(text, options, check)
      it(text, function()
        viesti.run(function()
          local sender <close> = viesti.AsyncSender(session(options))
          check(sender)
        end)
      end)
    end

    promise("carries 50 requests at once over one connection", nil, function(sender)
      local before = server:connections()
      local responses, errors = at_once(sender, 50, url("many", "/slow"))
      assert_all(50, responses, errors)
      for number = 1, 50 do
        assert.equal(responses[1].body, responses[number].body)
      end
      assert.equal(1, server:connections() - before)
    end)

    promise("holds little of bodies that nobody reads, whatever else comes", nil, function(sender)
      assert_all(1, at_once(sender, 1, url("many", "/connection")))
      local before, streamed = resident.start(), {}
      for number = 1, 10 do
        streamed[number] = assert(sender:send({ url = url("many", "/large"), stream = true }))
      end
      for _ = 1, 20 do
        assert_all(10, at_once(sender, 10, url("many", "/connection")))
      end
      assert.is_true(resident.peak() - before < 30 * MEBIBYTE, resident.peak() - before)
      for _, response in ipairs(streamed) do
        response:close()
      end
      before = server:connections()
      assert_all(50, at_once(sender, 50, url("many", "/slow")))
      assert.equal(0, server:connections() - before)
    end)

    it("lets others come while bodies are streamed from a server that does not have it", function()
      viesti.run(function()
        local sender <close> = viesti.AsyncSender(session())
        local streams, others = {}, {}
        for number = 1, 3 do
          streams[number] = viesti.spawn(sender.send, sender,
            { url = server.url .. "/static/large", stream = true })
          others[number] = viesti.spawn(sender.send, sender,
            { url = server.url .. "/static/text.txt" })
        end
        for number = 1, 3 do
          assert.equal(200, assert(others[number]:join()).status_code)
          assert(streams[number]:join()):close()
        end
      end)
    end)

    promise("keeps to as many streams as the server allows", nil, function(sender)
      assert_all(50, at_once(sender, 50, url("narrow", "/slow")))
    end)

    promise("survives a server that says GOAWAY to requests under way", nil, function(sender)
      assert_all(60, at_once(sender, 60, url("brief", "/connection")))
    end)

    promise("loses one stream to its timeout, and no other", { timeout = 0.5 }, function(sender)
      local before = server:connections()
      assert_all(1, at_once(sender, 1, url("many", "/connection")))
      local hanging = viesti.spawn(sender.send, sender, { url = url("many", "/hang") })
      assert_all(20, at_once(sender, 20, url("many", "/slow")))
      local _, err = hanging:join()
      assert.same({ "timeout", "maybe" }, { err.kind, err.sent })
      assert_all(1, at_once(sender, 1, url("many", "/connection")))
      assert.equal(1, server:connections() - before)
    end)

    promise("loses one stream to a cancelled task, and no other", nil, function(sender)
      local before = server:connections()
      assert_all(1, at_once(sender, 1, url("many", "/connection")))
      local hanging = viesti.spawn(sender.send, sender, { url = url("many", "/hang") })
      local slow = viesti.spawn(at_once, sender, 10, url("many", "/slow"))
      viesti.sleep(0.02)
      hanging:cancel()
      assert_all(10, slow:join())
      assert_all(1, at_once(sender, 1, url("many", "/connection")))
      assert.equal(1, server:connections() - before)
    end)

    promise("loses one stream to a server that ends it, and no other", nil, function(sender)
      local before = server:connections()
      backend:route("/short", { headers = { { "Content-Length", "10" } }, body = "abc",
        close = true })
      local broken = viesti.spawn(sender.send, sender, { url = url("many", "/origin/short") })
      assert_all(10, at_once(sender, 10, url("many", "/slow")))
      local response, err = broken:join()
      assert.is_nil(response)
      assert.same({ "reset", "maybe", true }, { err.kind, err.sent, err.retryable })
      assert.equal(1, server:connections() - before)
    end)

    promise("loses one stream to max_body, and no other", { max_body = MEBIBYTE },
      function(sender)
        local before = server:connections()
        local large = viesti.spawn(sender.send, sender, { url = url("many", "/large") })
        assert_all(10, at_once(sender, 10, url("many", "/slow")))
        assert.equal("too_large", select(2, large:join()).kind)
        assert_all(1, at_once(sender, 1, url("many", "/connection")))
        assert.equal(1, server:connections() - before)
      end)

    promise("never sends a POST again whose connection others came to share", nil, function()
      for number = 1, 24 do
        backend:reset()
        backend:route("/once", { body = "late", delay = 0.5 })
        relay:set({ to = server.ports.many, cut = { after = 20000 + number * 5000, reset = true } })
        local sender <close> = viesti.AsyncSender(session())
        local post = viesti.spawn(sender.send, sender, { method = "POST",
          url = relayed("/origin/once"), content = number % 2 == 0 and "x" or nil })
        while backend:count("/once") == 0 do
          viesti.sleep(0.002)
        end
        at_once(sender, 1 + number % 4, relayed("/large"))
        local response, err = post:join()
        assert.is_nil(response)
        assert.same({ "maybe", false }, { err.sent, err.retryable })
        assert.equal(1, backend:count("/once"))
      end
    end)

    for _, reset in ipairs({ false, true }) do
      promise(("ends every stream of a connection that is %s"):format(reset and "reset" or "cut"),
        nil, function(sender)
          for _, after in ipairs({ 3000, 200000 }) do
            relay:set({ to = server.ports.many, cut = { after = after, reset = reset } })
            local responses, errors = viesti.map(numbers(10), function(number)
              return sender:send({ method = number > 1 and "GET" or "POST",
                url = relayed("/large") })
            end, { concurrency = 10 })
            assert.same({}, responses)
            for number = 1, 10 do
              local err = errors[number]
              assert.is_true(err.kind == "truncated" or err.kind == "reset", tostring(err))
              assert.same({ "maybe", number > 1 }, { err.sent, err.retryable })
            end
          end
          relay:set({ to = server.ports.many })
          assert_all(10, at_once(sender, 10, relayed("/connection")))
        end)
    end
  end)
end)
