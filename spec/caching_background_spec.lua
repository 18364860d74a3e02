-- What a CachingSender with background = true does while its program does something else.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")

describe("CachingSender in the background of a SyncSender", function()
  local server = fixture.origin()
  local stale = { body = "old", etag = '"1"',
    headers = { { "Cache-Control", "max-age=0, stale-while-revalidate=60" } } }
  local new = { body = "new", headers = { { "Cache-Control", "max-age=60" } }, delay = 0.05 }
  local opened

  before_each(function()
    opened = {}
  end)

  after_each(function()
    for _, sender in ipairs(opened) do
      sender:close()
    end
  end)

  local function caching(options, concrete)
    options = options or {}
    options.background, options.sender = true, concrete or viesti.SyncSender()
    opened[#opened + 1] = viesti.CachingSender(options)
    return opened[#opened]
  end

  local function get(sender, more)
    local request = { url = server.url .. "/x" }
    for name, value in pairs(more or {}) do
      request[name] = value
    end
    return assert(sender:send(request))
  end

  -- Nothing of viesti's is called meanwhile.
  local function compute(seconds)
    local till = os.clock() + seconds
    while os.clock() < till do end
  end

  local function wait_until(holds)
    for _ = 1, 500 do
      if holds() then
        return true
      end
      compute(0.01)
    end
  end

  -- Whether the response that the next request finds is there without that one's help.
  local function comes_alone(sender, more)
    return wait_until(function()
      return sender:inspect({ url = server.url .. "/x", headers = more and more.headers }).ttl > 0
    end) == true
  end

  it("serves what is stale at once, and what is new when the program has computed", function()
    server:route("/x", { stale, new })
    local sender = caching()
    get(sender)
    for _ = 1, 5 do
      assert.same({ "old", true }, { get(sender).body, get(sender).cache.hit })
    end
    assert.is_true(comes_alone(sender))
    assert.same({ "new", true }, { get(sender).body, get(sender).cache.hit })
    assert.equal(2, server:count("/x"))
  end)

  it("does so while the program waits for another", function()
    local programs = {
      function() os.execute("sleep 0.5") end,
      function()
        local pipe <close> = io.popen("sleep 0.5")
        pipe:read("a")
      end,
    }
    for _, run in ipairs(programs) do
      server:route("/x", { stale, new })
      local sender = caching()
      get(sender)
      get(sender)
      run()
      assert.equal("new", get(sender).body)
    end
  end)

  it("asks whether what is stale still holds, and knows variants and partitions", function()
    server:route("/x", { etag = '"1"', body = "x", headers = { { "Vary", "X-A" },
      { "Cache-Control", "max-age=0, stale-while-revalidate=60" } } })
    local sender = caching({ partition = "p", shared = false })
    local more = { headers = { ["X-A"] = "1" } }
    get(sender, more)
    server:route("/x", { status = 304, headers = { { "Cache-Control", "max-age=60" } } })
    get(sender, more)
    assert.is_true(comes_alone(sender, more))
    assert.same({ "x", true }, { get(sender, more).body, get(sender, more).cache.hit })
    assert.equal('"1"', server:requests()[2].header("If-None-Match"))
  end)

  it("keeps what is stale where there is no new one, and asks again", function()
    server:route("/x", { stale, { reset = true }, { status = 503 }, new })
    local sender = caching()
    get(sender)
    assert.is_true(wait_until(function() return get(sender).body == "new" end))
    assert.equal(4, server:count("/x"))
  end)

  it("waits when it is closed", function()
    server:route("/x", { stale, new })
    local store = viesti.Store()
    local sender = caching({ store = store })
    get(sender)
    get(sender)
    sender:close()
    local later = caching({ store = store })
    assert.equal("new", get(later).body)
    assert.equal(2, server:count("/x"))
    get(sender)
  end)

  it("forgets what the program has forgotten meanwhile", function()
    server:route("/x", { stale, new })
    local sender = caching()
    get(sender)
    get(sender)
    sender:delete(server.url .. "/x")
    assert.is_true(wait_until(function() return server:count("/x") == 2 end))
    sender:close()
    assert.equal(0, sender.store:count())
  end)

  it("lets functions of the user's, layers inside and cookies have their say", function()
    local calls = 0
    local chains = {
      ttl = function()
        return caching({ ttl = function(_, response)
          calls = calls + 1
          return response.body == "new" and 60 or nil
        end })
      end,
      retries = function() return caching({}, viesti.RetryingSender()) end,
      cookies = function() return caching({}, viesti.SyncSender({ cookies = true })) end,
    }
    for name, chain in pairs(chains) do
      server:reset()
      server:route("/x", { stale, new })
      local sender = chain()
      get(sender)
      assert.is_true(wait_until(function() return get(sender).body == "new" end), name)
      assert.equal(2, server:count("/x"), name)
    end
    assert.equal(2, calls)
  end)

  it("asks for a request that reports on itself all the same", function()
    server:route("/x", { stale, new })
    local sender, told = caching(), 0
    get(sender)
    local more = { on_progress = function() told = told + 1 end }
    assert.is_true(wait_until(function() return get(sender, more).body == "new" end))
    assert.is_true(told > 0)
  end)

  it("ends with the chain, and with the program", function()
    server:route("/x", { stale, { hang = true } })
    local before = server:open_connections()
    local sender = viesti.CachingSender({ background = true, sender = viesti.SyncSender() })
    get(sender)
    get(sender)
    assert.is_true(wait_until(function() return server:count("/x") == 2 end))
    sender = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_true(wait_until(function() return server:open_connections() == before end))
    server:route("/x", { stale, { hang = true } })
    local pipe <close> = process.popen_script(([[
      local viesti = require "viesti"
      local sender = viesti.CachingSender { background = true, sender = viesti.SyncSender() }
      for _ = 1, 2 do
        print(sender:send({ url = %q }).body)
      end
    ]]):format(server.url .. "/x"))
    assert.equal("old\nold\n", pipe:read("a"))
  end)
end)
