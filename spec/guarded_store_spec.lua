local viesti = require("viesti")
local cached_page = require("spec.support.cached_page")
local stores = require("spec.support.stores")

local FRESH = { { "Cache-Control", "max-age=60" } }

describe("a store of the user's", function()
  local page = cached_page()
  local server, caching, get = page.server, page.caching, page.get

  it("that fails costs a hit and a warning, no request", function()
    local warned = {}
    local previous = viesti.StoreWarning:set(function(message)
      warned[#warned + 1] = message
    end)
    local function fail() error("out of order", 0) end
    local store = setmetatable({ get = fail, put = fail, remove = fail, invalidate = fail },
      { __tostring = function() return "MyStore" end })
    local sender = caching({ store = store })
    assert.same({ "x", "x" }, { get(sender).body, get(sender).body })
    store.get = function() return { "rubbish", 1 } end
    assert.equal("x", get(sender).body)
    store.get = function() return 1 end
    assert.equal("x", get(sender).body)
    viesti.StoreWarning:set(previous)
    assert.same({ "get of MyStore failed, which counts as a miss: out of order" }, warned)
  end)

  for _, kind in ipairs({ "plain", "tiered" }) do
    it("is not believed what it has read before an invalidation: " .. kind, function()
      server:route("/x", { { body = "old", headers = FRESH }, { body = "changed" },
        { body = "new", headers = FRESH } })
      local store = stores[kind]().open()
      local far = store.far or store
      local first = viesti.CachingSender({ store = far, sender = viesti.AsyncSender() })
      local sender = viesti.CachingSender({ store = store, sender = viesti.AsyncSender() })
      local get_entries = far.get
      viesti.run(function()
        get(first)
        function far:get(key)
          local entries, generation = get_entries(self, key)
          viesti.sleep(0.05)
          return entries, generation
        end
        local reader = viesti.spawn(get, sender)
        viesti.sleep(0.01)
        sender:send({ url = server.url .. "/x", method = "DELETE" })
        assert.equal("new", reader:join().body)
        assert.equal("new", get(sender).body)
      end)
    end)
  end

  it("need not have more than is asked of it, and says so to who asks for more", function()
    local plain, tiered = stores.plain().open(), stores.tiered().open()
    local place = "^spec/guarded_store_spec.lua:%d+: "
    local _, reason = pcall(function() caching({ store = plain }):clear() end)
    assert.matches(place .. "CachingSender: clear: the store, .*, has no such method$", reason)
    for name, value in pairs({ clear = false, delete = server.url, stats = false,
      purge = { tag = "a" } }) do
      _, reason = pcall(function() tiered[name](tiered, value or nil) end)
      assert.matches(place .. "tiered: the far store, .*, has no method " .. name .. "$", reason)
    end
  end)

  it("that forgets is put back nothing by those who read it meanwhile", function()
    local tiered = stores.tiered().open()
    local sender = viesti.CachingSender({ store = tiered, sender = viesti.AsyncSender() })
    viesti.run(function()
      get(sender)
      tiered.near:clear()
      function tiered.far:delete(url)
        get(sender) -- another task, while this one waits
        self:invalidate(url)
      end
      tiered:delete(server.url .. "/x")
    end)
    assert.equal(0, tiered.near:count())
  end)

  it("that is none is refused", function()
    assert.error_matches(function() caching({ store = {} }) end,
      "CachingSender: store must be a store, got", 1, true)
  end)

  it("that could not invalidate something serves nothing of it", function()
    local entries, broken = {}, false
    local store = { get = function() return entries end, remove = function() end }
    function store.put(_, _, _, entry) entries = { entry } end
    function store.invalidate()
      assert(not broken, "out of order")
      entries = {}
    end
    local sender = caching({ store = store })
    get(sender)
    assert.is_true(get(sender).cache.hit)
    local previous = viesti.StoreWarning:set("ignore")
    broken = true
    get(sender, nil, { method = "POST" })
    assert.is_false(get(sender).cache.hit)
    broken = false
    assert.is_false(get(sender).cache.hit)
    assert.is_true(get(sender).cache.hit)
    viesti.StoreWarning:set(previous)
  end)
end)
