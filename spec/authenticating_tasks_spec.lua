-- AuthenticatingSender where many tasks need a token at once.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("AuthenticatingSender with many tasks", function()
  local server = fixture.origin()
  local concrete, calls

  before_each(function()
    server:route("/token", { delay = 0.05, json = { token = "t" } })
    concrete = viesti.AsyncSender()
    calls = 0
  end)

  after_each(function()
    concrete:close()
  end)

  -- Fetches a token over the network, as one would.
  local function fetch_token()
    calls = calls + 1
    local call = calls
    local response, err = concrete:send({ url = server.url .. "/token" })
    if not response then
      return nil, err
    end
    return response.content.token .. call, 3600
  end

  local function authenticating(token)
    return viesti.AuthenticatingSender({ token = token or fetch_token, sender = concrete })
  end

  -- What so many tasks get that all ask for the same at once.
  local function at_once(count, sender, path)
    local tasks = {}
    for index = 1, count do
      tasks[index] = index
    end
    return viesti.map(tasks, function()
      return sender:send({ url = server.url .. (path or "/echo") })
    end, { concurrency = count })
  end

  -- How many requests for that path showed each token.
  local function shown(path)
    local counts = {}
    for _, request in ipairs(server:requests()) do
      if request.target == path then
        local token = request.header("Authorization") or "none"
        counts[token] = (counts[token] or 0) + 1
      end
    end
    return counts
  end

  it("fetches one token for all of them", function()
    assert.equal(50, #at_once(50, authenticating()))
    assert.same({ 1, { ["Bearer t1"] = 50 } }, { calls, shown("/echo") })
  end)

  it("fetches one more where all of them are refused", function()
    local answers = {}
    for index = 1, 20 do
      answers[index] = { status = 401 }
    end
    answers[21] = { body = "welcome" }
    server:route("/x", answers)
    for _, response in ipairs(at_once(20, authenticating(), "/x")) do
      assert.equal("welcome", response.body)
    end
    assert.same({ 2, { ["Bearer t1"] = 20, ["Bearer t2"] = 20 } }, { calls, shown("/x") })
  end)

  it("fetches none for a refusal of a token that was replaced meanwhile", function()
    server:route("/quick", { { status = 401 }, { body = "welcome" } })
    server:route("/slow", { { status = 401, delay = 0.15 }, { body = "welcome" } })
    local sender = authenticating()
    local responses = viesti.map({ "/quick", "/slow" }, function(path)
      return sender:send({ url = server.url .. path })
    end)
    assert.same({ "welcome", "welcome", 2 }, { responses[1].body, responses[2].body, calls })
    assert.same({ ["Bearer t1"] = 1, ["Bearer t2"] = 1 }, shown("/slow"))
  end)

  it("gives all of them the error of the one call, and the next one a new call", function()
    server:route("/token", { { delay = 0.05, reset = true }, { json = { token = "t" } } })
    local sender = authenticating()
    local responses, errors = at_once(10, sender)
    assert.same({ 0, 10, 1, 0 }, { #responses, #errors, calls, server:count("/echo") })
    for _, err in ipairs(errors) do
      assert.equal("reset", err.kind)
    end
    at_once(1, sender)
    assert.same({ ["Bearer t2"] = 1 }, shown("/echo"))
  end)

  it("raises in all of them what the one call raises", function()
    local sender = authenticating(function()
      calls = calls + 1
      viesti.sleep(0.02)
      error({ code = 7 })
    end)
    local codes = {}
    viesti.run(function()
      local tasks = {}
      for index = 1, 5 do
        tasks[index] = viesti.spawn(pcall, sender.send, sender, { url = server.url .. "/echo" })
      end
      for index, task in ipairs(tasks) do
        codes[index] = select(2, task:join()).code
      end
    end)
    assert.same({ 1, { 7, 7, 7, 7, 7 } }, { calls, codes })
  end)

  it("lets another task ask where the one that does is cancelled", function()
    local sender = authenticating()
    viesti.run(function()
      local tasks = {}
      for index = 1, 4 do
        tasks[index] = viesti.spawn(sender.send, sender, { url = server.url .. "/echo" })
      end
      viesti.sleep(0.02)
      tasks[1]:cancel()
      tasks[3]:cancel()
      for _, index in ipairs({ 2, 4 }) do
        assert.equal(200, assert(tasks[index]:join()).status_code)
      end
    end)
    assert.same({ 2, { ["Bearer t2"] = 2 } }, { calls, shown("/echo") })
  end)

  it("lets the main thread wait for a task's call, and a task for the main thread's", function()
    local sender = authenticating()
    local task = viesti.spawn(sender.send, sender, { url = server.url .. "/echo" })
    viesti.sleep(0.02)
    assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    assert.equal(200, assert(task:join()).status_code)
    assert.same({ 1, { ["Bearer t1"] = 2 } }, { calls, shown("/echo") })
    sender = authenticating()
    local response
    task = viesti.spawn(function()
      viesti.sleep(0.02)
      response = sender:send({ url = server.url .. "/echo" })
    end)
    assert(sender:send({ url = server.url .. "/echo" }))
    task:join()
    assert.equal(200, response.status_code)
    assert.equal(2, calls)
  end)

  it("says that the function waits for itself, where it does so through others", function()
    local sender
    local function send()
      local response = sender:send({ url = server.url .. "/echo" })
      return response
    end
    local tokens = {
      function() return viesti.spawn(send):join() end,
      function() return viesti.run(send) end,
      function() return viesti.map({ 1, 2 }, send) end,
    }
    for _, token in ipairs(tokens) do
      for _, ask in ipairs({ pcall, function(...) return viesti.run(pcall, ...) end }) do
        sender = authenticating(token)
        local _ <close> = viesti.spawn(viesti.sleep, 60)
        local ok, reason = ask(send)
        assert.is_false(ok)
        assert.matches("authenticating_tasks_spec%.lua:%d+: .*waits for itself", reason)
      end
    end
    assert.equal(0, server:count("/echo"))
  end)

  it("makes no request to another origin wait", function()
    local sender = authenticating()
    viesti.run(function()
      local waiting = viesti.spawn(sender.send, sender, { url = server.url .. "/echo" })
      viesti.sleep(0.01)
      local elsewhere = server.url:gsub("127.0.0.1", "localhost")
      local response = assert(sender:send({ url = elsewhere .. "/echo" }))
      assert.is_nil(response.content.headers.authorization)
      assert.equal("running", waiting:status())
      waiting:join()
    end)
  end)
end)
