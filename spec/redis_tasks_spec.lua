local core = require("viesti.core")
local socket = require("socket")
local viesti = require("viesti")
local fresh_lua = require("spec.support.fresh_lua")
local redis = require("viesti.redis")
local redis_server = require("spec.support.redis_server")

-- To the two questions of a get.
local MISS = "$1\r\nm\r\n*0\r\n"
local HIT = "$1\r\nm\r\n*4\r\n$1\r\ne\r\n$1\r\nm\r\n$1\r\nv\r\n$1\r\nx\r\n"

describe("viesti.redis in tasks", function()
  local server, store

  setup(function()
    server = redis_server.start()
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    store = server:store({ timeout = 5 })
    store:clear()
  end)

  after_each(function()
    store:close()
  end)

  local function fill(count)
    for index = 1, count do
      store:put("k" .. index, "", "entry " .. index, { seconds = 60 })
    end
  end

  local function connections()
    return tonumber(store.client:command("INFO", "clients"):match("connected_clients:(%d+)"))
  end

  it("answers a thousand at once, each with its own, over one connection", function()
    viesti.run(function()
      local tasks = {}
      for index = 1, 1000 do
        tasks[index] = viesti.spawn(function()
          store:put("k" .. index, "", "entry " .. index, { seconds = 60 })
          return store:get("k" .. index)
        end)
      end
      for index, task in ipairs(tasks) do
        assert.same({ "entry " .. index }, (task:join()))
      end
    end)
    assert.equal(1, connections())
    assert.equal(0, store:stats().errors)
  end)

  it("suspends the one that asks, and no other", function()
    fill(1)
    server:pause()
    viesti.run(function()
      local asking = viesti.spawn(store.get, store, "k1")
      for _ = 1, 20 do
        viesti.sleep(0.001)
      end
      assert.equal("running", asking:status())
      server:resume()
      assert.same({ "entry 1" }, (asking:join()))
    end)
  end)

  -- A server that answers nobody before it has heard all.
  it("asks while others wait for their replies", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    viesti.run(function()
      local patient <close> = redis({ url = "redis://127.0.0.1:" .. port, timeout = 5 })
      local asking = {}
      for index = 1, 3 do
        asking[index] = viesti.spawn(patient.get, patient, "k" .. index)
      end
      core.wait_descriptor(listener:getfd(), "r")
      local connection, heard = listener:accept(), ""
      connection:settimeout(0)
      local function hear(pattern)
        repeat
          core.wait_descriptor(connection:getfd(), "r", 5)
          heard = heard .. select(3, connection:receive(100000))
        until heard:find(pattern)
      end
      hear("NX\r\n")
      connection:send("+OK\r\n")
      hear("k3\r\n")
      asking[4] = viesti.spawn(patient.get, patient, "k4")
      hear("k4\r\n")
      connection:send(MISS:rep(4))
      for _, task in ipairs(asking) do
        assert.same({}, (task:join()))
      end
      connection:close()
      assert.equal(0, patient:stats().errors)
    end)
    listener:close()
  end)

  -- A server that is a task, and so has no time either while others take it.
  it("does not blame the server for the time that other tasks take", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    viesti.run(function()
      local serving <close> = viesti.spawn(function()
        core.wait_descriptor(listener:getfd(), "r")
        local connection = listener:accept()
        connection:settimeout(0)
        for _, reply in ipairs({ "+OK\r\n", HIT, HIT }) do
          core.wait_descriptor(connection:getfd(), "r")
          connection:receive(100000)
          connection:send(reply)
        end
      end)
      local hasty <close> = redis({ url = "redis://127.0.0.1:" .. port, timeout = 0.1 })
      assert.same({ "x" }, (hasty:get("k")))
      local asking = viesti.spawn(hasty.get, hasty, "k")
      viesti.spawn(socket.sleep, 0.2)
      assert.same({ "x" }, (asking:join()))
      serving:join()
    end)
    listener:close()
  end)

  it("gives none the replies of those that are cancelled while they wait", function()
    fill(300)
    viesti.run(function()
      for round = 1, 10 do
        server:pause()
        local tasks = {}
        for index = 1, 300 do
          tasks[index] = viesti.spawn(store.get, store, "k" .. index)
        end
        viesti.sleep(round % 2 == 0 and 0.005 or 0)
        for index = 1, 300 do
          if (index * round) % 3 > 0 then
            tasks[index]:cancel()
          end
        end
        server:resume()
        for index = 1, 300 do
          if (index * round) % 3 == 0 then
            assert.same({ "entry " .. index }, (tasks[index]:join()))
          end
        end
      end
    end)
    assert.equal(0, store:stats().errors)
  end)

  it("goes on where all who asked have gone", function()
    fill(2)
    viesti.run(function()
      server:pause()
      local task = viesti.spawn(store.get, store, "k1")
      viesti.sleep(0.005)
      task:cancel()
      server:resume()
    end)
    assert.same({ "entry 2" }, (store:get("k2")))
    viesti.run(function()
      assert.same({ "entry 1" }, (store:get("k1")))
    end)
    assert.equal(0, store:stats().errors)
  end)

  it("is asked from outside of tasks meanwhile, and by coroutines that are none", function()
    fill(100)
    local tasks = {}
    for index = 1, 100 do
      tasks[index] = viesti.spawn(store.get, store, "k" .. index)
    end
    viesti.loop():step(0)
    assert.same({ "entry 7" }, (store:get("k7")))
    viesti.loop():step(0)
    assert.same({ "entry 8" }, (store:get("k8")))
    viesti.run(function()
      local inner = coroutine.wrap(function() return store:get("k9") end)
      assert.same({ "entry 9" }, (inner()))
      local list = { 2, 1 }
      table.sort(list, function(a, b) return store:get("k" .. a)[1] < store:get("k" .. b)[1] end)
      assert.same({ 1, 2 }, list)
    end)
    for index, task in ipairs(tasks) do
      assert.same({ "entry " .. index }, (task:join()))
    end
    assert.equal(0, store:stats().errors)
  end)

  it("takes values that do not fit into the socket at once, both ways", function()
    local large = {}
    viesti.run(function()
      local tasks = {}
      for index = 1, 8 do
        large[index] = (tostring(index)):rep(3 * 1024 * 1024)
        tasks[index] = viesti.spawn(function()
          store:put("k" .. index, "", large[index], { seconds = 60 })
          return store:get("k" .. index)[1]
        end)
      end
      for index, task in ipairs(tasks) do
        assert.is_true(large[index] == task:join())
      end
    end)
    assert.is_true(large[1] == store:get("k1")[1])
    assert.equal(0, store:stats().errors)
  end)

  it("ends with the store: who waits has a miss", function()
    viesti.run(function()
      fill(1)
      server:pause()
      local task = viesti.spawn(store.get, store, "k1")
      viesti.sleep(0.005)
      store:close()
      server:resume()
      assert.same({}, (task:join(5)))
    end)
    assert.equal(0, store:stats().errors)
  end)

  it("leaves the loop idle when nobody asks", function()
    viesti.run(function()
      fill(1)
      store:get("k1")
    end)
    viesti.loop():step(0)
    assert.is_true(viesti.loop():is_idle())
  end)

  it("keeps no program from ending that has a question under way", function()
    local printed = fresh_lua(([[
      local viesti = require("viesti")
      local store = require("viesti.redis")({ unix_socket = %q })
      viesti.TaskWarning:set("ignore")
      viesti.run(function()
        viesti.spawn(function() for index = 1, 1000 do store:get("k" .. index) end end)
        store:put("k", "", "x", { seconds = 60 })
        local response = store:get("k")
        store:lease("k", 10)
        store:release("k")
        print(response[1])
      end)
    ]]):format(server.path))
    assert.equal("x", printed)
  end)

  it("proceeds under another loop that polls the one descriptor", function()
    local uv, luv = require("luv"), require("viesti.loops.luv")
    local attached, got = luv.attach(), nil
    viesti.spawn(function()
      fill(1)
      got = store:get("k1")
      attached:close()
    end)
    uv.run()
    assert.same({ "entry 1" }, got)
  end)
end)
