local socket = require("socket")
local viesti = require("viesti")
local fresh_lua = require("spec.support.fresh_lua")
local origin = require("spec.support.origin")

-- Each in a Lua of its own, which must end quietly: a crash or a sanitizer's report is an error.
describe("A Lua state that ends", function()
  local server, silent, prelude

  setup(function()
    server = origin.start()
    server:route("/hang", { hang = true })
    server:route("/stream", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
      hang = true })
    silent = assert(socket.bind("127.0.0.1", 0)) -- connects, and never answers
    local _, port = silent:getsockname()
    prelude = ([[
      local viesti, url, silent = require("viesti"), %q, "127.0.0.1:%d/"
      viesti.TaskWarning:set("ignore")
      local function leave()
        io.write("left")
        os.exit(true, true)
      end
    ]]):format(server.url, port)
  end)

  teardown(function()
    server:stop()
    silent:close()
  end)

  local function assert_leaves(script)
    assert.equal("left", fresh_lua(prelude .. script))
  end

  -- All of it at once, and `started` to be called when it is under way.
  local work = [[
    local sender = viesti.AsyncSender({ timeout = 60 })
    local single = viesti.AsyncSender({ max_connections = 1 })
    local renewing = viesti.AuthenticatingSender({ sender = sender, token = function()
      return nil, select(2, sender:send({ url = url .. "/hang" }))
    end })
    local retrying = viesti.RetryingSender({ retries = 9, sender = sender,
      backoff = { jitter = "none" } })
    local kept = {} -- what is collected with the state alone

    local function start(fn)
      kept[#kept + 1] = viesti.spawn(fn)
    end

    local function send(by, options)
      start(function()
        local _ <close> = setmetatable({}, { __close = function() kept[#kept + 1] = "closed" end })
        kept[#kept + 1] = by:send(options)
      end)
    end

    local function read(options, count)
      start(function()
        local response <close> = sender:send(options)
        for _ = 1, count do
          response:read(1)
        end
        kept[#kept + 1] = response
        viesti.sleep(60)
      end)
    end

    local function start_all()
      send(sender, { url = url .. "/hang" })
      send(sender, { url = "http://" .. silent })
      send(sender, { url = "https://" .. silent })
      send(sender, { method = "PUT", url = "http://" .. silent, content = ("x"):rep(8000000) })
      send(sender, { method = "PUT", url = url .. "/hang",
        content = function() viesti.sleep(60) end })
      send(sender, { method = "PUT", url = url .. "/hang", content = function()
        return sender:send({ url = url .. "/stream", stream = true }):read(9):rep(9)
      end })
      send(single, { url = url .. "/hang" })
      send(single, { url = url .. "/hang?queued" })
      send(renewing, { url = url .. "/hang" })
      send(renewing, { url = url .. "/hang" })
      send(retrying, { url = url .. "/status/503" })
      read({ url = url .. "/stream", stream = true }, 0)
      read({ url = url .. "/stream", stream = true }, 2)
      read({ url = url .. "/stream", stream = true }, 4)
      start(function() kept[1]:join() end)
      start(function() viesti.map({ 1, 2, 3 }, function() viesti.sleep(60) end) end)
      start(function() viesti.sleep(60) end)
    end
  ]]

  local ways = {
    ["by os.exit in a task"] = "viesti.run(function() start_all() viesti.sleep(0.1) leave() end)",
    ["by os.exit on the main thread"] = "start_all() viesti.sleep(0.1) leave()",
    ["by its last line"] = "start_all() viesti.sleep(0.1) io.write('left')",
    ["before anything has begun"] = "start_all() leave()",
    ["with the sender closed"] = "start_all() viesti.sleep(0.1) sender:close() leave()",
    ["with everything cancelled"] = [[start_all() viesti.sleep(0.1)
      for _, task in ipairs(table.move(kept, 1, 17, 1, {})) do
        task:cancel()
      end
      leave()]],
    ["by an error in a task, and one outside"] = [[
      viesti.TaskWarning:set(function(message)
        io.write(message:find("^a task failed") and "left" or "")
      end)
      local ended = pcall(viesti.run, function()
        start_all()
        viesti.spawn(error, "lost")
        viesti.sleep(0.1)
      end)
      assert(ended)]],
  }

  for way, script in pairs(ways) do
    it("ends what is under way, " .. way, function()
      assert_leaves(work .. script)
    end)
  end

  local user_code = {
    ["a body's reader"] =
      [[sender:send({ method = "PUT", url = url .. "/echo", content = leave })]],
    ["a body's reader behind its response"] = [[sender:send({ method = "PUT",
      url = url .. "/early", stream = true, content = function()
        count = (count or 0) + 1
        return count > 3 and leave() or "x"
      end }):read()]],
    ["a loop over chunks"] = [[
      for _ in sender:send({ url = url .. "/echo", stream = true }):chunks(5) do leave() end]],
    ["a token function"] =
      [[viesti.AuthenticatingSender({ sender = sender, token = leave }):send({ url = url })]],
    ["a function to map with"] = [[viesti.map({ 1, 2, 3 }, leave)]],
    ["a to-be-closed variable"] =
      [[local _ <close> = setmetatable({}, { __close = leave }) sender:send({ url = url })]],
    ["a metamethod of a request's options"] =
      [[sender:send(setmetatable({}, { __index = leave }))]],
    ["a finalizer"] = [[setmetatable({}, { __gc = leave }) collectgarbage()]],
    ["a handler of warnings"] =
      [[viesti.InsecureWarning:set(leave) viesti.Session({ verify = false })]],
  }

  for what, script in pairs(user_code) do
    it("by os.exit in " .. what .. " ends no other way", function()
      server:route("/early", { first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        raw = "0\r\n\r\n" })
      for _, way in ipairs({ { "SyncSender", "(function(fn) fn() end)" },
        { "AsyncSender", "(function(fn) fn() end)" }, { "AsyncSender", "viesti.run" } }) do
        assert_leaves(("local sender = viesti.%s({ timeout = 5 });\n%s(function()\n%s\nend)")
          :format(way[1], way[2], script))
      end
    end)
  end

  it("by an error leaves nothing behind but its message", function()
    local ok, message = pcall(fresh_lua, prelude .. work .. [[
      start_all()
      viesti.sleep(0.1)
      error("the reason", 0)
    ]])
    assert.is_false(ok)
    assert.matches("lua5?%.?4?: the reason\nstack traceback:[^=]*$", message)
  end)
end)

describe("A sender that another task closes", function()
  local server, silent, port

  setup(function()
    server = origin.start()
    server:route("/hang", { hang = true })
    server:route("/stream", { raw = "HTTP/1.1 200 OK\r\n\r\nabc", hang = true })
    silent = assert(socket.bind("127.0.0.1", 0))
    port = select(2, silent:getsockname())
  end)

  teardown(function()
    server:stop()
    silent:close()
  end)

  -- Each waits for something by that sender, and returns what it comes to.
  local waits = {
    ["a head"] = function(sender)
      return sender:send({ url = server.url .. "/hang" })
    end,
    ["a handshake"] = function(sender)
      return sender:send({ url = "https://127.0.0.1:" .. port })
    end,
    ["room for its upload"] = function(sender)
      return sender:send({ method = "PUT", url = "http://127.0.0.1:" .. port,
        content = ("x"):rep(8000000) })
    end,
    ["its body's reader"] = function(sender)
      return sender:send({ method = "PUT", url = server.url .. "/hang", content = function()
        viesti.sleep(0.2)
        return "x"
      end })
    end,
    ["the bytes of a stream"] = function(sender)
      local stream = assert(sender:send({ url = server.url .. "/stream", stream = true }))
      stream:read()
      return stream:read()
    end,
    ["a connection that others have"] = function(sender)
      viesti.spawn(sender.send, sender, { url = server.url .. "/hang" })
      viesti.sleep(0)
      return sender:send({ url = server.url .. "/hang" })
    end,
  }

  for what, wait in pairs(waits) do
    for name, run in pairs({ ["a task"] = viesti.run,
      ["the main thread"] = function(fn) return fn() end }) do
      it(("ends with the error closed what waits for %s in %s"):format(what, name), function()
        local sender = viesti.AsyncSender({ timeout = 10, max_connections = 1 })
        run(function()
          local closer = viesti.spawn(function()
            viesti.sleep(0.05)
            sender:close()
            sender:close()
          end)
          local value, err = wait(sender)
          assert.is_nil(value)
          assert.equal("closed", err.kind)
          assert.is_nil((closer:join()))
        end)
        assert.equal("closed", select(2, sender:send({ url = server.url })).kind)
      end)
    end
  end
end)

describe("What a sender that is collected leaves behind", function()
  it("is a stream that goes on to its end", function()
    local server <close> = origin.start()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    server:route("/drip", { drip = { bytes = head .. "abcdef", size = #head + 3,
      interval = 0.05 } })
    for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender }) do
      local response = assert(Kind():send({ url = server.url .. "/drip", stream = true }))
      collectgarbage()
      collectgarbage()
      assert.same({ "abc", "def" }, { response:read(), response:read() })
      assert.is_nil(response:read())
    end
  end)

  it("is nothing, once the response is collected too", function()
    local server <close> = origin.start()
    server:route("/stream", { raw = "HTTP/1.1 200 OK\r\n\r\nabc", hang = true })
    for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender }) do
      assert(Kind():send({ url = server.url .. "/stream", stream = true }))
    end
    collectgarbage()
    collectgarbage()
    local clock = viesti.SyncSender()
    local started = clock:now()
    while server:open_connections() > 0 and clock:now() < started + 5 do
      clock:sleep(0.005)
    end
    assert.equal(0, server:open_connections())
  end)
end)
