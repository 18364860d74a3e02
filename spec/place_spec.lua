local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local fresh_lua = require("spec.support.fresh_lua")

-- What `fn` raises in a coroutine that viesti does not run, and in the main thread.
local function raised_in_coroutine(fn)
  local ok, raised = coroutine.resume(coroutine.create(fn))
  assert.is_false(ok)
  return raised
end

describe("Misuse is blamed on the user's own line", function()
  local server = fixture.origin()
  local line = debug.getinfo(1, "l").currentline

  local function assert_blames(offset, message, raised)
    assert.equal(("spec/place_spec.lua:%d: %s"):format(line + offset, message), raised)
  end

  it("where a coroutine that viesti does not run waits, by the name that was called", function()
    local async <close> = viesti.AsyncSender()
    local retrying = viesti.RetryingSender { sender = async }
    local cases = {
      sleep = function() local _ = viesti.sleep(0) end, -- line + 10
      run = function() local _ = viesti.run(print) end,
      map = function() local _ = viesti.map({ 1 }, print) end,
      timeout = function() local _ = viesti.timeout(1, print) end,
    }
    for index, name in ipairs { "sleep", "run", "map", "timeout" } do
      assert_blames(9 + index, name .. " cannot wait in a coroutine that viesti does not run; "
        .. "start it with viesti.spawn", raised_in_coroutine(cases[name]))
    end
    local send = function() local _ = retrying:send { url = server.url } end
    assert_blames(19, "send cannot wait in a coroutine that viesti does not run; start it with "
      .. "viesti.spawn, or use a SyncSender", raised_in_coroutine(send))
  end)

  it("where a coroutine that viesti does not run waits, before anything is started", function()
    local calls = 0
    local function call() calls = calls + 1 end
    for _, start in ipairs { function() viesti.run(call) end,
      function() viesti.map({ 1 }, call) end, function() viesti.timeout(1, call) end } do
      raised_in_coroutine(start)
    end
    viesti.run(viesti.sleep, 0)
    assert.equal(0, calls)
  end)

  it("where a warning is to be an error", function()
    local before = viesti.InsecureWarning:set "error"
    local ok, raised = pcall(function()
      local _ = viesti.SyncSender { verify = false }
    end)
    viesti.InsecureWarning:set(before)
    assert.is_false(ok)
    assert_blames(38, "InsecureWarning: certificates are not checked (verify = false)", raised)
  end)

  it("where seconds are none", function()
    local sender <close> = viesti.AsyncSender()
    local ok, raised = pcall(function()
      local _ = sender:sleep "x"
    end)
    assert.is_false(ok)
    assert_blames(48, 'sleep needs seconds, a number of 0 or more, got "x"', raised)
  end)

  it("where a request is none, in whatever way send was reached", function()
    local layer <close> = viesti.RetryingSender()
    local message = "send: the request must be a Request or a table of its options, got 5"
    for _, sender in ipairs { layer, layer.sender } do
      local ok, raised = pcall(sender.send, sender, 5) -- no Lua code calls it
      assert.is_false(ok)
      assert.matches("^spec/place_spec.lua:%d+: " .. message, raised)
    end
    local _, raised = pcall(viesti.Request.from, 5)
    assert.matches("^spec/place_spec.lua:%d+: " .. message, raised)
  end)

  it("where what is built is returned at once, which leaves no trace of that call", function()
    for _, build in ipairs { function() return viesti.Request { url = 5 } end,
      function() return viesti.Response { status_code = 1 } end,
      function() return viesti.Session { timeout = "x" } end,
      function() return viesti.Store { max_size = 0 } end,
      function() return viesti.Error("oops", "x") end,
      function() return viesti.SyncSender { timeout = "x" } end } do
      local ok, raised = pcall(function()
        local built = build() -- the line
        return built
      end)
      assert.is_false(ok)
      local at = debug.getinfo(1, "l").currentline - 4
      assert.equal(("spec/place_spec.lua:%d: "):format(at), raised:match "^[^ ]+ ")
    end
  end)

  it("where a method is called with a dot and its result returned at once, or by pcall", function()
    for _, case in ipairs { { viesti.Store(), "purge" }, { viesti.Response(), "json" },
      { viesti.Session(), "describe" } } do
      local object, name = table.unpack(case)
      local method = object[name]
      for _, call in ipairs { function() return method({ tag = "x" }) end, method } do
        local ok, raised = pcall(call, { tag = "x" }) -- the line
        local at = debug.getinfo(1, "l").currentline - 1
        assert.is_false(ok)
        assert.equal(("spec/place_spec.lua:%d: bad argument #1 to '%s' (%s expected, got table)")
          :format(at, name, debug.getmetatable(object).__name), raised)
      end
    end
  end)

  it("and not on what called for him, as pcall does", function()
    local ok, raised = pcall(viesti.Store().clear, {}) -- the line
    local at = debug.getinfo(1, "l").currentline - 1
    assert.is_false(ok)
    assert.equal(("spec/place_spec.lua:%d: bad argument #1 to '?' (%s expected, got table)")
      :format(at, "viesti.Store"), raised)
    raised = raised_in_coroutine(function() error(select(2, pcall(viesti.sleep, 0)), 0) end)
    assert.matches("^spec/place_spec.lua:%d+: sleep cannot wait in a coroutine", raised)
  end)

  it("where the init of a class of the user's calls that of its parent", function()
    local Careful = viesti.CachingSender:extend("CarefulSender")
    function Careful:init()
      Careful.super.init(self) -- the line
    end
    local at = debug.getinfo(1, "l").currentline - 2
    local ok, raised = pcall(function()
      local _ = Careful { methods = { "get" } }
    end)
    assert.is_false(ok)
    assert.matches(("^spec/place_spec.lua:%d: CachingSender: methods must be "):format(at),
      raised)
  end)

  it("where a module is required before viesti is", function()
    for _, name in ipairs { "viesti.sqlite", "viesti.redis", "viesti.redis.limit" } do
      local said = fresh_lua(([[
        local build = require(%q)
        local _, raised = pcall(function() local _ = build { oops = 1 } end)
        io.write(raised)]]):format(name))
      assert.matches(':2: %w+: there is no option "oops"', said)
    end
  end)

  it("where a function of the user's begins that returned what it must not", function()
    local function wrong() return print end -- the line
    local at = debug.getinfo(wrong, "S").linedefined
    local mock = viesti.MockSender { routes = { { answer = { status_code = 500,
      headers = { ["Cache-Control"] = "max-age=60" } } } } }
    local Odd = viesti.Sender:extend "OddSender"
    Odd.send = wrong
    local cases = { viesti.RetryingSender { sender = Odd() },
      viesti.RetryingSender { retries = 1, policy = wrong, sender = mock },
      viesti.RateLimitingSender { rate = 1, key = wrong, sender = mock },
      viesti.ConcurrencyLimitingSender { limit = 1, key = wrong, sender = mock },
      viesti.CircuitBreakingSender { key = wrong, sender = mock },
      viesti.AuthenticatingSender { token = wrong, sender = mock } }
    for _, option in ipairs { "key", "partition", "ttl", "tags" } do
      cases[#cases + 1] = viesti.CachingSender { [option] = wrong, sender = mock,
        store_errors = true }
    end
    for _, layer in ipairs(cases) do
      local ok, raised = pcall(function()
        local _ = layer:send { url = "http://h/" }
      end)
      assert.is_false(ok, layer.name)
      assert.matches(("^spec/place_spec.lua:%d: %s: %%w.* must return "):format(at, layer.name),
        raised)
    end
  end)

  it("where the call is, if the function is in C", function()
    local layer = viesti.RateLimitingSender { rate = 1, sender = viesti.MockSender(),
      key = getmetatable } -- a table
    local at = debug.getinfo(1, "l").currentline + 2
    local ok, raised = pcall(function()
      local _ = layer:send { url = "http://h/" }
    end)
    assert.is_false(ok)
    assert.matches(("^spec/place_spec.lua:%d: "):format(at), raised)
  end)
end)
