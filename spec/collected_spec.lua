local fresh_lua = require("spec.support.fresh_lua")
local fixture = require("spec.support.fixture")

-- Finalizers run in the reverse order of marking: one that is older than what it uses finds that
-- collected already. Everything here is in a Lua of its own, which it must not crash.
describe("In a finalizer, what was collected before", function()
  local server = fixture.origin()

  local prelude = [[
    local viesti, url = require("viesti"), %q
    viesti.TaskWarning:set("ignore") -- not all tasks here are given a chance to run
    request = viesti.Request{ url = url } -- what is made in a closing state is never finalized
    local function finally(fn, make)
      local object = setmetatable({}, { __gc = function(object)
        print(select(2, pcall(fn, object.value)))
      end })
      object.value = make()
      return object
    end
  ]]

  local function run(script)
    return fresh_lua(prelude:format(server.url .. "/echo") .. script)
  end

  local objects = {
    Request = { "viesti.Request{ url = url, headers = { A = 1 } }", { "value.url", "value.headers",
      "tostring(value)", "value:with{}", "value:is_idempotent()" } },
    ["view of a Request"] = {
      "viesti.Request{ url = url, headers = { A = 1 } }:with{ timeout = 1 }",
      { "value.url", "value.timeout", "value.headers", "value.headers.a", "tostring(value)",
        "value:with{}" } },
    ["view with fields"] = { "viesti.Request{ url = url }:with{ headers = { A = 1 } }",
      { "value.url", "value.headers.a", "tostring(value)", "value:with{ timeout = 1 }" } },
    ["Headers of a view"] = {
      "viesti.Request{ url = url, headers = { A = 1 } }:with{ timeout = 1 }.headers",
      { "value.a", "value:get_all('a')", "#value", "pairs(value)(value)" } },
    Response = { "viesti.SyncSender():send{ url = url }", { "value.status_code", "value.body",
      "tostring(value)", "value:close()", "value:annotated(nil, { note = 2 })", "value:json()" } },
    stream = { "viesti.SyncSender():send{ url = url, stream = true }", { "value:read()",
      "value:close()", "value:save('/nonexistent/x')", "value:chunks()()" } },
    Headers = { "viesti.Request{ url = url, headers = { A = 1 } }.headers", { "value.a",
      "value:get_all('a')", "#value", "pairs(value)(value)" } },
    Store = { "viesti.Store{}", { "value:clear()", "value:count()", "tostring(value)" } },
    Session = { "viesti.Session{}", { "value:close()", "value:is_closed()", "value:cookies()",
      "value:describe()", "tostring(value)", "viesti.SyncSender(value):send(request)" } },
    SyncSender = { "viesti.SyncSender()", { "value:send(request)", "value:close()" } },
    AsyncSender = { "viesti.AsyncSender()", { "value:send(request)", "value:close()" } },
    CachingSender = { "viesti.CachingSender()", { "value:send(request)", "value:clear()" } },
    Error = { "select(2, viesti.SyncSender():send{ url = 'http://127.0.0.1:1/' })",
      { "value.kind", "value.request.url", "tostring(value)" } },
    Task = { "viesti.spawn(function() end)", { "value:status()", "value:cancel()",
      "value:join()" } },
  }

  for name, case in pairs(objects) do
    it("says so or works: " .. name, function()
      local lines = {}
      for index, use in ipairs(case[2]) do
        -- Half of them collected at once, all of them when the state closes.
        lines[index] = ([[do local made = finally(function(value) return %s end,
            function() return (%s) end) end
          finally(function(value) return %s end, function() return (%s) end)
          collectgarbage()
          kept%d = finally(function(value) return %s end, function() return (%s) end)]])
          :format(use, case[1], use, case[1], index, use, case[1])
      end
      local output = run(table.concat(lines, "\n") .. "\nprint('ran')")
      assert.is_truthy(output:find("ran", 1, true), output)
      assert.is_nil(output:find("attempt to index", 1, true), output)
      assert.is_nil(output:find("stack traceback", 1, true), output)
      local _, ends = output:gsub("\n", "")
      assert.equal(3 * #case[2], ends, output)
    end)
  end

  it("is named: a response, a request, a store", function()
    local output = run([[
      finally(function(value) return value.status_code end,
        function() return viesti.SyncSender():send{ url = url } end)
      collectgarbage()
      finally(function(value) return value.url end,
        function() return viesti.Request{ url = url } end)
      collectgarbage()
      finally(function(value) return value:clear() end, function() return viesti.Store{} end)
      collectgarbage()
    ]])
    assert.matches("response has been collected.*request has been collected.*store has been "
      .. "collected", output)
  end)

  it("is named, too, where a changed copy shows it", function()
    local output = run([[
      local function copy()
        return viesti.Request{ url = url, headers = { A = 1 } }:with{ timeout = 1 }
      end
      finally(function(value) return value.url end, copy)
      collectgarbage()
      finally(function(value) return value.a end, function() return copy().headers end)
      collectgarbage()
    ]])
    assert.matches("request has been collected.*headers have been collected", output)
  end)

  it("cannot be sent with when the state closes", function()
    local output = run([[
      kept = finally(function(value) return value:send(request) end, viesti.SyncSender)
    ]])
    assert.matches("collected", output)
  end)

  it("is not a session that its sender lost while it prepared to send", function()
    for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
      local output = run(([[
        local sender = viesti.%s()
        local params = setmetatable({}, { __pairs = function()
          sender.session = nil
          collectgarbage()
          collectgarbage()
          return next, {}
        end })
        print(pcall(sender.send, sender, { url = url, params = params }))
      ]]):format(kind))
      assert.matches("^true\tResponse%(200", output)
    end
  end)

  it("is a task with its streams, uploads and joins, at the end of the state", function()
    server:route("/hang", { raw = "HTTP/1.1 200 OK\r\n\r\nx", hang = true })
    local output = run([[
      local sender = viesti.AsyncSender()
      local hang = url:gsub("/echo", "/hang")
      viesti.run(function()
        local stream = sender:send{ url = hang, stream = true }
        local tasks = {
          viesti.spawn(function() stream:read() stream:read() end),
          viesti.spawn(function() sender:send{ url = hang } end),
          viesti.spawn(function() sender:send{ method = "POST", url = url,
            content = function() viesti.sleep(30) end } end),
          viesti.spawn(function() sender:send{ method = "POST", url = url,
            content = function() return sender:send{ url = hang, stream = true }:read() end } end),
        }
        tasks[5] = viesti.spawn(function() tasks[1]:join() end)
        viesti.sleep(0.05)
        print("leaving")
        os.exit(true, true)
      end)
    ]])
    assert.equal("leaving", output)
  end)
end)

-- What other tasks, or the reader of a request's body, do to a response that the main thread is
-- reading must not pull it from under it.
describe("A response that the main thread reads", function()
  local server = fixture.origin()

  local acts = {
    close = { "response:close()", "^true\t%[nil\tclosed: [^\n]*%]$" },
    read = { "return response:read()", "^false\t.*reading this response\t%[abc\tnil%]$" },
    annotated = { "response:annotated(nil, { note = 2 }):close()",
      "^false\t.*reading this response\t%[abc\tnil%]$" },
  }

  for name, act in pairs(acts) do
    it("stays its own where the body's reader calls " .. name, function()
      server:route("/early", { first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        raw = "3\r\nabc\r\n0\r\n\r\n" })
      for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
        local output = fresh_lua(([[
          local viesti = require("viesti")
          local sender = viesti.%s({ timeout = 2 })
          local response, said
          response = sender:send{ method = "POST", url = "%s/early", stream = true,
            content = function()
              if said then return nil end
              if not response then return "" end
              local ok, message = pcall(function() %s end)
              said = tostring(ok) .. (message and "\t" .. tostring(message) or "")
              return "y"
            end }
          local piece, err = response:read()
          io.write(said, "\t[", tostring(piece), "\t", tostring(err), "]")
          sender:close()
          response = nil
          collectgarbage()
        ]]):format(kind, server.url, act[1]))
        assert.matches(act[2], output)
      end
    end)

    it("stays its own where a task calls " .. name, function()
      local head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
      server:route("/drip", { drip = { bytes = head .. "0abc", size = #head + 1,
        interval = 0.5 } })
      local output = fresh_lua(([[
        local viesti = require("viesti")
        viesti.TaskWarning:set("ignore") -- one is left behind
        local sender = viesti.AsyncSender({ timeout = 5 })
        local response = sender:send{ url = "%s/drip", stream = true }
        response:read()
        local said
        viesti.spawn(function()
          viesti.sleep(0.02)
          local ok, message = pcall(function() %s end)
          said = tostring(ok) .. (message and "\t" .. tostring(message) or "")
        end)
        viesti.spawn(viesti.sleep, 0.6)
        local piece, err = response:read()
        io.write(said, "\t[", tostring(piece), "\t", tostring(err), "]")
      ]]):format(server.url, act[1]))
      assert.matches(act[2], output)
    end)
  end
end)
