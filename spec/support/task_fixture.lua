-- What the specs of streams and uploads in tasks share: for a block of tests a server, and before
-- each test senders to it, one of which loses its patience after so many seconds.
--
--   local given = task_fixture(0.1)        given.server, .sender, .hasty, :post(…), :stream(…), …

local assert = require("luassert")
local busted = require("busted")
local fixture = require("spec.support.fixture")
local viesti = require("viesti")

local Given = {}
Given.__index = Given

-- A test whose function runs as a task.
function Given.promise(text, check)
  busted.it(text, function()
    viesti.run(check)
  end)
end

function Given:post(by, content, path)
  return by:send({ method = "POST", url = self.server.url .. (path or "/echo"),
    content = content })
end

-- A stream whose body is 0123456789: the first two bytes at once, the others later.
function Given:stream(seconds)
  local head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
  self.server:route("/stream", { drip = { bytes = head .. "0123456789", size = #head + 2,
    interval = seconds or 0.1 } })
  return assert(self.sender:send({ url = self.server.url .. "/stream", stream = true }))
end

function Given:lasts(seconds, fn, ...)
  local started = self.sender:now()
  local results = table.pack(fn(...))
  local elapsed = self.sender:now() - started
  assert.is_true(elapsed >= seconds - 0.002 and elapsed < seconds + 5,
    ("took %g, not %g"):format(elapsed, seconds))
  return table.unpack(results, 1, results.n)
end

-- A task that returns these values after so many seconds.
function Given.later(seconds, ...)
  return viesti.spawn(function(...)
    viesti.sleep(seconds)
    return ...
  end, ...)
end

-- What comes after something that went wrong must be as if it had never been.
function Given:assert_undisturbed()
  self:lasts(0.08, viesti.sleep, 0.08)
  assert.same({ "real", 7 }, { self:lasts(0.05, function()
    return self.later(0.05, "real", 7):join()
  end) })
  collectgarbage()
  assert.equal("fine", assert(self:post(self.sender, "fine")).content.body)
end

return function(patience)
  local given = setmetatable({ server = fixture.origin() }, Given)
  busted.before_each(function()
    given.sender = viesti.AsyncSender({ timeout = 10 })
    given.hasty = viesti.AsyncSender({ timeout = patience })
  end)
  busted.after_each(function()
    given.sender:close()
    given.hasty:close()
  end)
  return given
end
