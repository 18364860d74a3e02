local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local RedirectingSender = viesti.RedirectingSender

local function to(location, status)
  return { status = status or 302, headers = { { "Location", location } }, body = "moved" }
end

for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
  describe("RedirectingSender over a " .. kind, function()
    local server, other = fixture.origin(), fixture.origin()
    local concrete

    before_each(function()
      concrete = viesti[kind]()
    end)

    after_each(function()
      concrete:close()
    end)

    local function send(request, options)
      options = options or {}
      options.sender = concrete
      local sender = RedirectingSender(options)
      request.url = request.url or server.url .. "/start"
      return viesti.run(sender.send, sender, request)
    end

    -- The request that arrived where a redirect of that status led this one.
    local function arrived(status, request)
      server:reset()
      server:route("/start", to("/echo", status))
      local response = assert(send(request))
      assert.same({ 200, server.url .. "/echo" }, { response.status_code, response.url })
      return server:requests()[2]
    end

    it("follows 301, 302, 303, 307 and 308 to their Location", function()
      for _, status in ipairs({ 301, 302, 303, 307, 308 }) do
        local request = arrived(status, {})
        assert.same({ "GET", "/echo" }, { request.method, request.target })
      end
    end)

    it("returns other statuses, and redirects without a place, as they are", function()
      for _, status in ipairs({ 200, 300, 304, 305, 306, 404 }) do
        server:route("/start", to("/echo", status))
        assert.equal(status, assert(send({})).status_code)
      end
      server:route("/start", { { status = 301 }, { status = 307 }, to("") })
      for _, status in ipairs({ 301, 307, 302 }) do
        assert.equal(status, assert(send({})).status_code)
      end
      assert.equal(0, server:count("/echo"))
    end)

    it("gives the redirects on the way as history, nil where there were none", function()
      server:route("/start", to("/second", 301))
      server:route("/second", to("/third?x=1", 307))
      server:route("/third", { body = "here" })
      local response = assert(send({}))
      assert.same({ 200, "here", server.url .. "/third?x=1", 2 },
        { response.status_code, response.body, response.url, #response.history })
      local first, second = table.unpack(response.history)
      assert.same({ 301, server.url .. "/start", "moved" },
        { first.status_code, first.url, first.body })
      assert.same({ 307, server.url .. "/second" }, { second.status_code, second.url })
      assert.is_nil(assert(send({ url = server.url .. "/third" })).history)
    end)

    it("resolves what is relative by RFC 3986, and forgets a fragment", function()
      local places = {
        { "/x", "/x" }, { "x", "/a/b/x" }, { "../../up/./x", "/up/x" },
        { "?page=2", "/a/b/c?page=2" }, { "/x#part", "/x" }, { "/x y", "/x%20y" },
        { server.url:upper() .. "/x", "/x" }, { server.url:gsub("^http:", "") .. "/x", "/x" },
      }
      for _, place in ipairs(places) do
        server:reset()
        server:route("/a/b/c?q=1", to(place[1]))
        local response = assert(send({ url = server.url .. "/a/b/c", params = { q = 1 } }))
        assert.equal(server.url .. place[2], response.url)
        assert.equal(place[2], server:requests()[2].target)
      end
    end)

    it("resolves it against where the response is from, whoever led there", function()
      server:route("/start", to("/a/second"))
      server:route("/a/second", to("third"))
      server:route("/a/third", { body = "here" })
      local Leading = viesti.ExtendingSender:extend("Leading")
      function Leading:send(request)
        local response = assert(self.sender:send(request))
        return response.headers.Location == "/a/second"
          and self.sender:send({ url = server.url .. "/a/second" }) or response
      end
      concrete = Leading(concrete)
      assert.equal("here", assert(send({})).body)
    end)

    describe("after 301 and 302", function()
      it("makes a POST a GET, without body and what described it", function()
        for _, status in ipairs({ 301, 302 }) do
          local request = arrived(status, { method = "POST", json = { a = 1 },
            headers = { ["Content-Language"] = "fi", Digest = "x", ["X-Kept"] = "yes" } })
          assert.same({ "GET", "" }, { request.method, request.body })
          assert.is_nil(request.head:lower():find("content-", 1, true))
          assert.same({ nil, "yes" }, { request.header("Digest"), request.header("X-Kept") })
        end
      end)

      it("keeps other methods, and their bodies", function()
        for _, status in ipairs({ 301, 302 }) do
          for _, method in ipairs({ "PUT", "PATCH", "DELETE" }) do
            local request = arrived(status, { method = method, content = "body" })
            assert.same({ method, "body" }, { request.method, request.body })
          end
        end
      end)
    end)

    it("makes everything but HEAD a GET after 303", function()
      for _, method in ipairs({ "GET", "POST", "PUT", "DELETE" }) do
        local request = arrived(303, { method = method, content = method ~= "GET" and "x" or nil })
        assert.same({ "GET", "", nil },
          { request.method, request.body, request.header("Content-Type") })
      end
      assert.equal("HEAD", arrived(303, { method = "HEAD" }).method)
    end)

    it("keeps method, body and its type after 307 and 308", function()
      for _, status in ipairs({ 307, 308 }) do
        local request = arrived(status, { method = "POST", json = { a = 1 } })
        assert.same({ "POST", '{"a":1}', "application/json" },
          { request.method, request.body, request.header("Content-Type") })
        request = arrived(status, { method = "POST", data = { a = "b c" } })
        assert.same({ "a=b%20c", "application/x-www-form-urlencoded" },
          { request.body, request.header("Content-Type") })
      end
    end)

    it("sends a file again from its start", function()
      local file <close> = io.tmpfile()
      file:write("skipped, from a file")
      file:seek("set", 9)
      assert.equal("from a file", arrived(308, { method = "PUT", content = file }).body)
    end)

    it("returns the redirect where the body is gone and would be needed again", function()
      local pieces = { "a", "b" }
      local function reader()
        return table.remove(pieces, 1)
      end
      server:route("/start", to("/echo", 307))
      local response = assert(send({ method = "POST", content = reader }))
      assert.same({ 307, 0 }, { response.status_code, server:count("/echo") })
      assert.equal("ab", server:requests()[1].body)
      assert.equal("", arrived(303, { method = "POST", content = reader }).body)
    end)

    describe("ends with an error", function()
      local function refusal(request, options)
        local response, err = send(request, options)
        assert.is_nil(response)
        assert.same({ "redirect", "maybe", false }, { err.kind, err.sent, err.retryable })
        return err
      end

      it("after max_redirects, 20 unless told otherwise, so that circles end", function()
        server:route("/start", to("/start"))
        assert.equal("redirect: the redirect (302) is one more than max_redirects = 20 (GET "
          .. server.url .. "/start)", tostring(refusal({})))
        assert.equal(21, server:count("/start"))
        server:reset()
        server:route("/start", { to("/start"), to("/start"), to("/echo") })
        assert.equal(200, assert(send({}, { max_redirects = 3 })).status_code)
        server:route("/start", { to("/start"), to("/start"), to("/echo") })
        refusal({}, { max_redirects = 2 })
        refusal({}, { max_redirects = 0 })
      end)

      it("where another scheme than http and https would follow", function()
        for _, place in ipairs({ "ftp://127.0.0.1/x", "file:///etc/passwd" }) do
          server:route("/start", to(place))
          assert.matches("only http and https are allowed", refusal({}).message)
        end
        for _, place in ipairs({ "javascript:alert(1)", "http://", "mailto:a@example.org" }) do
          server:route("/start", to(place))
          refusal({})
        end
      end)

      it("where several places are given", function()
        server:route("/start", { status = 302,
          headers = { { "Location", "/echo" }, { "Location", other.url .. "/echo" } } })
        assert.matches("several places", refusal({}).message)
        server:route("/start", { status = 302,
          headers = { { "Location", "/echo" }, { "Location", "/echo" } } })
        assert.equal(200, assert(send({})).status_code)
      end)
    end)

    it("returns what ends the way at a later place", function()
      server:route("/start", to("http://127.0.0.1:1/"))
      local response, err = send({})
      assert.is_nil(response)
      assert.same({ "connect", "http://127.0.0.1:1/" }, { err.kind, err.request.url })
    end)

    it("closes streamed redirects, and streams what comes in the end", function()
      server:route("/start", { status = 302, headers = { { "Location", "/end" } },
        body = ("x"):rep(1000000), drip = { bytes = 1000, interval = 0.01 } })
      server:route("/end", { body = "in the end" })
      local response = assert(send({ stream = true }))
      assert.same({ true, 1 }, { response.streamed, #response.history })
      assert.is_nil(response.history[1]:read())
      assert.equal("in the end", viesti.run(response.read, response))
    end)

    it("leaves the request it was given as it is", function()
      local request = viesti.Request({ method = "POST", url = server.url .. "/start",
        headers = { Cookie = "id=secret" }, content = "x" })
      server:route("/start", to(other.url .. "/echo", 303))
      local sender = RedirectingSender({ sender = concrete })
      assert(viesti.run(sender.send, sender, request))
      assert.same({ "POST", server.url .. "/start", "x", "id=secret" },
        { request.method, request.url, request.body, request.headers.Cookie })
    end)
  end)
end

describe("RedirectingSender", function()
  it("takes max_redirects and the sender by position, and prints what it was given", function()
    local concrete = viesti.SyncSender()
    local sender = RedirectingSender(5, concrete)
    assert.same({ 5, concrete }, { sender.max_redirects, sender.sender })
    assert.equal('RedirectingSender{ max_redirects = 5, secret_headers = { "X-Key" }, '
      .. "sender = SyncSender() }",
      tostring(RedirectingSender({ max_redirects = 5, secret_headers = { "X-Key" } })))
    assert.same({ max_redirects = 20, allow_downgrade = false },
      RedirectingSender():describe().options)
  end)

  it("says of an inner sender that returned nothing which it was", function()
    local Forgetful = viesti.Sender:extend("Forgetful")
    function Forgetful:send() end -- luacheck: ignore 212
    local _, err = RedirectingSender({ sender = Forgetful() }):send({ url = "http://h/" })
    assert.equal("script: send of Forgetful returned nil and no error (GET http://h/)",
      tostring(err))
  end)

  it("refuses what cannot be meant", function()
    assert.has_error(function() RedirectingSender(-1) end,
      "RedirectingSender: max_redirects must be an integer of 0 or more, got -1")
    for _, none in ipairs({ { 1 }, { ["X-Key"] = true } }) do
      assert.error_matches(function() RedirectingSender({ secret_headers = none }) end,
        "secret_headers must be a list of strings, got a table")
    end
    for _, list in ipairs({ { "X Key" }, { "" } }) do
      assert.error_matches(function() RedirectingSender({ secret_headers = list }) end,
        "secret_headers must be a list of names of header fields, it has ")
    end
  end)
end)
