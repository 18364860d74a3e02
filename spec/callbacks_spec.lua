local viesti = require("viesti")
local callback_places = require("spec.support.callback_places")
local open_descriptors = require("spec.support.open_descriptors")
local origin = require("spec.support.origin")
local ways = require("spec.support.ways")

local function assert_went_on(outcome)
  assert.is_false(outcome.failed, outcome.raised)
  assert.is_truthy(outcome.value)
end

-- What the code raised arrived: the value itself, or a message that a position may precede.
local function assert_raised(outcome, place, expected)
  if place.becomes_error then
    local err = outcome.err
    local message = place.becomes_error == true and tostring(expected) or place.becomes_error
    assert.same({ false, nil, "script" }, { outcome.failed, outcome.value, err.kind })
    assert.is_true(err.message:find(message, 1, true) ~= nil
      or expected == nil and err.message:find("raised nothing", 1, true) ~= nil
      or type(expected) == "table" and rawequal(expected, err.cause), err.message)
  else
    assert.is_true(outcome.failed)
    assert.is_true(rawequal(expected, outcome.raised) or type(expected) == "string"
      and tostring(outcome.raised):find(expected, 1, true) ~= nil, outcome.raised)
  end
end

-- What the code does in a place: a list of { name, act = function(sender, url), check }, where
-- check(outcome, place, in_task, sender) says what must come of it. An outcome has what was raised,
-- { failed, raised }, or what was returned, { failed, value, err }.
local acts = {}

local own_table = {}

for name, value in pairs({ ["raises a string"] = "reason", ["raises a table"] = own_table,
  ["raises nil"] = false }) do
  acts[#acts + 1] = { name = name, raises = true, raises_table = value == own_table,
    act = function()
      error(value or nil, 0)
    end,
    check = function(outcome, place)
      assert_raised(outcome, place, value or nil)
    end }
end

acts[#acts + 1] = { name = "yields", raises = true, act = function() coroutine.yield() end,
  check = function(outcome, place, in_task)
    if not in_task then
      assert_raised(outcome, place, "attempt to yield from outside a coroutine")
    elseif place.waits == false then
      assert_raised(outcome, place, "attempt to yield across a C-call boundary")
    else
      assert_went_on(outcome)
    end
  end }

local function waits(name, act, blocks, sentence)
  acts[#acts + 1] = { name = name, act = act, check = function(outcome, place, in_task, sender)
    if not in_task or place.waits ~= false or blocks(sender) then
      assert_went_on(outcome)
    elseif place.raises ~= false then
      assert_raised(outcome, place, sentence)
    end
  end }
end

waits("sleeps", function()
  viesti.sleep(0)
end, function() return false end, "sleep cannot wait here")

waits("sends by the same sender", function(sender, url)
  assert(sender:send({ url = url }))
end, function(sender) return not sender.is_async end, "AsyncSender:send cannot wait here")

acts[#acts + 1] = { name = "collects garbage", check = assert_went_on, act = function()
  collectgarbage()
  collectgarbage()
end }

acts[#acts + 1] = { name = "closes the sender", closes = true,
  act = function(sender)
    sender:close()
  end,
  check = function(outcome)
    assert.is_false(outcome.failed, outcome.raised)
    assert.is_truthy(outcome.value or outcome.err.kind == "closed")
  end }

for _, way in ipairs(ways) do
  describe("What the user's code does, over " .. way.name .. ",", function()
    local server, url

    setup(function()
      server = origin.start()
      url = server.url .. "/echo"
      viesti.loop() -- takes a descriptor for good
    end)

    teardown(function()
      server:stop()
    end)

    local function outcome_of(place, act, sender)
      local results = table.pack(pcall(place.play, sender, function()
        act(sender, url)
      end, url))
      if not results[1] then
        return { failed = true, raised = results[2] }
      end
      return { failed = false, value = results[2], err = results[3] }
    end

    -- Whatever came of it, the sender goes on.
    local function try(place, act)
      server:route("/echo?flaky", { { status = 503 }, { body = "fine" } })
      local sender <close> = way.sender({ timeout = 10 })
      local in_task = place.in_task or way.run == viesti.run
      act.check(outcome_of(place, act.act, sender), place, in_task, sender)
      local response, err = sender:send({ url = url })
      assert.equal(act.closes and "closed" or 200, response and response.status_code or err.kind)
    end

    for _, place in ipairs(callback_places) do
      it("has the outcome that fits it in " .. place.name, function()
        for _, act in ipairs(acts) do
          if not (act.raises and place.raises == false
            or act.raises_table and place.raises_tables == false) then
            local before = open_descriptors()
            local ok, reason = pcall(way.run, function() try(place, act) end)
            assert(ok, ("where it %s: %s"):format(act.name,
              type(reason) == "table" and reason.message or reason))
            collectgarbage()
            collectgarbage()
            assert.is_true(open_descriptors() <= before, "where it " .. act.name)
          end
        end
      end)
    end
  end)
end

describe("A task that fails", function()
  local function fail_with(close, reason)
    return pcall(viesti.run, function()
      local _ <close> = setmetatable({}, { __close = close })
      viesti.sleep(0)
      error(reason, 0)
    end)
  end

  it("closes its to-be-closed variables, which see what it raised", function()
    local seen
    assert.same({ false, "reason" }, { fail_with(function(_, reason) seen = reason end, "reason") })
    assert.equal("reason", seen)
  end)

  it("has closed them when those who join it go on", function()
    viesti.run(function()
      local closed = false
      local task = viesti.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() closed = true end })
        viesti.sleep(0)
        error("reason", 0)
      end)
      assert.has_error(function() task:join() end, "reason")
      assert.is_true(closed)
    end)
  end)

  it("ends the tasks and the streams that are among them", function()
    local server <close> = origin.start()
    server:route("/hang", { raw = "HTTP/1.1 200 OK\r\n\r\nx", hang = true })
    local sender <close> = viesti.AsyncSender()
    local inner, response
    pcall(viesti.run, function()
      local task <close> = viesti.spawn(viesti.sleep, 60)
      local stream <close> = assert(sender:send({ url = server.url .. "/hang", stream = true }))
      inner, response = task, stream
      error("reason")
    end)
    assert.equal("cancelled", inner:status())
    assert.equal("closed", select(2, response:read()).kind)
  end)

  it("cannot be cancelled by the variables that it closes", function()
    viesti.run(function()
      local task, cancelled
      task = viesti.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() cancelled = task:cancel() end })
        error("reason", 0)
      end)
      assert.has_error(function() task:join() end, "reason")
      assert.is_false(cancelled)
      assert.equal("failed", task:status())
    end)
  end)

  it("raises what such a variable raises instead", function()
    assert.same({ false, "second" }, { fail_with(function() error("second", 0) end, "first") })
    assert.same({ false }, { fail_with(function() error(nil) end, "first") })
    local _, reason = fail_with(function() coroutine.yield() end, "first")
    assert.matches("attempt to yield across a C%-call boundary", reason)
    _, reason = fail_with(function() viesti.sleep(0) end, "first")
    assert.matches("sleep cannot wait", reason)
  end)
end)
