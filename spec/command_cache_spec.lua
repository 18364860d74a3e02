local command = require("spec.support.command")
local fixture = require("spec.support.fixture")
local free_port = require("spec.support.free_port")
local process = require("spec.support.process")
local redis_server = require("spec.support.redis_server")

local PLACES = {
  SQLite = function(folder)
    return folder .. "/cache.db", function() end
  end,
  Redis = function()
    local redis = redis_server.start()
    return "unix://" .. redis.path, function() redis:stop() end
  end,
}

for kind, place_of in pairs(PLACES) do
  describe(("The command viesti with a store on %s"):format(kind), function()
    local server = fixture.origin()
    local folder, store, stop

    before_each(function()
      folder = process.temporary_directory()
      store, stop = place_of(folder)
      for _, name in ipairs({ "/a", "/b", "/c/d" }) do
        server:route(name, { headers = { { "Cache-Control", "max-age=600" } }, body = "hello" })
      end
      assert.equal(0, command.run({ "--cache", store, "-s", "-o", "/dev/null", "-o", "/dev/null",
        "-o", "/dev/null", server.url .. "/a", server.url .. "/b", server.url .. "/c/d" }).code)
    end)

    after_each(function()
      stop()
      process.run("rm -r " .. process.quote(folder))
    end)

    local function cache(...)
      local result = command.run({ "cache", ... })
      assert.same({ 0, "" }, { result.code, result.err })
      return result.out
    end

    local function listed(...)
      local urls = {}
      for line in cache("list", store, ...):gmatch("[^\n]+") do
        local bytes, seconds, url = line:match("^ *(%d+) +(%d+)  (.*)$")
        assert.is_true(tonumber(bytes) > 5 and tonumber(seconds) > 300, line)
        urls[#urls + 1] = url:sub(#server.url + 1)
      end
      table.sort(urls)
      return urls
    end

    it("answers out of it the next time, and counts that", function()
      local result = command.run({ "--cache", store, "--stats", server.url .. "/a" })
      assert.equal("hello", result.out)
      assert.matches("on the wire 0\nhits        1\n", result.err, 1, true)
      assert.equal(3, #server:requests())
    end)

    it("lists what is there, or some of it", function()
      assert.same({ "/a", "/b", "/c/d" }, listed())
      assert.same({ "/c/d" }, listed(server.url .. "/c"))
      local result = command.run({ "cache", "list", "--limit", "2", store })
      assert.same({ 0, "viesti: there are more than 2 (--limit)\n" }, { result.code, result.err })
      assert.equal(2, select(2, result.out:gsub("\n", "")))
    end)

    it("forgets URLs, those that begin so, and all", function()
      assert.equal("", cache("delete", store, server.url .. "/a", server.url .. "/never"))
      assert.same({ "/b", "/c/d" }, listed())
      assert.equal("1 forgotten\n", cache("purge", store, "--prefix", server.url .. "/c/"))
      assert.same({ "/b" }, listed())
      assert.equal("0 forgotten\n", cache("purge", "--tag=nothing", store))
      assert.equal("1 forgotten\n", cache("clear", store))
      assert.same({}, listed())
    end)

    it("says how much there is", function()
      local count, bytes = cache("stats", store):match("^responses   (%d+)\nbytes       (%d+)\n")
      assert.equal("3", count)
      assert.is_true(tonumber(bytes) > 15)
    end)

    it("refuses what makes no sense", function()
      for sentence, arguments in pairs({
        ["cache purge needs one of --tag and --prefix"] = { "purge", store },
        ["--prefix is empty"] = { "purge", store, "--prefix=" },
        ["cache delete needs the URLs to forget"] = { "delete", store },
        ["cache does list, delete, purge, clear or stats, not 'ls'"] = { "ls", store },
        ["cache does list, delete, purge, clear or stats, and needs to know which"] = {},
        ["cache list needs a store: a file or redis://host"] = { "list" },
        ["cache list takes no '/b'"] = { "list", store, "/a", "/b" },
        ["cache stats takes no '/a'"] = { "stats", store, "/a" },
      }) do
        local result = command.run({ "cache", table.unpack(arguments) })
        assert.same({ code = 2, out = "", err = "viesti: " .. sentence .. "\n" }, result)
      end
      assert.equal(3, command.run({ "cache", "delete", store, "example.org" }).code)
      assert.same({ "/a", "/b", "/c/d" }, listed())
    end)
  end)
end

describe("The command viesti, of a store that cannot be used,", function()
  local folder

  before_each(function()
    folder = process.temporary_directory()
  end)

  after_each(function()
    process.run("rm -r " .. process.quote(folder))
  end)

  local function refused(sentence, ...)
    local result = command.run({ ... }, { folder = folder })
    assert.same({ code = 111, out = "", err = "viesti: " .. sentence .. "\n" }, result)
  end

  it("says in one sentence why, and makes or moves no file", function()
    local file <close> = io.open(folder .. "/letter", "w")
    file:write("dear")
    file:close()
    for _, action in ipairs({ "list", "stats" }) do
      refused("nowhere.db: No such file or directory", "cache", action, "nowhere.db")
      refused("letter is no SQLite file", "cache", action, "letter")
    end
    refused(".: Is a directory", "cache", "list", ".")
    refused("letter is no SQLite file", "--cache", "letter", "http://127.0.0.1:1/")
    assert.equal("letter", process.run("ls " .. folder))
  end)

  it("sends requests all the same where a server is not there, and says so once", function()
    local server <close> = require("spec.support.origin").start()
    local result = command.run({ "--cache", "unix:///nowhere/at/all", server.url .. "/status/200",
      server.url .. "/status/200" })
    assert.same({ 0, "200\n200\n" }, { result.code, result.out })
    assert.matches("^viesti: get of redis{ [^\n]+ failed, [^\n]+\n$", result.err)
    result = command.run({ "-s", "--cache", "unix:///nowhere/at/all", server.url .. "/status/200" })
    assert.same({ code = 0, out = "200\n", err = "" }, result)
  end)

  it("says so of a file that cannot be written, unless it is to be silent", function()
    local server <close> = require("spec.support.origin").start()
    local path = folder .. "/cache.db"
    process.run("ln -s nowhere/at/all " .. process.quote(path))
    local result = command.run({ "--cache", path, server.url .. "/status/200" })
    assert.same({ 0, "200\n" }, { result.code, result.out })
    assert.matches("^viesti: sqlite{[^\n]+} cannot use its file, so requests go on without it: "
      .. "unable to open database file\n$", result.err)
    result = command.run({ "-s", "--cache", path, server.url .. "/status/200" })
    assert.same({ code = 0, out = "200\n", err = "" }, result)
  end)

  it("says so of a server that is not there", function()
    for _, arguments in ipairs({ { "list" }, { "stats" }, { "clear" } }) do
      table.insert(arguments, 2, "unix:///nowhere/at/all")
      local result = command.run({ "cache", table.unpack(arguments) })
      assert.equal(111, result.code)
      assert.matches("^viesti: unix:///nowhere/at/all: [^\n]+\n$", result.err)
      assert.equal("", result.out)
    end
    local closed = ("127.0.0.1:%d"):format(free_port())
    assert.matches("^viesti: redis://%*%*%*@" .. closed .. ": [^\n]+\n$",
      command.run({ "cache", "list", "redis://:se/cret@" .. closed }).err)
    assert.matches("^viesti: unix:///no/such@socket: [^\n]+\n$",
      command.run({ "cache", "list", "unix:///no/such@socket" }).err)
    assert.matches("^viesti: redis: url must be",
      command.run({ "cache", "list", "redis://:x:y" }).err)
  end)
end)
