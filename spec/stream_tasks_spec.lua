local viesti = require("viesti")
local streams = require("spec.support.streams")
local task_fixture = require("spec.support.task_fixture")

local rest_of = streams.rest_of

local CHUNKED_HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("In tasks, a streamed response", function()
  local given = task_fixture(0.1)
  local server, promise = given.server, given.promise

  promise("leaves no file behind where saving it is cancelled", function()
    local path, response = os.tmpname(), given:stream(0.2)
    local saving = viesti.spawn(function() response:save(path) end)
    viesti.sleep(0.1)
    local listing = assert(io.popen("ls " .. path .. ".*"))
    local part = listing:read("l")
    listing:close()
    assert.is_true(saving:cancel())
    os.remove(path)
    assert.matches("%.part$", part)
    assert.is_nil((io.open(part)))
  end)

  promise("suspends one task, not the others", function()
    local source, steps = given:stream(0.1), 0
    local ticker <close> = viesti.spawn(function()
      while true do
        viesti.sleep(0.01)
        steps = steps + 1
      end
    end)
    assert.equal("0123456789", rest_of(source))
    assert.is_true(steps >= 4 and ticker:status() == "running", steps)
  end)

  promise("is one of many that come at once", function()
    server:route("/drip", { body = ("x"):rep(400000), drip = { bytes = 100000,
      interval = 0.2 } })
    local sizes = given:lasts(0.8, viesti.map, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function()
      return #rest_of(assert(given.sender:send({ url = server.url .. "/drip", stream = true })))
    end)
    for index = 1, 10 do
      assert.equal(400000, sizes[index])
    end
  end)

  promise("has one reader at a time", function()
    local source = given:stream(0.1)
    source:read()
    local first = viesti.spawn(source.read, source)
    viesti.sleep(0.02)
    for _, act in ipairs({ source.read, source.chunks(source) }) do
      assert.error_matches(function() act(source) end, "somebody else is reading this response")
    end
    assert.error_matches(function() source:annotated(nil, { note = 2 }) end,
      "somebody else is reading this response")
    assert.equal("23456789", first:join())
    assert.is_nil(source:read())
  end)

  promise("goes to the loop that was first, also while that does something else", function()
    for _, pause in ipairs({ 0, 0.05 }) do
      local source = given:stream(0.02)
      local function loop()
        local got = ""
        for chunk in source:chunks(2) do
          got = got .. chunk
          viesti.sleep(pause)
        end
        return got
      end
      local first = viesti.spawn(loop)
      viesti.sleep(0.01)
      for _, act in ipairs({ loop, function() source:read() end,
        function() source:save("/nonexistent/x") end }) do
        assert.matches("^spec/stream_tasks_spec%.lua:%d+: somebody else is reading this response$",
          select(2, pcall(function() viesti.spawn(act):join() end)))
      end
      assert.equal("0123456789", first:join())
      assert.is_nil(source:read())
    end
  end)

  promise("may be read by the one that loops over it", function()
    local source, got = given:stream(0.02), ""
    for chunk in source:chunks(1) do
      got = got .. chunk .. "," .. (source:read(1) or "") .. ";"
    end
    assert.equal("0,1;2,3;4,5;6,7;8,9;", got)
  end)

  promise("wakes its reader when another task closes it", function()
    local source = given:stream(5)
    source:read()
    local reader = viesti.spawn(source.read, source)
    viesti.sleep(0.02)
    source:close()
    local piece, err = reader:join()
    assert.is_nil(piece)
    assert.equal("closed", err.kind)
    assert.is_nil(source:read())
    given:assert_undisturbed()
  end)

  promise("wakes its reader when the sender is closed", function()
    local source = given:stream(5)
    source:read()
    local reader = viesti.spawn(source.read, source)
    viesti.sleep(0.02)
    given.sender:close()
    assert.equal("closed", select(2, reader:join()).kind)
  end)

  promise("loses no byte to a reader that is cancelled while it waits", function()
    local source = given:stream(0.1)
    assert.equal("01", source:read())
    local reader = viesti.spawn(source.read, source)
    viesti.sleep(0.02)
    assert.is_true(reader:cancel())
    assert.equal("23456789", viesti.spawn(rest_of, source):join())
  end)

  promise("ends with a task whose to-be-closed variable it is", function()
    server:route("/endless", { raw = CHUNKED_HEAD .. "1\r\nx\r\n", hang = true })
    local task = viesti.spawn(function()
      local response <close> = assert(given.sender:send({ url = server.url .. "/endless",
        stream = true }))
      response:read()
      response:read()
    end)
    viesti.sleep(0.05)
    assert.equal(1, server:open_connections())
    assert.is_true(task:cancel())
    local deadline = given.sender:now() + 2
    while server:open_connections() > 0 and given.sender:now() < deadline do
      viesti.sleep(0.005)
    end
    assert.equal(0, server:open_connections())
  end)

  promise("loses nothing where the upload goes on behind it", function()
    server:route("/early", { first = CHUNKED_HEAD, raw = "4\r\ndone\r\n0\r\n\r\n" })
    local answers = viesti.map({ 1, 2, 3, 4 }, function(number)
      local left = 30
      local response = assert(given.sender:send({ method = "POST", url = server.url .. "/early?"
        .. number, stream = true, content = function()
          left = left - 1
          viesti.sleep(0.002)
          return left >= 0 and tostring(number):rep(10000) or nil
        end }))
      return rest_of(response)
    end)
    assert.same({ "done", "done", "done", "done" }, answers)
    for _, request in ipairs(server:requests()) do
      assert.is_true(request.target:sub(-1):rep(300000) == request.body)
    end
  end)
end)
