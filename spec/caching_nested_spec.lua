-- Caches behind caches, whose stores keep large bodies apart.

local fixture = require("spec.support.fixture")
local new_place = require("spec.support.stores.sqlite")
local process = require("spec.support.process")
local stores = require("spec.support.stores")
local streams = require("spec.support.streams")
local viesti = require("viesti")

local LARGE = streams.numbered(1024 * 1024)

describe("A CachingSender inside of another", function()
  local server = fixture.origin()
  local near, far

  before_each(function()
    near, far = new_place(), new_place()
    server:route("/a", { headers = { { "Cache-Control", "max-age=60" } }, body = LARGE })
  end)

  after_each(function()
    near:remove()
    far:remove()
  end)

  local function chain(outer, inner)
    return viesti.CachingSender({ store = outer,
      sender = viesti.CachingSender({ store = inner, sender = viesti.SyncSender() }) })
  end

  local function get(sender)
    local response = assert(sender:send({ url = server.url .. "/a", stream = true }))
    assert.is_true(streams.rest_of(response) == LARGE)
    assert.is_true(response.complete)
    return response
  end

  it("fills both stores with what streams through, and the outer one from the inner one", function()
    local outer, inner = near:open(), far:open()
    local sender = chain(outer, inner)
    assert.is_false(get(sender).from_cache)
    assert.same({ 1, 1 }, { outer:count(), inner:count() })
    assert.is_true(get(sender).from_cache)
    outer:clear()
    assert.is_true(get(sender).from_cache)
    assert.same({ 1, 1 }, { outer:count(), inner:count() })
    inner:clear()
    assert.is_true(get(sender).from_cache)
    assert.equal(1, server:count("/a"))
  end)

  it("may have one file for both", function()
    local store = near:open()
    local sender = viesti.CachingSender({ store = store, partition = function() return "me" end,
      sender = viesti.CachingSender({ store = store, sender = viesti.SyncSender() }) })
    for _ = 1, 2 do
      get(sender)
      assert.equal(2, store:count())
      sender:delete(server.url .. "/a")
    end
    assert.equal(1, server:count("/a"))
  end)

  it("streams through a store that keeps no bodies", function()
    local sender = chain(stores.plain().open(), far:open())
    get(sender)
    assert.is_true(get(sender).from_cache)
    assert.equal(1, server:count("/a"))
  end)

  it("gives up what it began to store where the stream is closed", function()
    local outer, inner = near:open(), far:open()
    local response = assert(chain(outer, inner):send({ url = server.url .. "/a", stream = true }))
    local size = 0
    while size < #LARGE // 2 do
      size = size + #assert(response:read())
    end
    response:close()
    assert.same({ 0, 0 }, { outer:count(), inner:count() })
    for _, place in ipairs({ near, far }) do
      local count = process.run(("sqlite3 %s 'SELECT count(*) FROM pieces'"):format(place.path))
      assert.equal("0", (count:gsub("%s", "")))
    end
  end)
end)
