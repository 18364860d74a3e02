local socket = require("socket")
local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")
local resident = require("spec.support.resident")
local tls_server = require("spec.support.tls_server")
local warnings = require("spec.support.warnings")

local MEBIBYTE = 1024 * 1024

local function numbers(count)
  local list = {}
  for number = 1, count do
    list[number] = number
  end
  return list
end

describe("The queue of a session", function()
  local server = fixture.origin()

  before_each(function()
    server:route("/slow", { body = "slow", delay = 0.03 })
    server:route("/hang", { hang = true })
  end)

  local function promise(statement, options, check)
    it(statement, function()
      local session <close> = viesti.Session(options)
      viesti.run(check, viesti.AsyncSender(session), session)
    end)
  end

  local function spawn(sender, path, more)
    local request = { url = server.url .. path }
    for name, value in pairs(more or {}) do
      request[name] = value
    end
    return viesti.spawn(sender.send, sender, request)
  end

  local function targets()
    local list = {}
    for index, request in ipairs(server:requests()) do
      list[index] = request.target
    end
    return list
  end

  promise("keeps to max_connections, kept ones or new", { max_connections = 3 },
    function(sender)
      server:route("/closing", { body = "x", delay = 0.01, close = true })
      local most = 0
      local ticker <close> = viesti.spawn(function()
        while true do
          most = math.max(most, server:open_connections())
          viesti.sleep(0.003)
        end
      end)
      for _, path in ipairs({ "/slow", "/closing" }) do
        viesti.map(numbers(20), function(number)
          assert(sender:send({ url = server.url .. path .. "?" .. number }))
        end, { concurrency = 20 })
        assert.equal(20, server:count(path))
        if path == "/slow" then
          assert.equal(3, server:connections())
        end
      end
      assert.equal(3, most)
      assert.equal("running", ticker:status())
    end)

  promise("lets requests go in the order they came", { max_connections = 1 }, function(sender)
    local expected, tasks = {}, {}
    for number = 1, 50 do
      expected[number] = "/echo?" .. number
      tasks[number] = spawn(sender, expected[number], { method = number % 2 == 0 and "POST"
        or "GET", content = number % 2 == 0 and "body" or nil })
    end
    for number, task in ipairs(tasks) do
      assert.equal(number % 2 == 0 and "body" or "", assert(task:join()).content.body)
    end
    assert.same(expected, targets())
  end)

  promise("goes on behind requests that fail", { max_connections = 1 }, function(sender)
    server:route("/reset", { reset = true })
    server:route("/cut", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close = true })
    local tasks = {}
    for index, path in ipairs({ "/reset", "/cut", "/slow", "/reset", "/slow" }) do
      tasks[index] = spawn(sender, path)
    end
    local outcomes = {}
    for index, task in ipairs(tasks) do
      local response, err = task:join()
      outcomes[index] = response and response.body or err.kind
    end
    assert.same({ "reset", "truncated", "slow", "reset", "slow" }, outcomes)
  end)

  promise("forgets requests that are cancelled in it", { max_connections = 1 }, function(sender)
    local tasks = {}
    for number = 1, 7 do
      tasks[number] = spawn(sender, "/slow?" .. number)
    end
    viesti.sleep(0.01)
    for _, number in ipairs({ 2, 4, 5, 7 }) do
      assert.is_true(tasks[number]:cancel())
    end
    for _, number in ipairs({ 1, 3, 6 }) do
      assert.equal("slow", assert(tasks[number]:join()).body)
    end
    assert.same({ "/slow?1", "/slow?3", "/slow?6" }, targets())
  end)

  promise("lets the next one go where the one before it is cancelled", { max_connections = 1 },
    function(sender)
      local hanging, next_one = spawn(sender, "/hang"), spawn(sender, "/slow")
      viesti.sleep(0.05)
      assert.equal("running", next_one:status())
      assert.is_true(hanging:cancel())
      assert.equal("slow", assert(next_one:join()).body)
    end)

  promise("ends with its session, and nothing in it was sent", { max_connections = 2 },
    function(sender, session)
      local tasks = {}
      for number = 1, 6 do
        tasks[number] = spawn(sender, "/hang?" .. number)
      end
      viesti.sleep(0.05)
      session:close()
      for number, task in ipairs(tasks) do
        local response, err = task:join()
        assert.is_nil(response)
        assert.same({ "closed", number <= 2 and "maybe" or "no" }, { err.kind, err.sent })
      end
      assert.equal(2, server:count("/hang"))
    end)

  promise("is one for blocking and asynchronous senders", { max_connections = 2 },
    function(sender, session)
      local tasks = {}
      for number = 1, 6 do
        tasks[number] = spawn(sender, "/slow?" .. number)
      end
      local _ <close> = warnings.kept(viesti.TaskWarning)
      viesti.sleep(0.01)
      local blocking = viesti.SyncSender(session)
      assert.equal("slow", assert(blocking:send({ url = server.url .. "/slow?last" })).body)
      assert.same({ "/slow?last", 7 }, { targets()[7], server:count("/slow") })
      for _, task in ipairs(tasks) do
        assert.equal("slow", assert(task:join()).body)
      end
      assert.equal(2, server:connections())
    end)

  promise("counts streams until they were read or closed", { max_connections = 2 },
    function(sender)
      server:route("/stream", { body = ("x"):rep(3000000) })
      local function stream()
        return assert(sender:send({ url = server.url .. "/stream", stream = true }))
      end
      for _, finish in ipairs({
        function(response) response:close() end,
        function(response) for chunk in response:chunks() do assert(chunk) end end,
        function(response) local _ <close> = response end,
      }) do
        local first, second = stream(), stream()
        local waiting = spawn(sender, "/slow")
        viesti.sleep(0.1)
        assert.equal("running", waiting:status())
        finish(second)
        assert.equal("slow", assert(waiting:join()).body)
        first:close()
      end
    end)

  promise("counts streams until they are collected", { max_connections = 1 }, function(sender)
    server:route("/stream", { body = ("x"):rep(3000000) })
    sender:send({ url = server.url .. "/stream", stream = true }):read(1)
    collectgarbage()
    collectgarbage()
    assert.equal("slow", assert(spawn(sender, "/slow"):join()).body)
  end)

  promise("is none where max_connections is 0", { max_connections = 0 }, function(sender)
    local tasks = {}
    for number = 1, 300 do
      tasks[number] = spawn(sender, "/hang?" .. number)
    end
    local deadline = socket.gettime() + 5
    while server:count("/hang") < 300 and socket.gettime() < deadline do
      viesti.sleep(0.01)
    end
    assert.equal(300, server:count("/hang"))
    for _, task in ipairs(tasks) do
      task:cancel()
    end
  end)

  promise("of each host holds what goes beyond max_connections_per_host",
    { max_connections_per_host = 2, timeout = 10 }, function(sender)
      local other <close> = origin.start()
      other:route("/slow", { body = "slow", delay = 0.03 })
      local urls = {}
      for number = 1, 10 do
        urls[number] = (number % 2 == 0 and server or other).url .. "/slow"
      end
      viesti.map(urls, function(url) assert(sender:send({ url = url })) end)
      assert.same({ 2, 2 }, { server:connections(), other:connections() })
      assert.same({ 5, 5 }, { server:count("/slow"), other:count("/slow") })
    end)

  promise("leaves max_idle_connections open behind it", { max_idle_connections = 2 },
    function(sender)
      viesti.map(numbers(8), function()
        assert(sender:send({ url = server.url .. "/slow" }))
      end)
      assert.equal(8, server:connections())
      local deadline = socket.gettime() + 2
      while server:open_connections() > 2 and socket.gettime() < deadline do
        viesti.sleep(0.005)
      end
      assert.equal(2, server:open_connections())
      viesti.map(numbers(2), function()
        assert(sender:send({ url = server.url .. "/slow" }))
      end)
      assert.equal(8, server:connections())
    end)

  it("keeps a blocking sender waiting behind its own streams until its time is up", function()
    local sender <close> = viesti.SyncSender({ max_connections = 1, timeout = 5 })
    server:route("/stream", { body = ("x"):rep(3000000) })
    local response = assert(sender:send({ url = server.url .. "/stream", stream = true }))
    local _, err = sender:send({ url = server.url .. "/slow", timeout = 0.2 })
    assert.same({ "timeout", "total", "no" }, { err.kind, err.timeout, err.sent })
    response:close()
    assert.equal("slow", assert(sender:send({ url = server.url .. "/slow" })).body)
  end)
