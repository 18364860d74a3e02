local viesti = require("viesti")
local fresh_lua = require("spec.support.fresh_lua")
local origin = require("spec.support.origin")

describe("require \"viesti\"", function()
  it("gives the names that chains are built and run with", function()
    local promised = {
      VERSION = "string", CURL_VERSION = "string",
      Request = "table", Response = "table", Session = "table",
      Sender = "table", SyncSender = "table", AsyncSender = "table", ExtendingSender = "table",
      CircuitBreakingSender = "table", CircuitBreaker = "table",
      ConcurrencyLimitingSender = "table", ConcurrencyLimit = "table",
      RetryingSender = "table", CachingSender = "table", Client = "table",
      chain = "function", load = "function",
      SenderConflictWarning = "table", TaskWarning = "table",
      run = "function", spawn = "function", sleep = "function", map = "function",
      timeout = "function", download = "function",
      loop = "function",
      null = "userdata", array = "function",
    }
    for name, kind in pairs(promised) do
      assert.equal(kind, type(viesti[name]), name)
    end
  end)

  it("writes classes and warnings in capitals, by the name they print as", function()
    for name, value in pairs(viesti) do
      if name:find("^%u%l") then
        assert.equal(name, tostring(value))
        assert.equal(name, value.name)
      end
    end
  end)

  it("says where a reference leads to, and what is wrong with one that leads nowhere", function()
    local base = "https://example.org/a/b?page=1#end"
    for reference, url in pairs({
      ["?page=2"] = "https://example.org/a/b?page=2", ["../c d"] = "https://example.org/c%20d",
      ["//other.test:443/x"] = "https://other.test/x", [""] = "https://example.org/a/b?page=1",
    }) do
      assert.equal(url, viesti.resolve_url(base, reference))
    end
    local url, wrong = viesti.resolve_url(base, "file:///etc/passwd")
    assert.is_nil(url)
    assert.matches("only http and https", wrong)
    assert.has_error(function() viesti.resolve_url(base) end, "resolve_url needs a URL and a "
      .. 'reference in what came from there, got "https://example.org/a/b?page=1#end" and nothing')
  end)

  it("says its version and libcurl's", function()
    assert.matches("^%d+%.%d+%.%d+$", viesti.VERSION)
    assert.matches("^%d+%.%d+%.%d+", viesti.CURL_VERSION)
    assert.equal("viesti/" .. viesti.VERSION, viesti.Session():describe().user_agent)
  end)

  it("sets no global", function()
    local before = {}
    for name in pairs(_G) do
      before[name] = true
    end
    for name in pairs(package.loaded) do
      if name:find("^viesti") then
        package.loaded[name] = nil
      end
    end
    require("viesti")
    for name in pairs(_G) do
      assert.is_true(before[name], "global " .. tostring(name))
    end
  end)

  it("has the stores and the limit of rocks of their own once they are asked for", function()
    for name, module in pairs({ sqlite = "viesti.sqlite", redis = "viesti.redis",
      RedisLimit = "viesti.redis.limit" }) do
      assert.equal(require(module), viesti[name])
    end
    local searchers, loaded = package.searchers, package.loaded["viesti.sqlite"]
    package.loaded["viesti.sqlite"], package.searchers = nil, {}
    finally(function()
      package.loaded["viesti.sqlite"], package.searchers = loaded, searchers
    end)
    local _, message = pcall(function() return viesti.sqlite("x.db") end)
    assert.matches("viesti_spec.lua:%d+: the store for SQLite is not installed, "
      .. "it is the rock viesti%-sqlite$", message)
  end)

  it("says why they cannot be loaded where they are installed", function()
    local loaded, cpath = {}, package.cpath
    for _, name in ipairs({ "viesti.sqlite", "viesti.stores.sqlite" }) do
      loaded[name], package.loaded[name] = package.loaded[name], nil
    end
    finally(function()
      package.cpath, package.preload["viesti.stores.sqlite"] = cpath, nil
      for name, module in pairs(loaded) do
        package.loaded[name] = module
      end
    end)
    local function reason()
      return select(2, viesti.load "return sqlite 'a'")
    end
    package.cpath = ""
    assert.equal("chain:1: the store for SQLite cannot be loaded: "
      .. "module 'viesti.stores.sqlite' not found", reason())
    package.preload["viesti.stores.sqlite"] = function()
      error("no\n\tsymbol", 0)
    end
    assert.equal("chain:1: the store for SQLite cannot be loaded: no symbol", reason())
    package.preload["viesti.stores.sqlite"] = function()
      error("not enough memory", 0)
    end
    assert.matches("not enough memory$", reason())
  end)

  it("says what was likely meant by a class or a call that it has not", function()
    for name, hint in pairs({ RetrySender = ", did you mean 'RetryingSender'?", Bicycle = "",
      Retry = ", did you mean 'RetryingSender'?",
      get = ": a sender sends, viesti.SyncSender():send { url = ... }",
      post = ": a sender sends, viesti.SyncSender():send { method = \"POST\", url = ... }" }) do
      local _, message = pcall(function() return viesti[name]() end)
      assert.matches("viesti_spec.lua:%d+: viesti has no '", message)
      assert.equal(("viesti has no '%s'%s"):format(name, hint), message:match("viesti has no.*"))
    end
    assert.is_nil(viesti.logger)
    assert.is_nil(viesti._NAME)
  end)

  it("has every layer descend from ExtendingSender and every sender from Sender", function()
    for _, name in ipairs({ "RetryingSender", "CachingSender", "Client" }) do
      assert.equal(viesti.ExtendingSender, viesti[name].super)
    end
    for _, name in ipairs({ "ExtendingSender", "SyncSender", "AsyncSender" }) do
      assert.equal(viesti.Sender, viesti[name].super)
    end
  end)

  it("closes a state cleanly with requests in flight", function()
    local server <close> = origin.start()
    server:route("/hang", { hang = true })
    assert.equal("leaving", fresh_lua(([[
      local viesti = require("viesti")
      local sender = viesti.AsyncSender()
      viesti.TaskWarning:set("ignore")
      for _ = 1, 5 do
        viesti.spawn(sender.send, sender, { url = %q })
      end
      viesti.sleep(0.5)
      print("leaving")
    ]]):format(server.url .. "/hang")))
    assert.equal(5, server:count("/hang"))
  end)
end)
