local viesti = require("viesti")
local fixture = require("spec.support.fixture")

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

  it("where a warning is to be an error", function()
    local before = viesti.InsecureWarning:set "error"
    local ok, raised = pcall(function()
      local _ = viesti.SyncSender { verify = false }
    end)
    viesti.InsecureWarning:set(before)
    assert.is_false(ok)
    assert_blames(27, "InsecureWarning: certificates are not checked (verify = false)", raised)
  end)

  it("where seconds are none", function()
    local sender <close> = viesti.AsyncSender()
    local ok, raised = pcall(function()
      local _ = sender:sleep "x"
    end)
    assert.is_false(ok)
    assert_blames(37, 'sleep needs seconds, a number of 0 or more, got "x"', raised)
  end)
end)
