local core = require("viesti.core")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local RedisLimit = require("viesti.redis.limit")
local redis_server = require("spec.support.redis_server")
local viesti = require("viesti")

describe("viesti.redis.limit", function()
  local redis = fixture.server(redis_server.start)
  local server = fixture.origin()
  local warned, action

  before_each(function()
    warned = {}
    action = viesti.StoreWarning:set(function(message) warned[#warned + 1] = message end)
    server:route("/x", { body = "ok" })
  end)

  after_each(function()
    viesti.StoreWarning:set(action)
  end)

  local number = 0

  -- A limit of its own, by its prefix, and senders that share it as those of several machines do.
  local function fleet(count, options)
    number = number + 1
    options.unix_socket = options.unix_socket or redis.path
    options.key_prefix = ("test%d:"):format(number)
    local senders = {}
    for index = 1, count do
      senders[index] = viesti.RateLimitingSender({ limit = RedisLimit(options),
        sender = viesti.AsyncSender(), max_wait = 5 })
    end
    return senders
  end

  local function send(sender)
    return assert(sender:send({ url = server.url .. "/x" }))
  end

  it("is one limit for all that share the server", function()
    local senders = fleet(3, { rate = 20, burst = 2 })
    local began = core.now()
    viesti.map({ 1, 2, 3, 1, 2, 3, 1, 2 }, function(index)
      return send(senders[index])
    end)
    local taken = core.now() - began
    assert.is_true(taken >= 0.295, taken)
    assert.equal(8, server:count("/x"))
    for _, sender in ipairs(senders) do
      assert.equal(0, sender.limit:stats().errors)
    end
    assert.same({}, warned)
  end)

  it("works outside of tasks, too", function()
    local senders = fleet(2, { rate = 20 })
    local began = core.now()
    for _ = 1, 2 do
      send(senders[1])
      send(senders[2])
    end
    assert.is_true(core.now() - began >= 0.145)
  end)

  it("holds between processes", function()
    local script = ([[
      local viesti = require("viesti")
      local limit = require("viesti.redis.limit")({ unix_socket = %q,
        key_prefix = "two:", rate = 25 })
      local sender = viesti.RateLimitingSender({ limit = limit, sender = viesti.SyncSender() })
      for _ = 1, 10 do
        assert(sender:send({ url = %q }))
      end
    ]]):format(redis.path, server.url .. "/x")
    local began = core.now()
    local both = {}
    for index = 1, 2 do
      both[index] = assert(io.popen(process.script_command(script)))
    end
    for index = 1, 2 do
      assert.is_true(both[index]:close())
    end
    assert.equal(20, server:count("/x"))
    assert.is_true(core.now() - began >= 19 / 25 - 0.005)
  end)

  it("has all held back by the 429 that one of them got", function()
    local senders = fleet(2, { rate = 1000, burst = 10 })
    server:route("/x", { { status = 429, headers = { { "Retry-After", "1" } } }, { body = "ok" } })
    local began = core.now()
    assert.equal(429, send(senders[1]).status_code)
    assert.equal("ok", send(senders[2]).body)
    assert.is_true(core.now() - began >= 0.99)
  end)

  it("has the keys beyond max_keys held back together, too", function()
    local senders = fleet(2, { rate = 1, burst = 5, max_keys = 1 })
    local function ask(sender, path)
      sender.key = function(request) return request.url:match("%a+$") end
      return sender:send({ url = server.url .. path })
    end
    server:route("/limited", { status = 429, headers = { { "Retry-After", "60" } } })
    for _, sender in ipairs(senders) do
      assert(ask(sender, "/x"))
    end
    assert.equal(429, ask(senders[1], "/limited").status_code)
    viesti.sleep(0.1)
    local _, err = ask(senders[2], "/limited")
    assert.equal("rate_limited", err and err.kind)
  end)

  it("fails at once where the turn would come too late", function()
    local senders = fleet(2, { rate = 1, per = 60 })
    send(senders[1])
    local response, err = senders[2]:send({ url = server.url .. "/x" })
    assert.is_nil(response)
    assert.equal("rate_limited", err.kind)
    assert.is_true(err.retry_after > 50 and err.retry_after <= 60)
  end)

  it("keeps to the limit by itself where the server is lost, and counts that", function()
    local senders = fleet(1, { rate = 20, unix_socket = "/nowhere/at/all" })
    local began = core.now()
    for _ = 1, 4 do
      send(senders[1])
    end
    assert.is_true(core.now() - began >= 0.145)
    local stats = senders[1].limit:stats()
    assert.same({ 4, true }, { stats.admitted, stats.errors >= 4 })
    assert.equal(1, #warned)
    assert.is_truthy(warned[1]:find("keeps to the limit by itself: No such file", 1, true))
  end)

  it("waits for a server that hangs no longer than the timeout, for none once closed", function()
    local hung <close> = redis_server.start()
    local senders = fleet(1, { rate = 1000, unix_socket = hung.path, timeout = 0.2 })
    send(senders[1])
    hung:pause()
    viesti.run(function()
      local began = core.now()
      for _ = 1, 5 do
        send(senders[1])
      end
      assert.is_true(core.now() - began < 0.2 + 0.25)
    end)
    hung:resume()
    assert.is_true(senders[1].limit:stats().errors >= 1)
    local errors = senders[1].limit:stats().errors
    senders[1].limit:close()
    send(senders[1])
    assert.equal(errors, senders[1].limit:stats().errors)
  end)

  it("leaves nothing on the server that is as good as new", function()
    local senders = fleet(1, { rate = 100 })
    send(senders[1])
    local client = senders[1].limit.client
    viesti.sleep(0.1)
    assert.same({}, (client:command("KEYS", ("test%d:*"):format(number))))
  end)

  it("refuses options that make no sense, and shows no password", function()
    assert.error_matches(function() RedisLimit({ rate = 1, url = "x", unix_socket = "y" }) end,
      "RedisLimit: url and unix_socket are both given")
    assert.equal('RedisLimit{ url = "redis://***@h", rate = 1 }',
      tostring(RedisLimit({ url = "redis://u:secret@h", rate = 1 })))
  end)
end)
