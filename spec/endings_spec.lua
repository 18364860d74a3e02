local core = require "viesti.core"
local viesti = require "viesti"
local fixture = require "spec.support.fixture"
local streams = require "spec.support.streams"
local ways = require "spec.support.ways"

-- Of ten bytes announced the first two come, and then what follows says.
local function broken_off(answer)
  answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01"
  return answer
end

-- What a layer has closed when the body of a response ends: core.on_end(response, ending).
for _, way in ipairs(ways) do
  describe("The ending of a stream of " .. way.name, function()
    local server = fixture.origin()
    local promise = way:promises { timeout = 5 }

    -- An ending that notes of what error it was told each time it is closed.
    local function noting(told, name)
      return setmetatable({}, { __close = function(_, err)
        told[#told + 1] = (name or "") .. (err and err.kind or "whole")
      end })
    end

    local function stream(sender, answer)
      server:route("/x", answer or { body = "0123456789" })
      local response = assert(sender:send { url = server.url .. "/x", stream = true })
      local told = {}
      assert.is_true(core.on_end(response, noting(told)))
      return response, told
    end

    promise("comes once, when it has been read", function(sender)
      local response, told = stream(sender)
      response:read(4)
      assert.same({}, told)
      assert.equal("456789", streams.rest_of(response))
      assert.same({ "whole" }, told)
      assert.is_nil(response:read())
      response:close()
      assert.same({ "whole" }, told)
    end)

    promise("comes once, when it fails", function(sender)
      local response, told = stream(sender, broken_off { close = true })
      local bytes, err = streams.read_all(response)
      assert.same({ "01", "truncated" }, { bytes, err.kind })
      assert.equal("truncated", select(2, response:read()).kind)
      response:close()
      assert.same({ "truncated" }, told)
    end)

    promise("comes once, when it is closed", function(sender)
      local response, told = stream(sender)
      response:close()
      response:close()
      assert.same({ "closed" }, told)
      assert.equal("closed", select(2, response:read()).kind)
      assert.same({ "closed" }, told)
    end)

    promise("comes when a loop over it is left", function(sender)
      local response, told = stream(sender)
      for chunk in response:chunks(1) do
        if chunk == "0" then
          break
        end
      end
      assert.same({ "closed" }, told)
      do
        local another <close>, others = stream(sender)
        told = another and others
      end
      assert.same({ "closed" }, told)
    end)

    promise("comes when the session is closed, to who reads on", function(sender)
      local response, told = stream(sender, broken_off { hang = true })
      assert.equal("01", response:read())
      sender:close()
      assert.same({}, told)
      assert.equal("closed", select(2, response:read()).kind)
      assert.same({ "closed" }, told)
    end)

    promise("comes of all there are, those of the inner layers first", function(sender)
      local response, told = stream(sender)
      core.on_end(response, noting(told, "second "))
      assert.is_true(core.on_end(response, {})) -- nothing to call
      core.on_end(response, noting(told, "third "))
      streams.rest_of(response)
      assert.same({ "whole", "second whole", "third whole" }, told)
    end)

    promise("goes where the stream goes", function(sender)
      local response, told = stream(sender)
      local copy = response:annotated(nil, { note = 1 })
      assert.is_false(core.on_end(response, noting(told)))
      response:close()
      assert.same({}, told)
      core.on_end(copy, noting(told))
      streams.rest_of(copy)
      assert.same({ "whole", "whole" }, told)
    end)

    promise("is collected with it, though another object over its head is not", function(sender)
      local response = stream(sender)
      local collected = 0
      local copy = response:annotated(nil, { note = 1 })
      core.on_end(copy, setmetatable({}, { __gc = function() collected = collected + 1 end }))
      copy = copy and nil -- luacheck: ignore
      collectgarbage()
      assert.equal(1, collected)
      assert.equal(200, response.status_code)
    end)

    promise("raises to who ends it, when all is over", function(sender)
      for _, act in ipairs { "read", "close" } do
        local response, told = stream(sender, broken_off { close = true })
        for _, message in ipairs { "first", "second" } do
          core.on_end(response, setmetatable({}, { __close = function() error(message, 0) end }))
        end
        core.on_end(response, noting(told))
        response:read()
        assert.same({ false, "first" }, { pcall(response[act], response) })
        assert.equal(2, #told)
        assert.is_true(pcall(response[act], response))
        assert.equal(200, assert(sender:send { url = server.url .. "/echo" }).status_code)
      end
    end)

    promise("may not wait in a task", function(sender)
      local response = stream(sender)
      core.on_end(response, setmetatable({}, { __close = function() viesti.sleep(0) end }))
      local fine, reason = pcall(streams.rest_of, response)
      assert.equal(core.current() == nil, fine)
      assert.is_truthy(fine or reason:find "sleep cannot wait here")
    end)

    promise("is not waited for where nothing is to come", function(sender)
      local told = {}
      for _, response in ipairs {
        assert(sender:send { url = server.url .. "/echo" }), viesti.Response { body = "x" },
      } do
        assert.is_false(core.on_end(response, noting(told)))
      end
      local response = stream(sender)
      streams.rest_of(response)
      assert.is_false(core.on_end(response, noting(told)))
      assert.same({}, told)
    end)

    promise("stays with it through the layers", function(sender)
      local told = {}
      local Noting = viesti.ExtendingSender:extend "NotingSender"
      function Noting:send(request)
        local response, err = self.sender:send(request)
        core.on_end(response, noting(told, response.status_code .. " "))
        return response, err
      end
      server:route("/old", { status = 302, headers = { { "Location", "/new" } }, body = "moved" })
      server:route("/new", { { status = 503, body = "no" }, { body = "yes", etag = '"1"',
        headers = { { "Cache-Control", "no-cache" } } } })
      local chain = viesti.chain { viesti.CachingSender {}, viesti.RetryingSender { retries = 1,
        backoff = { base = 0 } }, viesti.RedirectingSender {}, Noting {}, sender }
      local response = assert(chain:send { url = server.url .. "/old", stream = true })
      assert.equal(3, #told) -- two redirects and a 503: none was left to the collector
      assert.equal("yes", streams.rest_of(response))
      assert.equal("200 whole", told[4])
    end)
  end)
end

describe("The ending of a stream", function()
  local server = fixture.origin()

  it("comes to a task that reads when another closes it", function()
    server:route("/x", broken_off { hang = true })
    viesti.run(function()
      local sender <close> = viesti.AsyncSender { timeout = 5 }
      local response = assert(sender:send { url = server.url .. "/x", stream = true })
      local told = {}
      core.on_end(response, setmetatable({}, { __close = function(_, err)
        told[#told + 1] = { core.current(), err.kind }
      end }))
      local reader = viesti.spawn(function() return streams.read_all(response) end)
      viesti.sleep(0.05)
      response:close()
      assert.same({}, told)
      assert.equal("closed", select(2, reader:join()).kind)
      assert.same({ { reader, "closed" } }, told)
    end)
  end)

  it("does not come where a task that reads is cancelled, until the stream is ended", function()
    server:route("/x", broken_off { hang = true })
    viesti.run(function()
      local sender <close> = viesti.AsyncSender { timeout = 5 }
      local response = assert(sender:send { url = server.url .. "/x", stream = true })
      local told = 0
      core.on_end(response, setmetatable({}, { __close = function() told = told + 1 end }))
      local reader = viesti.spawn(function() return streams.read_all(response) end)
      viesti.sleep(0.05)
      reader:cancel()
      assert.equal(0, told)
      response:close()
      assert.equal(1, told)
    end)
  end)
end)
