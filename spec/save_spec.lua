local viesti = require("viesti")
local downloads = require("spec.support.downloads")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local ways = require("spec.support.ways")

local read, write = downloads.read, downloads.write

local function run(command, ...)
  local words = { command }
  for index, word in ipairs({ ... }) do
    words[index + 1] = process.quote(word)
  end
  return process.run(table.concat(words, " "))
end

-- { name = what saves "body" to a path by a sender to the server }; each returns the size.
local savers = {
  ["A whole response"] = function(sender, server, path)
    return assert(sender:send({ url = server.url .. "/x" })):save(path)
  end,
  ["A streamed response"] = function(sender, server, path)
    return assert(sender:send({ url = server.url .. "/x", stream = true })):save(path)
  end,
  ["A download"] = function(sender, server, path)
    return viesti.download(sender, { url = server.url .. "/x" }, path)
  end,
}

for name, save in pairs(savers) do
  for _, way in ipairs(ways) do
    describe(name .. " that is saved by " .. way.name, function()
      local server = fixture.origin()
      local folder, path
      local promise = way:promises({ timeout = 5 })

      before_each(function()
        folder = process.temporary_directory()
        path = folder .. "/file"
        server:route("/x", { body = "body" })
      end)

      after_each(function()
        run("chmod 700", folder)
        run("rm -r", folder)
      end)

      local function files()
        return (run("ls -A", folder):gsub("\n", " "))
      end

      promise("keeps the mode of the file whose place it takes", function(sender)
        for _, mode in ipairs({ "600", "444", "755" }) do
          write(path, "old and longer")
          run("chmod " .. mode, path)
          assert.equal(4, save(sender, server, path))
          assert.equal("body", read(path))
          assert.equal(mode, run("stat -c %a", path))
          os.remove(path)
        end
        assert.equal("", files())
      end)

      promise("has the usual mode where no file was", function(sender)
        write(path .. "2", "")
        assert.equal(4, save(sender, server, path))
        assert.equal(run("stat -c %a", path .. "2"), run("stat -c %a", path))
      end)

      promise("replaces the file behind a link, which stays", function(sender)
        run("mkdir", folder .. "/deep")
        write(folder .. "/deep/real", "old")
        run("chmod 600", folder .. "/deep/real")
        run("ln -s deep/real", folder .. "/second")
        run("ln -s second", path)
        assert.equal(4, save(sender, server, path))
        assert.equal("second", run("readlink", path))
        assert.equal("body", read(folder .. "/deep/real"))
        assert.equal("600", run("stat -c %a", folder .. "/deep/real"))
        assert.same({ "deep file second", "real" }, { files(), run("ls -A", folder .. "/deep") })
      end)

      promise("makes the file that a link leads to", function(sender)
        run("ln -s " .. process.quote(folder .. "/real"), folder .. "/second")
        run("ln -s second", path)
        assert.equal(4, save(sender, server, path))
        assert.same({ "second", "body", "file real second" },
          { run("readlink", path), read(folder .. "/real"), files() })
      end)

      promise("says why it cannot be, and leaves nothing", function(sender)
        for _, given in ipairs({ folder, folder .. "/." }) do
          assert.same({ nil, ('"%s" is a directory'):format(given) },
            { save(sender, server, given) })
        end
        run("ln -s file", path)
        assert.same({ nil, path .. ": Too many levels of symbolic links" },
          { save(sender, server, path) })
        assert.equal("file", files())
      end)

      promise("leaves what was there where it breaks off", function(sender)
        write(folder .. "/real", "old")
        run("chmod 600", folder .. "/real")
        run("ln -s real", path)
        server:route("/x", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody",
          close = true })
        local ok, size, reason = pcall(save, sender, server, path)
        assert.is_true(not ok or size == nil and reason.kind == "truncated")
        assert.same({ "file real", "old" }, { files(), read(path) })
      end)
    end)
  end
end

describe("What is no regular file", function()
  local server = fixture.origin()
  local folder, path, sender

  before_each(function()
    sender = viesti.SyncSender({ timeout = 5 })
    folder = process.temporary_directory()
    path = folder .. "/pipe"
    run("mkfifo", path)
    server:route("/x", { body = "body" })
  end)

  after_each(function()
    sender:close()
    run("rm -r", folder)
  end)

  it("is written into when a response is saved", function()
    for _, streams in ipairs({ true, false }) do
      local response = assert(sender:send({ url = server.url .. "/x", stream = streams }))
      local reader <close> = assert(io.popen("cat " .. process.quote(path)))
      assert.equal(4, response:save(path))
      assert.equal("body", reader:read("a"))
      assert.equal("fifo", run("stat -c %F", path))
    end
    assert.equal("pipe", run("ls -A", folder))
  end)

  it("is named where it takes nothing", function()
    local response = assert(sender:send({ url = server.url .. "/x" }))
    assert.same({ nil, "/dev/full: No space left on device" }, { response:save("/dev/full") })
  end)

  it("is no place for a download, which says so before it sends anything", function()
    run("ln -s pipe", folder .. "/link")
    for _, name in ipairs({ "/pipe", "/link" }) do
      assert.same({ nil, ('"%s%s" is no regular file'):format(folder, name) },
        { viesti.download(sender, { url = server.url .. "/x" }, folder .. name) })
    end
    assert.equal(0, server:count("/x"))
    assert.equal("link\npipe", run("ls -A", folder))
  end)
end)
