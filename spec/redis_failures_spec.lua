local core = require("viesti.core")
local viesti = require("viesti")
local false_redis = require("spec.support.false_redis")
local free_port = require("spec.support.free_port")
local redis = require("viesti.redis")
local redis_server = require("spec.support.redis_server")

local TIMEOUT = 0.3
local MARKER = "$1\r\nm\r\n"
local HIT = MARKER .. "*4\r\n$1\r\ne\r\n$1\r\nm\r\n$1\r\nv\r\n$1\r\nx\r\n"
local REST = 0.11 -- more than a server is left alone for after one failure

describe("viesti.redis, where the server", function()
  local warned, action

  before_each(function()
    warned = {}
    action = viesti.StoreWarning:set(function(message) warned[#warned + 1] = message end)
  end)

  after_each(function()
    viesti.StoreWarning:set(action)
  end)

  local function put(store, key, entry)
    store:put(key, "", entry, { seconds = 60 })
  end

  -- In a task and outside.
  local function both_ways(check)
    check()
    viesti.run(check)
  end

  local function lasts_no_longer(seconds, fn, ...)
    local started = core.now()
    local first, second = fn(...)
    local taken = core.now() - started
    assert.is_true(taken < seconds + 0.25, ("took %g s"):format(taken))
    return first, second
  end

  it("is not there, has misses, counts, and warns of it once", function()
    both_ways(function()
      local store <close> = redis({ unix_socket = "/nowhere/at/all", timeout = TIMEOUT })
      warned = {}
      for _ = 1, 3 do
        local entries, generation = store:get("k")
        assert.same({}, entries)
        store:put("k", "", "x", { seconds = 60, generation = generation })
        store:invalidate("k")
        assert.is_true(store:lease("k", 1))
        assert.equal(0, store:count())
        assert.is_nil((store:purge({ tag = "x" })))
      end
      assert.same({ hits = 0, misses = 3, stale = 0, stores = 0, invalidations = 0, evictions = 0,
        bytes = 0, errors = 15 }, store:stats())
      assert.equal(1, #warned)
      assert.equal('get of redis{ unix_socket = "/nowhere/at/all", timeout = 0.3 } failed, so '
        .. "requests go on without it: No such file or directory", warned[1])
    end)
  end)

  it("refuses the connection, or has no address, has misses", function()
    both_ways(function()
      for _, host in ipairs({ "127.0.0.1", "localhost", "[::1]", "no-such-host.invalid" }) do
        local store <close> = redis(("redis://%s:%d"):format(host, free_port()))
        assert.same({}, (lasts_no_longer(0.5, store.get, store, "k")))
        assert.equal(1, store:stats().errors)
      end
    end)
  end)

  it("is reached by its name, has hits", function()
    local port = free_port()
    local server <close> = redis_server.start({ port = port })
    assert.is_truthy(server)
    both_ways(function()
      local store <close> = redis(("redis://localhost:%d"):format(port))
      put(store, "k", "x")
      assert.same({ "x" }, (store:get("k")))
    end)
  end)

  it("is killed and started again, has misses meanwhile, and hits after it", function()
    local server <close> = redis_server.start()
    local store <close> = server:store({ timeout = TIMEOUT })
    both_ways(function()
      put(store, "k", "x")
      assert.same({ "x" }, (store:get("k")))
      server:kill()
      local before = store:stats().errors
      for _ = 1, 5 do
        assert.same({}, (store:get("k")))
      end
      assert.equal(before + 5, store:stats().errors)
      server:restart()
      viesti.sleep(REST)
      put(store, "k", "y")
      assert.same({ "y" }, (store:get("k")))
    end)
    assert.equal(1, #warned)
  end)

  it("was restarted while nobody asked, loses no question", function()
    local server <close> = redis_server.start()
    local store <close> = server:store()
    both_ways(function()
      put(store, "k", "x")
      server:restart()
      assert.same({}, (store:get("k")))
      put(store, "k", "y")
      assert.same({ "y" }, (store:get("k")))
    end)
    assert.equal(0, store:stats().errors)
  end)

  it("has lost its scripts, is told them again", function()
    local server <close> = redis_server.start()
    local store <close> = server:store()
    put(store, "k", "x")
    store.client:command("SCRIPT", "FLUSH")
    put(store, "k", "y")
    assert.same({ "y" }, (store:get("k")))
    assert.equal(0, store:stats().errors)
  end)

  it("hangs, is waited for no longer than the timeout, and then left alone for a while", function()
    local server <close> = redis_server.start()
    both_ways(function()
      local store <close> = server:store({ timeout = TIMEOUT })
      put(store, "k", "x")
      server:pause()
      assert.same({}, (lasts_no_longer(TIMEOUT, store.get, store, "k")))
      lasts_no_longer(0, function()
        for _ = 1, 10 do
          assert.same({}, (store:get("k")))
        end
      end)
      for _ = 1, 2 do -- new connections hang, too
        viesti.sleep(2 * REST)
        assert.same({}, (lasts_no_longer(TIMEOUT, store.get, store, "k")))
      end
      server:resume()
      viesti.sleep(4 * REST)
      assert.same({ "x" }, (store:get("k")))
    end)
  end)

  it("hangs, keeps no task waiting that does not ask it", function()
    local server <close> = redis_server.start()
    local store <close> = server:store({ timeout = TIMEOUT })
    put(store, "k", "x")
    server:pause()
    viesti.run(function()
      local asking = viesti.spawn(store.get, store, "k")
      local turns = 0
      while asking:status() == "running" do
        viesti.sleep(0.001)
        turns = turns + 1
      end
      assert.is_true(turns > 20)
    end)
    server:resume()
  end)

  it("could not be reached when a key was invalidated, is told so first of all", function()
    local server <close> = redis_server.start()
    local store <close> = server:store({ timeout = TIMEOUT })
    local other <close> = server:store()
    put(store, "k", "x")
    local _, generation = other:get("k")
    server:pause()
    store:get("k")
    store:invalidate("k")
    server:resume()
    assert.same({ "x" }, (other:get("k")))
    viesti.sleep(REST)
    assert.same({}, (store:get("k")))
    other:put("k", "", "old", { seconds = 60, generation = generation })
    assert.same({}, (other:get("k")))
  end)

  it("refuses to drop what was invalidated, is not believed what it has until it has done so",
    function()
      local server <close> = redis_server.start()
      local store <close> = server:store()
      put(store, "k", "x")
      store.client:command("REPLICAOF", "127.0.0.1", "1")
      store:invalidate("k")
      assert.is_truthy(warned[1]:find("READONLY", 1, true))
      assert.same({ {}, {} }, { (store:get("k")), (store:get("k")) })
      store.client:command("REPLICAOF", "NO", "ONE")
      local entries, generation = store:get("k")
      assert.same({}, entries)
      store:put("k", "", "y", { seconds = 60, generation = generation })
      assert.same({ "y" }, (store:get("k")))
    end)

  it("does not know the password, has misses, and is told nothing else", function()
    local server <close> = redis_server.start({ arguments = "--requirepass right" })
    both_ways(function()
      warned = {}
      for _, password in ipairs({ "wrong", false }) do
        local store <close> = server:store({ password = password or nil, database = 2 })
        put(store, "k", "x")
        assert.same({}, (store:get("k")))
        assert.equal(2, store:stats().errors)
      end
      assert.is_truthy(warned[1]:find(": WRONGPASS", 1, true))
      assert.is_nil(warned[1]:find("wrong ", 1, true))
      assert.is_truthy(warned[2]:find(": NOAUTH", 1, true))
      local store <close> = server:store({ password = "right" })
      put(store, "k", "x")
      assert.same({ "x" }, (store:get("k")))
      local named <close> = redis({ unix_socket = server.path, user = "default",
        password = "right" })
      assert.same({ "x" }, (named:get("k")))
    end)
  end)

  it("has no such database, is told nothing that would reach another", function()
    local server <close> = redis_server.start()
    local store <close> = server:store({ database = 99 })
    put(store, "k", "x")
    assert.equal(1, store:stats().errors)
    assert.is_truthy(warned[1]:find("DB index is out of range", 1, true))
    local first <close> = server:store()
    assert.equal(0, first:count())
  end)

  it("is full, has hits, drops what is invalidated, and counts what it does not take", function()
    local server <close> = redis_server.start({ arguments = "--maxmemory-policy noeviction" })
    local store <close> = server:store()
    put(store, "k", "x")
    put(store, "other", "x")
    store.client:command("CONFIG", "SET", "maxmemory", "1")
    put(store, "k", "y")
    assert.equal(1, store:stats().errors)
    assert.is_truthy(warned[1]:find(": OOM", 1, true))
    assert.same({ "x" }, (store:get("k")))
    local fresh <close> = server:store()
    assert.same({ "x" }, (fresh:get("other")))
    store:invalidate("k")
    assert.same({}, (store:get("k")))
  end)

  it("is lost again before it took what was invalidated, is told once more", function()
    viesti.run(function()
      local store, closing, heard = false_redis({ "+OK\r\n" }, true)
      local _ <close> = closing
      store:invalidate("gone")
      for round = 1, 3 do
        viesti.sleep(0.1 * 2 ^ round)
        store:get("k")
      end
      local told = 0
      for _, text in ipairs(heard) do
        told = told + (text:find("viesti:k:gone", 1, true) and 1 or 0)
      end
      assert.is_true(told >= 3, told)
      store:close()
    end)
  end)

  local function shown(text)
    return (text:sub(1, 50):gsub("%c+", " "))
  end

  local ANSWERS = {
    "-LOADING Redis is loading the dataset in memory\r\n", "-MOVED 3999 127.0.0.1:6381\r\n",
    "-ERR max number of clients reached\r\n", "-\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
    "*1\r\n$1\r\nx\r\n", "$-2\r\n", "$99999999999999\r\n", "*1000000000\r\n", ("*1\r\n"):rep(100),
    ":notanumber\r\n", "\0\0\0\0\r\n", "+OK\r\n+OK\r\n",
  }

  for _, answer in ipairs(ANSWERS) do
    it(("greets with %s, has misses"):format(shown(answer)), function()
      viesti.run(function()
        local store, closing = false_redis({ answer }, true)
        local _ <close> = closing
        assert.same({}, (lasts_no_longer(TIMEOUT, store.get, store, "k")))
        assert.equal(1, store:stats().errors)
        assert.equal(1, #warned)
        store:close()
      end)
    end)
  end

  -- To the two questions of a get.
  local REPLIES = {
    "-MOVED 1 127.0.0.1:1\r\n-MOVED 1 127.0.0.1:1\r\n", MARKER .. "-WRONGTYPE no hash\r\n",
    MARKER .. "*1\r\n$1\r\nv\r\n", MARKER .. "*2\r\n:1\r\n:2\r\n", MARKER .. "+OK\r\n",
    MARKER .. ":1\r\n", "$-1\r\n*0\r\n", MARKER .. "*-1\r\n",
    ":1\r\n*0\r\n", "*0\r\n*0\r\n", MARKER .. "*2\r\n*0\r\n*0\r\n", MARKER, MARKER .. "$5\r\nab",
  }

  for _, reply in ipairs(REPLIES) do
    it(("replies %s, has misses"):format(shown(reply)), function()
      viesti.run(function()
        local store, closing = false_redis({ "+OK\r\n", reply })
        local _ <close> = closing
        local entries, generation = lasts_no_longer(TIMEOUT, store.get, store, "k")
        assert.same({}, entries)
        assert.is_false(generation)
        assert.equal(1, store:stats().errors)
        store:put("k", "", "x", { seconds = 60, generation = generation })
        assert.equal(0, store:stats().stores)
        store:close()
      end)
    end)
  end

  it("says more than it was asked, is not believed any further", function()
    viesti.run(function()
      local store, closing = false_redis({ "+OK\r\n", HIT .. HIT })
      local _ <close> = closing
      store:get("first")
      assert.same({}, (store:get("second")))
      store:close()
    end)
  end)

  it("replies oddly to users' calls, costs them no more than their outcome", function()
    local odd = { "+OK\r\n", "*0\r\n", ":1\r\n", "*2\r\n$1\r\n0\r\n:1\r\n",
      "*2\r\n$1\r\n0\r\n*1\r\n:7\r\n", "-ERR no\r\n", "*2\r\n:0\r\n*0\r\n", "$-1\r\n" }
    for _, reply in ipairs(odd) do
      viesti.run(function()
        local store, closing = false_redis({ "+OK\r\n", "+OK\r\n", reply, reply, reply, reply })
        local _ <close> = closing
        assert.is_nil((store:purge({ tag = "t" })))
        assert.equal(0, store:count())
        assert.is_nil((store:clear()))
        assert.is_nil((store:purge({ prefix = "t" })))
        store:close()
      end)
    end
  end)

  it("hangs up in the middle, is asked again on a new connection by the next", function()
    viesti.run(function()
      local store, closing = false_redis({ "+OK\r\n" }, true)
      local _ <close> = closing
      assert.same({}, (store:get("k")))
      assert.same({}, (store:get("k")))
      assert.equal(2, store:stats().errors)
      store:close()
    end)
  end)

  it("hangs up, has each question answered once, whatever befalls one of them", function()
    local before = viesti.TaskWarning:set("ignore")
    viesti.run(function()
      local store, closing = false_redis({ "+OK\r\n", HIT }, true)
      local _ <close> = closing
      store:get("k")
      local counts, questions = {}, {}
      for index = 1, 3 do
        questions[index] = { text = "*1\r\n$4\r\nPING\r\n", wanted = 1, got = 0,
          deadline = core.now() + 5, after = function()
            counts[index] = (counts[index] or 0) + 1
            error("befallen")
          end }
      end
      local connection = store.client.connection
      local tasks = {}
      for index, question in ipairs(questions) do
        tasks[index] = viesti.spawn(connection.ask, connection, question)
      end
      for index, question in ipairs(questions) do
        tasks[index]:join(5)
        assert.equal("done", tasks[index]:status())
        assert.is_string(question.reason)
      end
      assert.same({ 1, 1, 1 }, counts)
      store:close()
    end)
    viesti.TaskWarning:set(before)
  end)

  it("fails, and warnings are to be raised, raises one where it was asked", function()
    viesti.StoreWarning:set("error")
    local store <close> = redis({ unix_socket = "/nowhere" })
    local ok, reason = pcall(function() store:get("k") end)
    assert.is_false(ok)
    assert.is_truthy(tostring(reason):find("StoreWarning: get of redis", 1, true))
    assert.same({}, (store:get("k")))
  end)
end)