end)

describe("A session's queue before nginx", function()
  local web

  setup(function()
    web = nginx.start({ http = tls_server({ name = "h2", http2 = true,
      certificate = certificates.good,
      directives = "location = /slow { echo_sleep 0.1; echo slow; }" }) })
  end)

  teardown(function()
    web:stop()
  end)

  local function connections_of_log()
    local seen, count = {}, 0
    for _, line in ipairs(web:log()) do
      local connection = line:match("^%u+ /slow %d+ (%d+)")
      if connection and not seen[connection] then
        seen[connection] = true
        count = count + 1
      end
    end
    return count
  end

  it("counts connections of HTTP/2, which many requests share", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 2, ca = certificates.ca,
      http_version = "2" })
    local url = ("https://127.0.0.1:%d/slow"):format(web.ports.h2)
    local started = socket.gettime()
    local responses, errors = viesti.map(numbers(300), function()
      return sender:send({ url = url })
    end, { concurrency = 300 })
    assert.same({}, errors)
    for number = 1, 300 do
      assert.same({ 200, "2" }, { responses[number].status_code, responses[number].http_version })
    end
    assert.is_true(connections_of_log() <= 2)
    assert.is_true(socket.gettime() - started < 15) -- which two at a time would take
  end)

  it("costs 5,000 tasks little memory", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 16, timeout = 60 })
    local before = web:connections()
    collectgarbage()
    local count, start = collectgarbage("count"), resident.start()
    viesti.run(function()
      local tasks = {}
      for number = 1, 5000 do
        tasks[number] = viesti.spawn(sender.send, sender, { url = web.url .. "/static/text.txt" })
      end
      for number = 1, 5000 do
        assert.equal(200, assert(tasks[number]:join()).status_code)
        tasks[number] = false
      end
    end)
    assert.is_true(web:connections() - before <= 16, web:connections() - before)
    if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
      assert.is_true(resident.peak() - start < 40 * MEBIBYTE, resident.peak() - start)
    end
    collectgarbage() -- finalizes
    collectgarbage() -- frees
    assert.is_true(collectgarbage("count") - count < 1024, collectgarbage("count") - count)
  end)
end)
