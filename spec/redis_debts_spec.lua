local viesti = require("viesti")
local false_redis = require("spec.support.false_redis")
local redis_server = require("spec.support.redis_server")

local MOST_OWED = 10000
local REST = 6 -- seconds, more than a server is left alone for

-- What was invalidated while a store could not do that.
describe("A server that was not told what was invalidated", function()
  local server, store, other, action

  before_each(function()
    action = viesti.StoreWarning:set("ignore")
    -- It keeps what it had, even where it is killed.
    server = redis_server.start({ arguments = "--appendonly yes --appendfsync always" })
    store, other = server:store(), server:store()
  end)

  after_each(function()
    store:close()
    other:close()
    server:stop()
    viesti.StoreWarning:set(action)
  end)

  local function put(key, entry, generation)
    return store:put(key, "", entry, { seconds = 600, tags = { "t" }, generation = generation })
  end

  local function wait_until_asked_again(asking)
    assert.is_truthy(viesti.run(function()
      return viesti.timeout(REST, function()
        while not asking.client:command("PING") do
          viesti.sleep(0.01)
        end
        return true
      end)
    end))
  end

  local function while_it_is_away(act)
    server:kill()
    act()
    server:restart()
    wait_until_asked_again(other)
    wait_until_asked_again(store)
  end

  local function invalidate(count)
    for index = 1, count do
      store:invalidate("k" .. index)
    end
  end

  it("is told of as many keys as are remembered, and keeps all others", function()
    for _, key in ipairs({ "k1", "k" .. MOST_OWED, "other" }) do
      put(key, "old")
    end
    local _, generation = other:get("k1")
    while_it_is_away(function() invalidate(MOST_OWED) end)
    assert.same({ "old" }, (other:get("other")))
    assert.same({ {}, {} }, { (other:get("k1")), (other:get("k" .. MOST_OWED)) })
    put("k1", "old", generation)
    assert.same({}, (other:get("k1")))
  end)

  it("is believed nothing that it had, by nobody, where they were more", function()
    put("k" .. MOST_OWED + 1, "old")
    put("other", "old")
    local _, generation = other:get("k" .. MOST_OWED + 1)
    while_it_is_away(function() invalidate(MOST_OWED + 1) end)
    assert.same({ {}, {} }, { (other:get("k" .. MOST_OWED + 1)), (other:get("other")) })
    assert.equal(0, other:count())
    assert.equal(0, other:purge({ tag = "t" }))
    assert.is_false(put("k" .. MOST_OWED + 1, "old", generation))
    put("other", "new")
    assert.same({ "new" }, (other:get("other")))
    assert.equal(1, other:count())
    assert.equal(1, other:purge({ tag = "t" }))
  end)

  it("has variants of before, keeps none of them beside a new one", function()
    store:put("k", "a", "old", { seconds = 600 })
    while_it_is_away(function() invalidate(MOST_OWED + 1) end)
    store:put("k", "b", "new", { seconds = 600 })
    assert.same({ "new" }, (other:get("k")))
    assert.equal(1, store:count())
  end)

  it("does not take it, is not believed until it does", function()
    put("other", "old")
    store.client:command("REPLICAOF", "127.0.0.1", "1")
    invalidate(MOST_OWED + 1)
    assert.same({ {}, {} }, { (store:get("other")), (store:get("k1")) })
    assert.same({ "old" }, (other:get("other")))
    store.client:command("REPLICAOF", "NO", "ONE")
    assert.same({}, (store:get("other")))
    assert.same({}, (other:get("other")))
    put("other", "new")
    assert.same({ "new" }, (other:get("other")))
  end)

  it("was to forget all, does so when it is back", function()
    put("k", "old")
    while_it_is_away(function()
      local done, reason = store:clear()
      assert.is_nil(done)
      assert.equal("string", type(reason))
    end)
    assert.same({}, (other:get("k")))
    assert.is_true(store:clear())
    assert.equal(0, #store.client:command("KEYS", "viesti:k:*"))
  end)

  it("has lost its marker, is given another, and what it had before is none", function()
    put("k", "old")
    put("other", "old")
    store.client:command("DEL", "viesti:marker")
    assert.is_false(put("k", "new"))
    assert.same({}, (store:get("k")))
    put("k", "new")
    assert.same({ { "new" }, {} }, { (other:get("k")), (other:get("other")) })
  end)

  -- Of the four methods alone, over a client of its own.
  local function store_of_ones_own()
    local function ask(...)
      local reply, reason = other.client:command(...)
      return reply or error(reason, 0)
    end
    return {
      get = function(_, key) return ask("HVALS", key) end,
      put = function(_, key, variant, entry) ask("HSET", key, variant, entry) end,
      remove = function(_, key, variant) ask("HDEL", key, variant) end,
      invalidate = function(_, key) ask("DEL", key) end,
    }
  end

  local Origin = viesti.Sender:extend("Origin")

  function Origin:send(request)
    self.count = (self.count or 0) + 1
    return viesti.Response({ url = viesti.Request.from(request).url, status_code = 200,
      headers = { ["Cache-Control"] = "max-age=3600" }, content = tostring(self.count) })
  end

  for _, count in ipairs({ 1, MOST_OWED + 1 }) do
    it(("behind a store of one's own is believed nothing of %d that it should have forgotten")
      :format(count), function()
        local caching = viesti.CachingSender({ store = store_of_ones_own(), sender = Origin() })
        local function ask(index)
          return assert(caching:send({ url = "http://127.0.0.1:9/" .. index })).content
        end
        assert.same({ "1", "2", "1" }, { ask(1), ask(count + 1), ask(1) })
        while_it_is_away(function()
          for index = 1, count do
            caching:delete("http://127.0.0.1:9/" .. index)
          end
        end)
        assert.equal("3", ask(1))
        assert.equal("3", ask(1))
        local kept = ask(count + 1)
        assert.equal(count == 1 and "2" or "4", kept)
        assert.equal(kept, ask(count + 1))
      end)
  end
end)

describe("viesti.redis, whose server's list of keys does not end,", function()
  local action

  before_each(function()
    action = viesti.StoreWarning:set("ignore")
  end)

  after_each(function()
    viesti.StoreWarning:set(action)
  end)

  local calls = {
    count = function(store) return store:count() end,
    bytes = function(store) return store:bytes() end,
    clear = function(store) return store:clear() end,
    ["purge of a prefix"] = function(store) return store:purge({ prefix = "https://a/" }) end,
  }
  local FIRST = { clear = ":1\r\n", ["purge of a prefix"] = "+x\r\n:1\r\n" } -- before the list
  local TOO_LONG = "going through what the server has took too long (walk_timeout)"

  for name, call in pairs(calls) do
    it("ends a " .. name .. " when the time for it is over, and counts that", function()
      viesti.run(function()
        local store, closing = false_redis({ "+OK\r\n", FIRST[name],
          forever = { "*2\r\n$1\r\n7\r\n*0\r\n" } }, false, { walk_timeout = 0.2 })
        local _ <close> = closing
        local outcome, reason = call(store)
        assert.is_true(outcome == 0 or outcome == nil and reason == TOO_LONG, reason)
        assert.equal(1, store.counts.errors)
        store:close()
      end)
    end)
  end

  it("or whose tag's members do not, ends a purge likewise", function()
    viesti.run(function()
      local member = "*2\r\n$3\r\n1:k\r\n$1\r\n1\r\n"
      local store, closing = false_redis({ "+OK\r\n", "+x\r\n:1\r\n", member, "+x\r\n:1\r\n",
        forever = { member, ":1\r\n" } }, false, { walk_timeout = 0.2 })
      local _ <close> = closing
      local count, reason = store:purge({ tag = "t" })
      assert.is_nil(count)
      assert.equal(TOO_LONG, reason)
      assert.equal(1, store.counts.errors)
      store:close()
    end)
  end)
end)
