local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local fresh_lua = require("spec.support.fresh_lua")
local sender_cases = require("spec.support.sender_cases")
local warnings = require("spec.support.warnings")

local SyncSender = viesti.SyncSender

describe("SyncSender", function()
  local server, web = fixture.origin(), fixture.nginx()

  for _, case in ipairs(sender_cases) do
    it(case[1], function()
      local sender <close> = SyncSender(case.options or {})
      case[2](sender, server, web)
    end)
  end

  it("is not asynchronous, and says so as a class too", function()
    local sender <close> = SyncSender()
    assert.is_false(sender.is_async)
    assert.is_false(SyncSender.is_async)
  end)

  -- What a program of its own, which has `client` and `request`, prints.
  local function printed(program)
    return fresh_lua(([[
      local viesti = require "viesti"
      local client, request = viesti.SyncSender {}, { url = %q }
      viesti.TaskWarning:set(function(sentence) print(sentence) end)
      %s
    ]]):format(server.url .. "/echo", program))
  end

  it("tells once of tasks that it holds up", function()
    assert.matches("^[^\n]*:5: SyncSender:send blocks its task and 2 others, AsyncSender:send its "
      .. "own alone$", printed [[
        for _ = 1, 2 do
          viesti.map({ 1, 2, 3 }, function() return client:send(request) end)
        end
      ]])
    assert.matches("^[^\n]*:7: SyncSender:send blocks its task and 1 other, AsyncSender:send its "
      .. "own alone$", printed [[
        viesti.run(function()
          local task = viesti.spawn(viesti.sleep, 0.01)
          viesti.sleep(0)
          assert(client:send(request))
          task:join()
        end)
      ]])
  end)

  it("tells of nothing where it holds nobody up", function()
    assert.equal("200", printed [[
      assert(client:send(request))
      viesti.run(function()
        viesti.spawn(function() assert(client:send(request)) end):join()
        print(client:send(request).status_code)
      end)
    ]])
  end)

  it("blocks: a task that sends lets no other run", function()
    local sender <close> = SyncSender()
    local _ <close> = warnings.kept(viesti.TaskWarning)
    server:route("/slow", { body = "x", delay = 0.05 })
    local order = {}
    viesti.run(function()
      local other = viesti.spawn(function() order[#order + 1] = "other" end)
      sender:send({ url = server.url .. "/slow" })
      order[#order + 1] = "sent"
      other:join()
    end)
    assert.same({ "sent", "other" }, order)
  end)

  it("sleeps without a loop", function()
    local sender <close> = SyncSender()
    local started = sender:now()
    sender:sleep(0.03)
    local elapsed = sender:now() - started
    assert.is_true(elapsed >= 0.03 and elapsed < 0.2)
  end)

  it("works in a coroutine of the caller's and under table.sort", function()
    local sender <close> = SyncSender()
    local function send()
      return assert(sender:send({ url = server.url .. "/echo" })).status_code
    end
    assert.equal(200, coroutine.wrap(send)())
    local status
    table.sort({ 1, 2 }, function(a, b)
      status = send()
      return a < b
    end)
    assert.equal(200, status)
  end)

  describe("with a Session passed in", function()
    it("sends with its options and shares its connections", function()
      local session <close> = viesti.Session({ user_agent = "shared" })
      local first, second = SyncSender(session), SyncSender({ session = session })
      assert.equal(session, first.session)
      for _, sender in ipairs({ first, second, first }) do
        assert(sender:send({ url = server.url .. "/echo" }))
      end
      assert.equal(1, server:connections())
      assert.equal("shared", server:requests()[1].header("User-Agent"))
    end)

    it("closes it for everyone who shares it", function()
      local session = viesti.Session()
      local first, second = SyncSender(session), SyncSender(session)
      first:close()
      assert.equal("closed", select(2, second:send({ url = server.url .. "/echo" })).kind)
    end)

    it("refuses options of its own beside it", function()
      local session <close> = viesti.Session()
      assert.has_error(function() SyncSender({ session = session, timeout = 1 }) end,
        "SyncSender: session and timeout are both given; options go to the Session")
    end)
  end)

  it("keeps its connections to itself without one", function()
    local first <close> = SyncSender()
    local second <close> = SyncSender()
    assert(first:send({ url = server.url .. "/echo" }))
    assert(second:send({ url = server.url .. "/echo" }))
    assert.equal(2, server:connections())
  end)

  it("closes when it is a to-be-closed variable", function()
    local kept
    do
      local sender <close> = SyncSender()
      kept = sender
    end
    assert.is_true(kept.session:is_closed())
  end)

  it("refuses what is no request before anything is sent", function()
    local sender <close> = SyncSender()
    assert.error_matches(function() sender:send() end,
      "the request must be a Request or a table of its options, got nothing")
    assert.error_matches(function() sender:send("http://x/") end, "Request or a table")
    assert.error_matches(function()
      sender:send({ url = server.url, headers = { A = "b\r\nC: d" } })
    end, "the header 'A' must not have CR, LF or NUL")
    assert.same({}, server:requests())
  end)
end)
