-- When AuthenticatingSender asks its token function, and who waits for it.

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
    local server = fixture.origin()
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
    local function shown()
      local requests = server:requests()
      return requests[#requests].header("Authorization")
    end

    describe("asks for a token", function()
      it("when it is first needed, and once while it is good", function()
        local token, calls = counting(3600)
        local sender = authenticating({ token = token })
        assert.equal(0, calls.count)
        for _ = 1, 3 do
          assert(send(sender))
          assert.equal("Bearer t1", shown())
        end
        assert.equal(1, calls.count)
      end)

      it("never again where it does not say when it expires", function()
        local token, calls = counting()
        local sender = authenticating({ token = token, renew_before = 1e9 })
        assert(send(sender))
        assert(send(sender))
        assert.equal(1, calls.count)
      end)

      -- A sender whose clock stands where it is set.
      local function clocked(options)
        local clock = { now = 1000 }
        local Clocked = viesti.ExtendingSender:extend("Clocked")
        function Clocked:now()
          return clock.now
        end
        options.sender = Clocked(concrete)
        return AuthenticatingSender(options), clock
      end

      -- The token that is shown so many seconds after the first.
      local function shown_after(seconds, options)
        local sender, clock = clocked(options)
        assert(send(sender))
        clock.now = clock.now + seconds
        assert(send(sender))
        return shown()
      end

      it("again 30 seconds before it expires", function()
        assert.equal("Bearer t1", shown_after(69.9, { token = counting(100) }))
        assert.equal("Bearer t2", shown_after(70, { token = counting(100) }))
      end)

      it("again renew_before seconds before it expires, or at half its life", function()
        assert.equal("Bearer t1", shown_after(94.9, { token = counting(100), renew_before = 5 }))
        assert.equal("Bearer t2", shown_after(95, { token = counting(100), renew_before = 5 }))
        assert.equal("Bearer t1", shown_after(4.9, { token = counting(10), renew_before = 30 }))
        assert.equal("Bearer t2", shown_after(5, { token = counting(10), renew_before = 30 }))
      end)

      it("counts its life from when it was asked for", function()
        local sender, clock
        sender, clock = clocked({ renew_before = 0, token = function()
          clock.now = clock.now + 60
          return "t" .. clock.now, 100
        end })
        assert(send(sender))
        clock.now = clock.now + 40
        assert(send(sender))
        assert.equal("Bearer t1160", shown())
      end)
    end)

    describe("after a 401", function()
      local refused = { status = 401 }

      it("sends once more, with a new token", function()
        server:route("/x", { refused, { body = "welcome" } })
        local sender = authenticating({ token = counting(3600) })
        local response = assert(send(sender, { url = server.url .. "/x" }))
        assert.same({ "welcome", 2 }, { response.body, server:count("/x") })
        assert.same({ "Bearer t1", "Bearer t2" },
          { server:requests()[1].header("Authorization"), shown() })
        assert(send(sender))
        assert.equal("Bearer t2", shown())
      end)

      it("returns the second one", function()
        server:route("/x", refused)
        local token, calls = counting(3600)
        local sender = authenticating({ token = token })
        assert.equal(401, assert(send(sender, { url = server.url .. "/x" })).status_code)
        assert.same({ 2, 2 }, { server:count("/x"), calls.count })
      end)

      it("returns it where there is no function to ask, and other statuses always", function()
        server:route("/x", refused)
        for _, options in ipairs({ { bearer = "t" }, { basic = { "a", "b" } } }) do
          assert.equal(401, assert(send(authenticating(options), { url = server.url .. "/x" }))
            .status_code)
        end
        assert.equal(2, server:count("/x"))
        local token, calls = counting()
        local sender = authenticating({ token = token })
        for _, status in ipairs({ 400, 403, 407, 500 }) do
          assert.equal(status,
            assert(send(sender, { url = server.url .. "/status/" .. status })).status_code)
        end
        assert.equal(1, calls.count)
      end)

      it("sends a body again, but not one that is gone; the next request has a new token",
        function()
          server:route("/x", { refused, { body = "welcome" } })
          local sender = authenticating({ token = counting(3600) })
          local url = server.url .. "/x"
          assert.equal("welcome",
            assert(send(sender, { method = "POST", url = url, content = "b" })).body)
          assert.equal("b", server:requests()[2].body)
          server:route("/x", refused)
          local pieces = { "a", "b" }
          assert.equal(401, assert(send(sender, { method = "POST", url = url,
            content = function() return table.remove(pieces, 1) end })).status_code)
          assert.equal(3, server:count("/x"))
          assert(send(sender))
          assert.equal("Bearer t3", shown())
        end)

      it("closes the one that was streamed", function()
        server:route("/x", { { status = 401, body = ("x"):rep(100000),
          drip = { bytes = 1000, interval = 0.05 } }, { body = "welcome" } })
        local responses = {}
        local Keeping = viesti.ExtendingSender:extend("Keeping")
        function Keeping:send(request)
          responses[#responses + 1] = self.sender:send(request)
          return responses[#responses]
        end
        local sender = authenticating({ token = counting(), sender = Keeping(concrete) })
        local response = assert(send(sender, { url = server.url .. "/x", stream = true }))
        assert.is_nil(responses[1]:read())
        assert.equal("welcome", viesti.run(response.read, response))
      end)
    end)

    describe("without a token", function()
      it("returns the error of the function, and asks anew the next time", function()
        local failure = select(2, concrete:send({ url = "http://127.0.0.1:1/" }))
        local answers = { { nil, failure }, { nil, "no luck" }, { "t3" } }
        local sender = authenticating({ token = function()
          return table.unpack(table.remove(answers, 1), 1, 2)
        end })
        assert.equal(failure, select(2, send(sender)))
        local _, err = send(sender)
        assert.equal("script: no token: no luck", tostring(err))
        assert.equal(0, server:count("/echo"))
        assert(send(sender))
        assert.equal("Bearer t3", shown())
      end)

      it("raises what the function raises, and asks anew the next time", function()
        local reason = { code = 7 }
        local sender = authenticating({ token = function()
          if reason then
            error(reason)
          end
          return "t2"
        end })
        local ok, raised = pcall(send, sender)
        assert.same({ false, 7 }, { ok, raised.code })
        reason = nil
        assert(send(sender))
        assert.equal("Bearer t2", shown())
      end)

      it("says what the function may return, without showing what it did", function()
        for _, wrong in ipairs({ {}, { 7 }, { "" }, { "hush\n" }, { { "hush" } }, { "hush", "60" },
          { "hush", 0 / 0 } }) do
          local sender = authenticating({ token = function() return table.unpack(wrong) end })
          local ok, reason = pcall(send, sender)
          assert.is_false(ok)
          assert.matches("^%S*_spec.lua:%d+: AuthenticatingSender: token must return ", reason)
          assert.is_nil(reason:find("hush"))
        end
      end)

      it("says that the function waits for itself", function()
        local sender
        sender = authenticating({ token = function()
          return sender:send({ url = server.url .. "/echo" }).body
        end })
        assert.error_matches(function() send(sender) end, "waits for itself")
      end)

      it("returns the error of a renewal after a 401", function()
        local answers = { { "t1" }, { nil, "revoked" } }
        local sender = authenticating({ token = function()
          return table.unpack(table.remove(answers, 1), 1, 2)
        end })
        local response, err = send(sender, { url = server.url .. "/status/401" })
        assert.same({ nil, "no token: revoked" }, { response, err.message })
      end)
    end)
  end)
end
