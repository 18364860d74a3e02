local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local sender_cases = require("spec.support.sender_cases")
local warnings = require("spec.support.warnings")

local AsyncSender = viesti.AsyncSender

describe("AsyncSender", function()
  local server, web = fixture.origin(), fixture.nginx()

  for _, case in ipairs(sender_cases) do
    it(case[1], function()
      viesti.run(function()
        local sender <close> = AsyncSender(case.options or {})
        case[2](sender, server, web)
      end)
    end)
  end

  it("is asynchronous, and says so as a class too", function()
    local sender <close> = AsyncSender()
    assert.is_true(sender.is_async)
    assert.is_true(AsyncSender.is_async)
  end)

  it("has 200 requests under way at once", function()
    local sender <close> = AsyncSender()
    server:route("/slow", { json = { ok = true }, delay = 0.2 })
    local urls = {}
    for index = 1, 200 do
      urls[index] = server.url .. "/slow?" .. index
    end
    local started = sender:now()
    local responses, errors = viesti.map(urls, function(url)
      return sender:send({ url = url })
    end, { concurrency = 200 })
    local elapsed = sender:now() - started
    assert.same({}, errors)
    for index = 1, 200 do
      assert.equal(urls[index], responses[index].url)
      assert.is_true(responses[index].content.ok)
    end
    assert.equal(200, server:count("/slow"))
    assert.is_true(elapsed < 2, "took " .. elapsed)
  end)

  it("queues what is beyond max_connections", function()
    local sender <close> = AsyncSender({ max_connections = 3 })
    local urls = {}
    for index = 1, 30 do
      urls[index] = server.url .. "/echo?" .. index
    end
    local responses = viesti.map(urls, function(url)
      return sender:send({ url = url })
    end, { concurrency = 30 })
    assert.equal(30, #responses)
    assert.is_true(server:connections() <= 3)
  end)

  it("lets other tasks run while it waits", function()
    local sender <close> = AsyncSender()
    server:route("/slow", { body = "x", delay = 0.1 })
    local order = {}
    viesti.run(function()
      local other = viesti.spawn(function()
        viesti.sleep(0.01)
        order[#order + 1] = "other"
      end)
      assert(sender:send({ url = server.url .. "/slow" }))
      order[#order + 1] = "sent"
      other:join()
    end)
    assert.same({ "other", "sent" }, order)
  end)

  it("sends from the main thread without a task, and drives the other tasks meanwhile", function()
    local sender <close> = AsyncSender()
    server:route("/slow", { body = "x", delay = 0.05 })
    local ran = false
    local task = viesti.spawn(function() ran = true end)
    assert.equal("x", assert(sender:send({ url = server.url .. "/slow" })).body)
    assert.is_true(ran)
    assert.equal("done", task:status())
  end)

  it("refuses a coroutine that viesti does not run, with a sentence", function()
    local sender <close> = AsyncSender()
    local ok, message = coroutine.resume(coroutine.create(function()
      return sender:send({ url = server.url .. "/echo" })
    end))
    assert.is_false(ok)
    assert.matches("AsyncSender:send cannot wait in a coroutine that viesti does not run; "
      .. "start it with viesti.spawn, or use a SyncSender", message, 1, true)
    viesti.run(function()
      assert.error_matches(coroutine.wrap(function()
        sender:send({ url = server.url .. "/echo" })
      end), "coroutine that viesti does not run")
    end)
    assert.same({}, server:requests())
  end)

  it("refuses to wait where a C function stands between it and its task", function()
    local sender <close> = AsyncSender()
    viesti.run(function()
      local ok, message = pcall(table.sort, { 2, 1 }, function()
        sender:send({ url = server.url .. "/echo" })
      end)
      assert.is_false(ok)
      assert.matches("AsyncSender:send cannot wait here: a C function %(table.sort", message)
      assert.equal(200, sender:send({ url = server.url .. "/echo" }).status_code)
    end)
    assert.equal(1, server:count("/echo"))
  end)

  it("sends through pcall, metamethods of Lua and iterators of Lua", function()
    local sender <close> = AsyncSender()
    local function pages()
      return function(_, number)
        local response = assert(sender:send({ url = server.url .. "/echo?" .. (number or 0) + 1 }))
        return (number or 0) < 3 and (number or 0) + 1 or nil, response
      end
    end
    viesti.run(function()
      local ok, response = pcall(sender.send, sender, { url = server.url .. "/echo" })
      assert.is_true(ok)
      assert.equal(200, response.status_code)
      local object = setmetatable({}, { __index = function()
        return assert(sender:send({ url = server.url .. "/echo" })).status_code
      end })
      assert.equal(200, object.anything)
      for _, page in pages() do
        assert.equal(200, page.status_code)
      end
    end)
  end)

  it("ends requests in flight with the error closed when it is closed", function()
    local sender = AsyncSender()
    server:route("/hang", { hang = true })
    viesti.run(function()
      local tasks = {}
      for index = 1, 20 do
        tasks[index] = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
      end
      viesti.sleep(0.05)
      sender:close()
      for _, task in ipairs(tasks) do
        local response, err = task:join()
        assert.is_nil(response)
        assert.same({ "closed", "maybe" }, { err.kind, err.sent })
      end
    end)
    assert.equal(20, server:count("/hang"))
  end)

  it("gives up the request of a task that is cancelled, and goes on with the others", function()
    local sender <close> = AsyncSender()
    server:route("/hang", { hang = true })
    server:route("/slow", { body = "x", delay = 0.1 })
    viesti.run(function()
      local hanging = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
      local slow = viesti.spawn(sender.send, sender, { url = server.url .. "/slow" })
      viesti.sleep(0.03)
      assert.is_true(hanging:cancel())
      assert.same({ "cancelled", "x" }, { hanging:status(), slow:join().body })
      assert.equal("cancelled", select(2, hanging:join()).kind)
      assert.equal(200, sender:send({ url = server.url .. "/echo" }).status_code)
    end)
  end)

  it("shares a Session with a SyncSender", function()
    local session <close> = viesti.Session()
    local async, sync = AsyncSender(session), viesti.SyncSender(session)
    for _, sender in ipairs({ async, sync, async, sync }) do
      assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    end
    assert.equal(1, server:connections())
  end)

  it("shares a Session with a SyncSender that sends while requests are in flight", function()
    local _ <close> = warnings.kept(viesti.TaskWarning)
    local session <close> = viesti.Session()
    local async, sync = AsyncSender(session), viesti.SyncSender(session)
    server:route("/slow", { body = "slow", delay = 0.05 })
    viesti.run(function()
      local slow = viesti.spawn(async.send, async, { url = server.url .. "/slow" })
      viesti.sleep(0.01)
      assert.equal(200, assert(sync:send({ url = server.url .. "/echo" })).status_code)
      assert.equal("slow", slow:join().body)
    end)
  end)

  it("may be dropped with requests in flight", function()
    server:route("/hang", { hang = true })
    viesti.run(function()
      for number = 1, 5 do
        local sender = AsyncSender()
        local task = viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
        repeat
          viesti.sleep(0.005)
        until server:count("/hang") == number
        task:cancel()
      end
    end)
    collectgarbage()
    collectgarbage()
    assert.equal(5, server:count("/hang"))
  end)
end)
