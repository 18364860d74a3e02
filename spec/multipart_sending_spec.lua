local viesti = require("viesti")
local fixture = require("spec.support.fixture")
local form_parts = require("spec.support.form_parts")
local origin = require("spec.support.origin")
local process = require("spec.support.process")
local resident = require("spec.support.resident")
local ways = require("spec.support.ways")

local MEBIBYTE = 1024 * 1024

for _, way in ipairs(ways) do
  describe("A multipart body sent by " .. way.name, function()
    local server, folder = fixture.origin(), nil
    local web = fixture.nginx({ locations = [[
      location /take {
        client_body_buffer_size 64k;
        add_header X-Received $request_length always;
        proxy_pass http://unix:status.sock:/;
      }
    ]] })

    setup(function()
      folder = process.temporary_directory()
    end)

    teardown(function()
      process.run("rm -r " .. process.quote(folder))
    end)

    local promise = way:promises({ timeout = 10 })

    local function write(name, text)
      local path = folder .. "/" .. name
      local file <close> = assert(io.open(path, "wb"))
      assert(file:write(text))
      return path
    end

    local function request(path, multipart, method)
      return viesti.Request({ method = method or "POST", url = server.url .. path,
        multipart = multipart })
    end

    -- The contents of the parts that the server saw, of each request.
    local function contents()
      local all = {}
      for index, seen in ipairs(server:requests()) do
        all[index] = {}
        if seen.header("Content-Type") then
          for position, part in ipairs(form_parts(seen.header("Content-Type"), seen.body)) do
            all[index][position] = part.content
          end
        end
      end
      return all
    end

    local function assert_goes_on(sender)
      assert.equal("after", assert(sender:send({ method = "POST", url = server.url .. "/echo",
        content = "after" })).content.body)
    end

    promise("is sent with every method that has one", function(sender)
      for _, method in ipairs({ "POST", "PUT", "PATCH", "DELETE", "REPORT", "GET" }) do
        assert.equal(method, assert(sender:send(request("/echo", { a = method }, method)))
          .content.method)
        assert_goes_on(sender)
      end
      assert.same({ { "POST" }, {}, { "PUT" }, {}, { "PATCH" }, {}, { "DELETE" }, {}, { "REPORT" },
        {}, { "GET" }, {} }, contents())
      assert.equal(1, server:connections())
    end)

    promise("reads its files whoever closed them, and as often as it is sent", function(sender)
      local file = assert(io.open(write("digits", "0123456789")))
      file:seek("set", 3)
      local made = request("/echo", { { name = "a", content = file },
        { name = "b", content = file } })
      file:close()
      os.remove(folder .. "/digits")
      for _ = 1, 3 do
        assert(sender:send(made))
      end
      assert.same({ "3456789", "3456789" }, contents()[3])
    end)

    promise("of 100 MiB is sent in constant memory, its length announced", function(sender)
      local path = write("sparse", "")
      process.run("truncate -s 100M " .. process.quote(path))
      local made = viesti.Request({ method = "PUT", url = web.url .. "/take",
        multipart = { { name = "a", path = path } }, timeout = 60 })
      collectgarbage()
      local before = resident.start()
      local received = assert(sender:send(made)).headers["X-Received"]
      assert.is_true(math.tointeger(received) > 100 * MEBIBYTE, received)
      assert.is_true(resident.peak() - before < 8 * MEBIBYTE, resident.peak() - before)
    end)

    promise("has as much of a file as there was when it was made", function(sender)
      local path = write("growing", "first")
      local made = request("/echo", { { name = "a", path = path } })
      write("growing", "first and more")
      assert(sender:send(made))
      assert.same({ { "first" } }, contents())
    end)

    promise("fails where a file has shrunk, and leaves no half request behind", function(sender)
      for _, size in ipairs({ 20, 300000 }) do
        server:reset()
        local path = write("shrinking", ("x"):rep(size))
        local made = request("/echo", { { name = "notes", path = path } })
        write("shrinking", ("x"):rep(size // 2))
        local response, err = sender:send(made)
        assert.is_nil(response)
        assert.same({ "script", "maybe", false }, { err.kind, err.sent, err.retryable })
        assert.equal("the file of the part 'notes' cannot be read to the end that it had",
          err.message)
        assert.equal(made, err.request)
        assert_goes_on(sender)
        assert.equal(1, #server:requests())
      end
    end)

    promise("of a POST is never sent twice by itself, that of a PUT may be", function(sender)
      local bodies = { {}, { a = "" }, { a = "x" }, { a = "", b = "" }, { a = "", b = "x" },
        { a = ("x"):rep(300000) } }
      for _, body in ipairs(bodies) do
        server:reset()
        server:route("/once", { { body = "fine" }, { close = true }, { body = "twice" } })
        local made = request("/once", body)
        assert(sender:send(made))
        local response, err = sender:send(made)
        assert.is_nil(response)
        assert.same({ "maybe", false, 2 }, { err.sent, err.retryable, server:count("/once") })
      end
      for _, body in ipairs(bodies) do
        server:reset()
        server:route("/once", { { body = "fine" }, { close = true }, { body = "twice" } })
        local made = request("/once", body, "PUT")
        assert(sender:send(made))
        assert.equal("twice", assert(sender:send(made)).body)
        local all = contents()
        assert.same(all[2], all[3])
      end
    end)

    promise("is sent again by a RetryingSender, whole each time", function(sender)
      server:route("/flaky", { { status = 503 }, { status = 429 },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", reset = true },
        { body = "fine" } })
      local retrying = viesti.RetryingSender({ retries = 2, sender = sender,
        backoff = { base = 0 }, rate_limit = { pad = 0 } })
      function retrying:sleep() end
      local path = write("file", ("y"):rep(100000))
      local response = assert(retrying:send(request("/flaky", { { name = "a", path = path },
        { name = "b", content = "x" } }, "PUT")))
      assert.same({ 200, 4 }, { response.status_code, #response.attempts })
      local all = contents()
      for index = 1, 4 do
        assert.same({ ("y"):rep(100000), "x" }, all[index])
      end
    end)

    promise("goes along with a 307 and not with a 303", function(sender)
      local redirecting = viesti.RedirectingSender({ sender = sender })
      local path = write("file", "text")
      for status, expected in pairs({ [307] = { "POST", { "text" } }, [308] = { "POST",
        { "text" } }, [303] = { "GET", {} }, [302] = { "GET", {} } }) do
        server:reset()
        server:route("/moved", { status = status, headers = { { "Location", "/echo" } } })
        local response = assert(redirecting:send(request("/moved", { { name = "a",
          path = path } })))
        assert.same(expected, { response.content.method, contents()[2] })
        assert.equal(expected[1] == "POST", response.content.headers["content-type"] ~= nil)
        assert.equal(expected[1] == "POST" and #server:requests()[2].body or nil,
          math.tointeger((response.content.headers["content-length"] or {})[1]))
      end
    end)

    promise("is sent once through every layer of a chain", function(sender)
      local client = viesti.Client(viesti.RedirectingSender({ sender =
        viesti.AuthenticatingSender({ bearer = "t", sender = viesti.CachingSender({
          sender = viesti.RetryingSender({ retries = 1, sender = sender }) }) }) }))
      assert(client:send({ method = "POST", url = server.url .. "/echo",
        multipart = { a = "x" } }))
      assert.same({ { "x" } }, contents())
    end)

    promise("does not wait for a server that answers before it has come", function(sender)
      server:route("/no", { status = 413, early = true })
      local made = request("/no", { a = ("x"):rep(3000000) })
      local response, err = sender:send(made)
      assert.is_truthy(response and response.status_code == 413 or err.kind == "reset")
      assert_goes_on(sender)
    end)

    promise("is given up when its time is up, and can be sent again", function(sender)
      server:route("/hang", { hang = true })
      local made = request("/hang", { { name = "a", path = write("file", "text") } })
      for _ = 1, 3 do
        assert.equal("timeout", select(2, sender:send(made)).kind)
      end
      assert.same({ "text" }, contents()[3])
      assert_goes_on(sender)
    end, { timeout = 0.1 })
  end)
end

describe("A multipart body in tasks", function()
  it("is read by each for itself where they send the same one at once", function()
    local server <close> = origin.start()
    local sender <close> = viesti.AsyncSender({ timeout = 10 })
    local file <close> = assert(io.tmpfile())
    local text = {}
    for number = 1, 100000 do
      text[number] = tostring(number)
    end
    text = table.concat(text)
    assert(file:write(text) and file:seek("set"))
    local made = viesti.Request({ method = "POST", url = server.url .. "/echo",
      multipart = { { name = "a", content = file } } })
    viesti.map({ 1, 2, 3, 4 }, function() assert(sender:send(made)) end)
    for _, seen in ipairs(server:requests()) do
      local part = form_parts(seen.header("Content-Type"), seen.body)[1]
      assert.is_true(text == part.content)
    end
    assert.equal(4, server:count("/echo"))
    assert.equal(4, server:connections())
    assert.equal(0, file:seek())
  end)

  it("is let go of with the task that is cancelled while it is sent", function()
    local server <close> = origin.start()
    local sender <close> = viesti.AsyncSender({ timeout = 10 })
    server:route("/early", { early = true, hang = true })
    local made = viesti.Request({ method = "POST", url = server.url .. "/early",
      multipart = { a = ("x"):rep(20 * MEBIBYTE) } })
    viesti.run(function()
      local task = viesti.spawn(sender.send, sender, made)
      viesti.sleep(0.05)
      assert.equal("running", task:status())
      assert.is_true(task:cancel())
      made = nil
      collectgarbage()
      assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    end)
  end)
end)
