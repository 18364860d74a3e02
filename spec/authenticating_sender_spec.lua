local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local AuthenticatingSender = viesti.AuthenticatingSender

-- A token function that gives "t1", "t2", ... for so many seconds each, and the count of its calls.
local function counting(seconds)
  local calls = { count = 0 }
  return function()
    calls.count = calls.count + 1
    return "t" .. calls.count, seconds
  end, calls
end

for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
  describe("AuthenticatingSender over a " .. kind, function()
    local server, other = fixture.origin(), fixture.origin()
    local concrete

    before_each(function()
      concrete = viesti[kind]()
    end)

    after_each(function()
      concrete:close()
    end)

    local function authenticating(options)
      options.sender = options.sender or concrete
      return AuthenticatingSender(options)
    end

    local function send(sender, request)
      request = request or {}
      request.url = request.url or server.url .. "/echo"
      return viesti.run(sender.send, sender, request)
    end

    -- What the last request to the origin said it was.
    local function shown(header, place)
      local requests = (place or server):requests()
      return requests[#requests].header(header or "Authorization")
    end

    it("sends user and password as Basic", function()
      local pairs_of = {
        { "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" }, -- RFC 7617 2
        { "test", "123\u{a3}", "Basic dGVzdDoxMjPCow==" }, -- RFC 7617 2.1
        { "", "", "Basic Og==" }, { "a", "", "Basic YTo=" }, { "a", "b:c", "Basic YTpiOmM=" },
        { "\u{ff}", "\u{3ff}\u{3bf}", "Basic w786z7/Ovw==" },
      }
      for _, pair in ipairs(pairs_of) do
        assert(send(authenticating({ basic = { pair[1], pair[2] } })))
        assert.equal(pair[3], shown())
      end
    end)

    it("sends a token as Bearer", function()
      assert(send(authenticating({ bearer = "abc.def" })))
      assert.equal("Bearer abc.def", shown())
    end)

    it("sends a token alone in a header of another name", function()
      assert(send(authenticating({ bearer = "abc", header = "X-Api-Key" })))
      assert.same({ "abc", nil }, { shown("X-Api-Key"), shown() })
      assert(send(authenticating({ bearer = "abc", header = "authorization" })))
      assert.equal("Bearer abc", shown())
    end)

    it("leaves a request alone that brings its own, and any body as it is", function()
      local token, calls = counting()
      local sender = authenticating({ token = token })
      assert(send(sender, { headers = { authorization = "mine" } }))
      assert.same({ "mine", 0 }, { shown(), calls.count })
      local response = assert(send(sender, { method = "PUT", json = { a = 1 } }))
      assert.same({ "PUT", '{"a":1}' }, { response.content.method, response.content.body })
      assert.equal("Bearer t1", shown())
    end)

    it("sends nothing where a request leaves the field out, and asks no second time", function()
      server:route("/x", { status = 401 })
      local token, calls = counting()
      local sender = authenticating({ token = token })
      local response = assert(send(sender, { url = server.url .. "/x",
        headers = { authorization = false } }))
      assert.same({ 401, nil, 0 }, { response.status_code, shown(), calls.count })
      assert.equal(1, server:count("/x"))
    end)

    it("does not change the request it is given", function()
      local request = viesti.Request({ url = server.url .. "/echo" })
      local sender = authenticating({ bearer = "abc" })
      assert(viesti.run(sender.send, sender, request))
      assert.is_nil(request.headers.Authorization)
    end)

    it("sends a file after the credentials were added, and again after a 401", function()
      server:route("/x", { { status = 401 }, { body = "welcome" } })
      local file <close> = io.tmpfile()
      file:write("skipped, from a file")
      file:seek("set", 9)
      local sender = authenticating({ token = counting() })
      assert(send(sender, { method = "PUT", url = server.url .. "/x", content = file }))
      local requests = server:requests()
      assert.same({ "from a file", "from a file" }, { requests[1].body, requests[2].body })
    end)

    describe("shows its credentials", function()
      it("to the origin of the first request alone", function()
        local sender = authenticating({ bearer = "abc" })
        assert(send(sender))
        assert(send(sender, { url = other.url .. "/echo" }))
        assert.same({ "Bearer abc", nil }, { shown(), shown(nil, other) })
        assert(send(sender))
        assert.equal("Bearer abc", shown())
      end)

      it("to the origins that it is told", function()
        local sender = authenticating({ bearer = "abc", origins = { other.url .. "/" } })
        assert(send(sender))
        assert(send(sender, { url = other.url .. "/echo" }))
        assert.same({ nil, "Bearer abc" }, { shown(), shown(nil, other) })
        sender = authenticating({ bearer = "abc", origins = { other.url, server.url } })
        assert(send(sender))
        assert.equal("Bearer abc", shown())
      end)

      it("to no other origin that a redirect leads to", function()
        for _, order in ipairs({ "outside", "inside" }) do
          server:reset()
          server:route("/away", { status = 302,
            headers = { { "Location", other.url .. "/status/401" } } })
          local token, calls = counting()
          local chain = order == "outside"
            and viesti.RedirectingSender({ sender = authenticating({ token = token }) })
            or authenticating({ token = token,
              sender = viesti.RedirectingSender({ sender = concrete }) })
          assert.equal(401, assert(send(chain, { url = server.url .. "/away" })).status_code)
          assert.same({ "Bearer t1", nil, 1 }, { shown(), shown(nil, other), calls.count })
        end
      end)

      it("neither printed, nor described, nor in an error", function()
        for _, options in ipairs({ { bearer = "hush" }, { basic = { "me", "hush" } } }) do
          local sender = authenticating(options)
          assert.is_nil(tostring(sender):find("hush"))
          assert.is_nil(tostring(sender):find("aHVzaA"))
          assert.matches("<hidden>", tostring(sender))
          local described = sender:describe().options
          assert.equal("<hidden>", described.bearer or described.basic)
          local response, err = send(sender, { url = "http://127.0.0.1:1/" })
          assert.same({ nil, "connect" }, { response, err.kind })
          assert.is_nil(err.request.headers.Authorization)
        end
      end)

      it("not even where a cache below made another request of it", function()
        server:route("/x", { { headers = { { "Cache-Control", "public, max-age=0" } },
          etag = '"1"' }, { reset = true } })
        local sender = authenticating({ bearer = "hush",
          sender = viesti.CachingSender({ sender = concrete }) })
        assert(send(sender, { url = server.url .. "/x" }))
        local _, err = send(sender, { url = server.url .. "/x" })
        assert.same({ "reset", nil }, { err.kind, err.request.headers.Authorization })
        assert.equal('"1"', shown("If-None-Match"))
      end)
    end)
  end)
end

describe("AuthenticatingSender", function()
  local function refuses(options, message)
    local ok, reason = pcall(function() AuthenticatingSender(options) end)
    assert.is_false(ok)
    assert.matches(message, reason)
    assert.is_nil(reason:find("hush"))
    assert.matches("authenticating_sender_spec", reason)
  end

  it("takes one of basic, bearer and token", function()
    refuses({}, "one of basic, bearer and token must be given")
    refuses({ bearer = "hush", token = print }, "bearer and token are given; it takes one of them")
  end)

  it("refuses credentials that cannot be sent", function()
    for _, pair in ipairs({ {}, { "hush" }, { "a", 1 }, { "a", "b", "hush" } }) do
      refuses({ basic = pair }, "basic must be { user, password }, two strings")
    end
    for _, pair in ipairs({ { "a:b", "hush" }, { "a", "hush\n" }, { "a\0", "hush" } }) do
      refuses({ basic = pair }, "no control characters, and no colon")
    end
    for _, token in ipairs({ "", "hush\r\nX: y", "hush\u{e4}" }) do
      refuses({ bearer = token }, "bearer must be printable ASCII")
    end
    refuses({ bearer = "hush", header = "X Key" }, 'name of a header field, got "X Key"')
    for _, name in ipairs({ "Host", "content-length", "Transfer-Encoding", "Connection" }) do
      refuses({ bearer = "hush", header = name },
        "a field for credentials, " .. name:gsub("%-", "%%-") .. " is not")
    end
  end)

  it("does not show what it refuses", function()
    refuses({ basic = "me:hush" }, 'basic must be a table { "user", "password" }, got a string')
    refuses({ bearer = { "hush" } }, "bearer must be a string, got a table")
  end)

  it("refuses origins that are none", function()
    for _, value in ipairs({ "api.example.org", "https://example.org/path", "https://u@a.example",
      "ftp://example.org" }) do
      refuses({ bearer = "hush", origins = { value } }, "must be a list of origins such as")
    end
    refuses({ bearer = "hush", origins = {} }, "origins must have one at least")
    refuses({ bearer = "hush", origins = { 7 } }, "origins must be a list of strings")
  end)

  it("keeps its token and its origin over another sender", function()
    local token, calls = counting(3600)
    local seen = {}
    local Recording = viesti.Sender:extend("Recording")
    function Recording:send(request)
      seen[#seen + 1] = request.headers.Authorization or "none"
      return viesti.Response({ url = request.url })
    end
    local sender = AuthenticatingSender({ token = token, sender = Recording() })
    assert(sender:send({ url = "https://a.example/" }))
    assert(sender:with_sender(Recording()):send({ url = "https://a.example/x" }))
    assert(sender:with_sender(Recording()):send({ url = "https://b.example/" }))
    assert(sender:send({ url = "http://a.example/" }))
    assert.same({ "Bearer t1", "Bearer t1", "none", "none" }, seen)
    assert.equal(1, calls.count)
  end)
end)
