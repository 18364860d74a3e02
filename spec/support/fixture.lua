-- The servers that the tests of a block talk to:
--
--   describe("…", function()
--     local server = fixture.origin()          without routes before each test
--     local web = fixture.nginx({ files = … })
--
-- They start before the first test of the block and stop after its last; what stands for one may be
-- handed about before it is there.

local busted = require("busted")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")
local proxy = require("spec.support.proxy")

local fixture = {}

-- `start` makes one, which has a method `stop`.
function fixture.server(start)
  local real
  busted.setup(function()
    real = start()
  end)
  busted.teardown(function()
    real:stop()
  end)
  return setmetatable({}, {
    __index = function(_, name)
      return real[name]
    end,
    __newindex = function(_, name, value)
      real[name] = value
    end,
  })
end

-- The same, and it forgets before each test what the one before made of it.
local function forgetful(start)
  local server = fixture.server(start)
  busted.before_each(function()
    server:reset()
  end)
  return server
end

function fixture.origin()
  return forgetful(origin.start)
end

function fixture.proxy(options)
  return forgetful(function()
    return proxy.start(options)
  end)
end

function fixture.nginx(options)
  return fixture.server(function()
    return nginx.start(options)
  end)
end

return fixture
