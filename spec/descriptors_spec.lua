local certificates = require("spec.support.certificates").make()
local fresh_lua = require("spec.support.fresh_lua")
local origin = require("spec.support.origin")
local process = require("spec.support.process")

-- For a Lua of its own. `short` calls a function with each number from 0 to 6, for which it takes
-- all descriptors but so many, tries what may fail, and releases them again; it returns what
-- succeeded. Nothing may stay open.
local PRELUDE = [[
  local lfs, viesti, url, folder = require("lfs"), require("viesti"), %q, %q
  local assert, taken = require("luassert"), {}
  local open_descriptors = require("spec.support.open_descriptors")

  local function release()
    for _, file in ipairs(taken) do
      file:close()
    end
    taken = {}
  end

  local function take_all_but(free)
    local file = io.open("/dev/null")
    while file do
      taken[#taken + 1] = file
      file = io.open("/dev/null")
    end
    for _ = 1, free do
      table.remove(taken):close()
    end
  end

  local function assert_sends(sender)
    assert.equal(200, assert(sender:send({ url = url })).status_code)
  end

  -- How one of several requests ended that had to do without a descriptor, or had one.
  local function assert_verdict(response, err)
    if response then
      assert.equal(200, response.status_code)
    else
      assert.same({ "out_of_memory", "no", true }, { err.kind, err.sent, err.retryable })
      -- The last is said of the resolver's thread, which keeps to itself what it lacked.
      assert(err.message == "no descriptor for the exchange: Too many open files"
        or err.message == "no descriptor for the exchange: Resource temporarily unavailable",
        err.message)
    end
  end

  local function short(fn)
    local succeeded = 0
    for free = 0, 6 do
      local before = open_descriptors()
      succeeded = succeeded + (fn(free) and 1 or 0)
      collectgarbage()
      assert.equal(before, open_descriptors())
    end
    io.write("fine, ", succeeded > 0 and succeeded < 7 and "and some went well" or succeeded)
  end
]]

describe("Out of descriptors,", function()
  local server, folder

  setup(function()
    server, folder = origin.start(), process.temporary_directory()
    server:route("/slow", { body = "slow", delay = 0.02 })
    server:route("/large", { body = ("x"):rep(5000000) })
    server:route("/page", { body = "page", headers = { { "Set-Cookie", "a=b; Max-Age=99" } } })
  end)

  teardown(function()
    server:stop()
    process.run("rm -r " .. process.quote(folder))
  end)

  -- Every case goes well where there are enough of them, and not with none. The limit is a few
  -- more than what this process hands on.
  local function promise(text, script)
    it(text, function()
      local output = fresh_lua(PRELUDE:format(server.url .. "/page", folder) .. script,
        [[sh -c 'ulimit -n $(($(ls /proc/$$/fd | sort -n | tail -n 1) + 40)); exec "$@"' sh]])
      assert.equal("fine, and some went well", output)
    end)
  end

  for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
    promise("a request by " .. kind .. " is not connected, and the same sender goes on later", ([[
      viesti.loop() -- it takes one for good
      short(function(free)
        take_all_but(free)
        local sender <close> = viesti.%s({ timeout = 5 })
        local response, err = sender:send({ url = url })
        release()
        assert_verdict(response, err)
        assert_sends(sender)
        return response
      end)
    ]]):format(kind))
  end

  -- What libcurl opens by itself: sockets of its resolver, and the file of authorities. What comes
  -- of the request else: the name has no address, and the server waits for the end of a line.
  for what, case in pairs({
    ["a name is not looked up"] = { '"http://no-such-name.invalid/"', "resolve", 5 },
    ["authorities are not read"] = { 'url:gsub("http", "https", 1)', "timeout", 0.2 },
  }) do
    promise(what .. ", and the error says so", ([[
      viesti.loop()
      short(function(free)
        take_all_but(free)
        local sender <close> = viesti.AsyncSender({ timeout = %g, ca = %q })
        local response, err = sender:send({ url = (%s) })
        release()
        if err.kind ~= %q then
          assert_verdict(response, err)
        end
        return err.kind == %q
      end)
    ]]):format(case[3], certificates.ca, case[1], case[2], case[2]))
  end

  promise("those of 20 requests at once fail that have none", [[
    viesti.loop()
    local list = { ("x"):rep(20):byte(1, -1) }
    short(function(free)
      take_all_but(free)
      local sender <close> = viesti.AsyncSender({ timeout = 5 })
      local responses, errors = viesti.map(list, function()
        return sender:send({ url = url })
      end, { concurrency = 20 })
      release()
      for index in ipairs(list) do
        assert_verdict(responses[index], errors[index])
      end
      assert_sends(sender)
      return responses[1]
    end)
  ]])

  promise("those that others of their session have wait for one", [[
    viesti.loop()
    take_all_but(20)
    local list = { ("x"):rep(200):byte(1, -1) }
    local sender <close> = viesti.AsyncSender({ timeout = 30 })
    for _ = 1, 2 do -- as many as there are, and with connections that are kept
      local responses, errors = viesti.map(list, function()
        return sender:send({ url = url:gsub("page", "slow") })
      end, { concurrency = #list })
      for index in ipairs(list) do
        assert.equal(200, assert(responses[index], errors[index]).status_code)
      end
    end
    release()
    io.write("fine, and some went well")
  ]])

  promise("none waits for a stream, which may wait for it", [[
    viesti.loop()
    local sender <close> = viesti.AsyncSender({ timeout = 2 })
    local stream <close> = assert(sender:send({ url = url:gsub("page", "large"), stream = true }))
    take_all_but(0)
    local response, err = sender:send({ url = url })
    release()
    assert.is_nil(response)
    assert_verdict(nil, err)
    assert_sends(sender)
    io.write("fine, and some went well")
  ]])

  promise("the loop says so, and is made later", [[
    take_all_but(0)
    local made, reason = pcall(viesti.run, viesti.sleep, 0)
    assert(not made and reason:find("no descriptor for the loop: Too many open files$"), reason)
    take_all_but(1)
    viesti.run(viesti.sleep, 0)
    io.write("fine, and some went well")
  ]])

  promise("a body is not saved, and leaves no file behind", [[
    short(function(free)
      local path = folder .. "/saved"
      local sender <close> = viesti.SyncSender({ timeout = 5 })
      local response = assert(sender:send({ url = url, stream = true }))
      take_all_but(free)
      local size, reason = response:save(path)
      release()
      assert(size == 4 or reason:find("Too many open files", 1, true), reason)
      assert.equal(size and path, lfs.attributes(path) and path)
      os.remove(path)
      for name in lfs.dir(folder) do
        local left = folder .. "/" .. name
        -- valgrind takes a descriptor beyond the limit away when the file has been made.
        local by_valgrind = (os.getenv("RUN_UNDER") or ""):find("valgrind") and not size
          and lfs.attributes(left).size == 0 and os.remove(left)
        assert(name:sub(1, 1) == "." or by_valgrind, name)
      end
      assert_sends(sender)
      return size
    end)
  ]])

  promise("cookies are neither written nor read, and are not lost", [[
    local path = folder .. "/cookies"
    short(function(free)
      local session <close> = viesti.Session({ cookies = true })
      assert_sends(viesti.SyncSender(session))
      take_all_but(free)
      local written, why_not_written = session:save_cookies(path)
      local read, why_not_read = session:load_cookies(path)
      release()
      assert(written or why_not_written:find("Too many open files", 1, true), why_not_written)
      assert(read or not written or why_not_read:find("Too many open files", 1, true), why_not_read)
      assert.equal(written, read)
      assert(session:save_cookies(path) and session:load_cookies(path))
      assert.equal(1, #session:cookies())
      os.remove(path)
      return written
    end)
  ]])
end)
