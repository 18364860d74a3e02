local command = require("spec.support.command")
local downloads = require("spec.support.downloads")
local fixture = require("spec.support.fixture")
local lfs = require("lfs")
local process = require("spec.support.process")

local ENDLESS = { raw = 'HTTP/1.1 200 OK\r\nETag: "v"\r\n\r\n', forever = ("x"):rep(1000) }

describe("The command viesti", function()
  local server = fixture.origin()
  local folder

  before_each(function()
    folder = process.temporary_directory()
  end)

  after_each(function()
    process.run("rm -r " .. process.quote(folder))
  end)

  local function read(name)
    local file <close> = io.open(folder .. "/" .. name, "rb")
    return file and file:read("a")
  end

  local function names()
    local list = {}
    for name in lfs.dir(folder) do
      list[#list + 1] = not name:find("^%.+$") and name or nil
    end
    table.sort(list)
    return list
  end

  describe("writes files", function()
    it("called by -o, once for each URL, or - for standard output", function()
      for _, path in ipairs({ "/a", "/b", "/c" }) do
        server:route(path, { body = path })
      end
      local result = command.run({ "-o", "one", "-o", "-", "-o", "three", server.url .. "/a",
        server.url .. "/b", server.url .. "/c" }, { folder = folder })
      assert.same({ 0, "/b", "" }, { result.code, result.out, result.err })
      assert.same({ "/a", "/c" }, { read("one"), read("three") })
      result = command.run({ "-o", "one", server.url .. "/a", server.url .. "/b" })
      assert.same({ 2, "viesti: -o is given 1 time for 2 URLs: once for each, or take -O\n" },
        { result.code, result.err })
    end)

    it("called as the URLs are, by -O", function()
      server:route("/d/a.txt", { body = "hello" })
      command.run({ "-O", server.url .. "/d/a.txt?x=/y#z" }, { folder = folder })
      assert.same({ "a.txt" }, names())
      for _, path in ipairs({ "/", "/d/", "" }) do
        local result = command.run({ "-O", server.url .. path }, { folder = folder })
        assert.equal(2, result.code)
        assert.matches("has no name for a file at its end", result.err)
      end
      local result = command.run({ "-O", server.url .. "/a/x", server.url .. "/b/x" })
      assert.same({ 2, "viesti: -O: two URLs are to be written to x\n" },
        { result.code, result.err })
    end)

    it("only when they are whole", function()
      server:route("/cut", { body = ("x"):rep(100), after = 90, close = "silent" })
      server:route("/whole", { body = "new" })
      local file <close> = io.open(folder .. "/there", "w")
      file:write("old")
      file:close()
      assert.equal(18, command.run({ "-o", "there", "--retry", "0", server.url .. "/cut" },
        { folder = folder }).code)
      assert.same({ { "there" }, "old" }, { names(), read("there") })
      command.run({ "-f", "-o", "there", server.url .. "/status/404" }, { folder = folder })
      assert.equal("old", read("there"))
      command.run({ "-o", "there", server.url .. "/whole" }, { folder = folder })
      assert.equal("new", read("there"))
    end)

    it("where what breaks off on the way is taken again", function()
      local cut = { body = ("x"):rep(100), after = 90, close = "silent" }
      server:route("/mended", { cut, cut, { body = "whole" } })
      local result = command.run({ "--stats", "-v", "-o", "file", server.url .. "/mended" },
        { folder = folder })
      assert.equal(0, result.code)
      assert.same({ { "file" }, "whole" }, { names(), read("file") })
      assert.matches("\n%* again in 1.00 s\n", result.err)
      assert.matches("\nretries     2\n", result.err)
      server:route("/posted", { cut, { body = "whole" } })
      result = command.run({ "-o", "posted", "-d", "x", server.url .. "/posted" },
        { folder = folder })
      assert.same({ 18, 1 }, { result.code, server:count("/posted") })
      server:route("/hasty", cut)
      result = command.run({ "-m", "1.5", "-o", "hasty", server.url .. "/hasty" },
        { folder = folder })
      assert.equal(28, result.code)
      assert.is_true(server:count("/hasty") < 4)
    end)

    it("that go on where they were interrupted, with -C", function()
      server:route("/large", { downloads.whole(downloads.TAG, 60),
        downloads.part(60, nil, downloads.TAG) })
      local arguments = { "-C", "-O", server.url .. "/large" }
      assert.equal(18, command.run({ "--retry", "0", table.unpack(arguments) },
        { folder = folder }).code)
      assert.same({ "large.part", "large.part.json" }, names())
      assert.same({ code = 0, out = "", err = "" }, command.run(arguments, { folder = folder }))
      assert.equal("bytes=60-", server:requests()[2].header("Range"))
      assert.same({ { "large" }, downloads.BODY }, { names(), read("large") })
      server:route("/again", { downloads.whole(downloads.TAG, 60),
        downloads.part(60, nil, downloads.TAG) })
      assert.same({ code = 0, out = "", err = "" },
        command.run({ "-C", "-o", "again", server.url .. "/again" }, { folder = folder }))
      assert.equal("bytes=60-", server:requests()[4].header("Range"))
      assert.equal(downloads.BODY, read("again"))
      os.remove(folder .. "/again")
      local result = command.run({ "-C", "-o", "x", server.url .. "/status/404" },
        { folder = folder })
      assert.equal(22, result.code)
      assert.matches("^viesti: 404", result.err)
      assert.same({ "large" }, names())
      assert.equal("viesti: -C needs a file to go on with: -o or -O\n",
        command.run({ "-C", server.url }).err)
    end)
  end)

  describe("takes many URLs", function()
    local function urls(count, delay)
      local list = {}
      for number = 1, count do
        server:route("/" .. number, { body = number .. "\n", delay = delay and delay(number) })
        list[number] = server.url .. "/" .. number
      end
      return list
    end

    it("from standard input, with - or without any other", function()
      local list = urls(3)
      local text = "\n" .. list[2] .. "\r\n  " .. list[3] .. "  \n\n"
      assert.equal("2\n3\n", command.run({}, { stdin = text }).out)
      assert.equal("1\n2\n3\n", command.run({ list[1], "-" }, { stdin = text }).out)
      assert.equal("1\n", command.run({ list[1] }, { stdin = text }).out)
    end)

    it("and prints their bodies whole and in order, however many are under way at once", function()
      local list = urls(9, function(number) return (10 - number) * 0.02 end)
      local expected = {}
      for number = 1, 9 do
        expected[number] = number .. "\n"
      end
      for _, count in ipairs({ "1", "3", "20" }) do
        local result = command.run({ "-P", count }, { stdin = table.concat(list, "\n") })
        assert.same({ 0, table.concat(expected), "" }, { result.code, result.out, result.err })
      end
    end)

    it("of which as many are under way at once as is said", function()
      local list = urls(6, function() return 0.15 end)
      local started = {}
      for _, count in ipairs({ "2", "6" }) do
        command.run({ "-P", count }, { stdin = table.concat(list, "\n") })
        local connections = {}
        for _, request in ipairs(server:requests()) do
          connections[request.connection] = true
        end
        local used = 0
        for _ in pairs(connections) do
          used = used + 1
        end
        started[#started + 1] = used
      end
      assert.same({ 2, 8 }, started)
    end)

    it("and goes on where one fails", function()
      local list = urls(2)
      local result = command.run({ "-fP2", list[1], server.url .. "/status/500", list[2],
        "--retry", "0" })
      assert.same({ 22, "1\n2\n" }, { result.code, result.out })
    end)
  end)

  describe("in a pipe", function()
    it("shows no bar, and nothing but what went wrong", function()
      server:route("/large", { body = ("x"):rep(3000000) })
      local result = command.run({ "-o", "x", server.url .. "/large" }, { folder = folder })
      assert.same({ code = 0, out = "", err = "" }, result)
    end)

    it("ends without a word when nobody reads on", function()
      server:route("/endless", ENDLESS)
      local result = command.run({ server.url .. "/endless" }, { after = "| head -c 3",
        prefix = "env --default-signal=PIPE" })
      assert.same({ code = 0, out = "xxx", err = "" }, result)
    end)

    it("says so where it is not ended by that", function()
      server:route("/endless", ENDLESS)
      local result = command.shell(("{ %s; echo $? >&2; } </dev/null | head -c 3"):format(
        command.line({ server.url .. "/endless" }, "env --ignore-signal=PIPE")))
      assert.same({ "xxx", "viesti: standard output: Broken pipe\n23\n" },
        { result.out, result.err })
    end)
  end)

  it("writes into the pipe that standard output is, by its name", function()
    server:route("/a", { body = "hello" })
    local result = command.run({ "-o", "/dev/stdout", server.url .. "/a" }, { after = "| cat" })
    assert.same({ code = 0, out = "hello", err = "" }, result)
  end)

  it("writes nothing to a connection in the place of an output that is closed", function()
    server:route("/a", { body = "hello" })
    local closed = command.run({ server.url .. "/a" }, { after = ">&-" })
    assert.same({ 23, "viesti: standard output: Bad file descriptor\n" },
      { closed.code, closed.err })
  end)

  describe("on a terminal", function()
    local function drip(total, interval)
      server:route("/large", { body = ("x"):rep(total), drip = { bytes = total // 4,
        interval = interval } })
    end

    it("shows how far it is, and takes that away at the end", function()
      drip(400000, 0.15)
      local screen, code = command.on_terminal({ "-o", folder .. "/x", server.url .. "/large" })
      assert.equal(0, code)
      assert.matches("\r%[===.*%] +%d+%%  [%d.]+ KiB  [%d.]+ KiB/s\27%[K", screen)
      assert.matches("\r\27%[K$", screen)
      assert.equal(400000, #read("x"))
    end)

    it("counts many", function()
      for number = 1, 3 do
        server:route("/" .. number, { body = "x", delay = 0.12 * number })
      end
      local screen = command.on_terminal({ "-f", "-P3", server.url .. "/1", server.url .. "/2",
        server.url .. "/3", server.url .. "/status/404" }, "</dev/null >/dev/null")
      assert.matches("4 of 4, 1 failed", screen)
      assert.matches("\r\27%[Kviesti: 404 [^\r\n]*\r\n", screen)
    end)

    it("fits its width", function()
      drip(400000, 0.15)
      local screen = command.on_terminal({ "-o", folder .. "/x", server.url .. "/large" },
        "; stty cols 20; " .. command.line({ "-o", folder .. "/x", server.url .. "/large" }))
      for line in screen:match("\r\27%[K(.*)"):gmatch("\r([^\r\27]+)") do
        assert.is_true(#line < 20, line)
      end
    end)

    it("shows nothing of that with -s or -v, or among bodies", function()
      drip(400, 0.15)
      for _, options in ipairs({ "-so/dev/null", "-vo/dev/null", "-f" }) do
        local arguments = { options }
        arguments[#arguments + 1] = server.url .. "/large"
        local screen = command.on_terminal(arguments)
        assert.is_nil(screen:find("\27", 1, true))
        assert.is_nil(screen:find("%", 1, true))
      end
    end)

    it("asks for a URL where nobody would type one", function()
      local text = "script -qec %s /dev/null"
      local result = command.shell(text:format(process.quote(command.line({}))))
      assert.same({ 2, "viesti: there is no URL (viesti help says what else there may be)\r\n" },
        { result.code, result.out })
    end)
  end)

  -- A shell starts in the background what ignores SIGINT.
  local function interrupted(signal, arguments)
    return command.shell(([[
      %s >out </dev/null &
      pid=$!
      for try in $(seq 400); do
        find . -name "*.part" -size +0 | grep . && break
        sleep 0.05
      done >/dev/null
      sleep 0.1
      kill -%s $pid
      wait $pid
      echo $?
    ]]):format(command.line(arguments, "env --default-signal=INT"), signal), folder)
  end

  describe("when it is interrupted", function()
    before_each(function()
      server:route("/endless", ENDLESS)
    end)

    for signal, code in pairs({ INT = 130, TERM = 143 }) do
      it(("by %s leaves nothing behind, and ends with %d"):format(signal, code), function()
        local result = interrupted(signal, { "-o", "x", server.url .. "/endless" })
        assert.same({ code .. "\n", "" }, { result.out, result.err })
        assert.same({ "out" }, names())
      end)
    end

    it("keeps what -C can go on with, and what --stats knows", function()
      local result = interrupted("INT", { "-C", "-o", "x", "--stats", server.url .. "/endless" })
      assert.equal("130\n", result.out)
      assert.matches("on the wire 1\n", result.err)
      assert.matches("^viesti: interrupted; the same call goes on in x.part\n", result.err)
      assert.same({ "out", "x.part", "x.part.json" }, names())
    end)

    it("ends while it waits for URLs on standard input", function()
      local result = command.shell(([[
        mkfifo input
        sleep 20 >input &
        sleeping=$!
        %s <input &
        pid=$!
        sleep 0.5
        kill -INT $pid
        wait $pid
        echo $?
        kill $sleeping
      ]]):format(command.line({}, "env --default-signal=INT")), folder)
      assert.same({ "130\n", "" }, { result.out, result.err })
    end)

    it("ends chains that block as well", function()
      local file <close> = io.open(folder .. "/relay.lua", "w")
      file:write("return chain { RetryingSender {}, SyncSender {} }")
      file:close()
      local result = interrupted("INT", { "-c", "relay.lua", "-o", "x", server.url .. "/endless" })
      assert.same({ "130\n", "" }, { result.out, result.err })
    end)
  end)
end)
