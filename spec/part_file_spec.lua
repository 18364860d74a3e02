local core = require("viesti.core")
local fresh_lua = require("spec.support.fresh_lua")
local process = require("spec.support.process")
local PartFile = require("viesti.downloads.part_file")

local URL, TAG = "http://example.org/", '"v1"'

describe("A part of a file", function()
  local folder, path

  before_each(function()
    folder = process.temporary_directory()
    path = folder .. "/file"
  end)

  after_each(function()
    process.run("rm -r " .. process.quote(folder))
  end)

  local function files()
    return (process.run("ls -A " .. process.quote(folder)):gsub("\n", " "))
  end

  local function read(name)
    local file <close> = assert(io.open(name, "rb"))
    return file:read("a")
  end

  local function write(name, text)
    local file <close> = assert(io.open(name, "wb"))
    file:write(text)
  end

  -- Leaves a part with these bytes.
  local function leave(bytes, total, url)
    local part <close> = assert(PartFile.open(path, url or URL, true))
    assert(part:begin(TAG, total))
    assert(part:append(bytes))
  end

  local function state(url)
    local part <close> = assert(PartFile.open(path, url or URL, true))
    return { part:offset(), part.validator, part.total }
  end

  it("gets its name when it is whole, and nothing else is left", function()
    local part <close> = assert(PartFile.open(path, URL, true))
    assert(part:begin(TAG, 8))
    assert(part:append("some"))
    assert(part:append("body"))
    assert.equal("file.part file.part.json", files())
    assert(part:finish())
    assert.equal("file", files())
    assert.equal("somebody", read(path))
  end)

  it("is known by its name while there is something to go on with", function()
    assert.is_nil(PartFile.left(path))
    leave("some", 8)
    assert.equal(path .. ".part", PartFile.left(path))
    assert(process.run(("ln -s %s %s.link"):format(process.quote(path), process.quote(path))))
    assert.equal(path .. ".part", PartFile.left(path .. ".link"))
    assert.is_nil(PartFile.left(folder))
  end)

  it("is added to by the next one", function()
    leave("some", 8)
    assert.same({ 4, TAG, 8 }, state())
    do
      local part <close> = assert(PartFile.open(path, URL, true))
      assert(part:append("body"))
      assert(part:finish())
    end
    assert.equal("somebody", read(path))
  end)

  it("is begun anew for another URL, and meanwhile stays", function()
    leave("some", 8)
    assert.same({ 0 }, state("http://example.org/other"))
    assert.same({ 4, TAG, 8 }, state())
    leave("a", nil, "http://example.org/other")
    assert.same({ 0 }, state())
    assert.equal("a", read(path .. ".part"))
  end)

  it("is of what its note says, or has none", function()
    leave("some", 8)
    local part <close> = assert(PartFile.open(path, URL, true))
    assert(part:begin(nil, 8))
    assert.equal("file.part", files())
    assert(part:append("else"))
    assert(part:begin(TAG, 8))
    assert.equal("", read(path .. ".part"))
    assert.equal("file.part file.part.json", files())
  end)

  it("is not left behind empty, nor where it cannot be added to", function()
    leave("")
    assert.equal("", files())
    do
      local part <close> = assert(PartFile.open(path, URL, true))
      assert(part:begin(nil, 8))
      assert(part:append("some"))
    end
    assert.equal("", files())
    do
      local part <close> = assert(PartFile.open(path, URL, false))
      assert(part:begin(TAG, 8))
      assert(part:append("some"))
    end
    assert.equal("", files())
  end)

  it("believes no note that cannot be true", function()
    leave("some", 8)
    local note = read(path .. ".part.json")
    assert.same({ 4, TAG, 8 }, state())
    for _, text in ipairs({ "", "{", "[]", "7", "null", ("["):rep(70000), note:gsub("8", "3"),
      note:gsub("8", "8.5"), note:gsub("8", '"8"'), note:gsub("v1", "v\\r\\nX: y"),
      note:gsub('"\\"v1\\""', '"W/\\"v1\\""'), (note:gsub('"\\"v1\\""', "true")) }) do
      write(path .. ".part.json", text)
      assert.same({ 0 }, state(), text:sub(1, 80))
      assert.equal("some", read(path .. ".part"))
    end
    os.remove(path .. ".part.json")
    assert.same({ 0 }, state())
  end)

  it("shows its note to its owner alone, since a URL may hold a password", function()
    leave("some", 8)
    assert.equal("600", process.run("stat -c %a " .. process.quote(path .. ".part.json")))
  end)

  it("belongs to one at a time, in this process and in others", function()
    local busy = path .. ".part: it is being written already"
    local try = ([[
      local part <close>, reason = require("viesti.downloads.part_file").open(%q, %q, true)
      print(part and "free" or reason)]]):format(path, URL)
    do
      local part <close> = assert(PartFile.open(path, URL, true))
      assert.same({ nil, busy }, { PartFile.open(path, URL, true) })
      assert.equal(busy, fresh_lua(try))
      assert(part:begin(TAG, 4))
      assert(part:append("some"))
      assert(part:finish())
      assert.equal("free", fresh_lua(try)) -- the file with the lock has another name now
    end
    assert.equal("some", read(path))
    assert.equal("free", fresh_lua(try))
  end)

  it("has nothing to do with the next one when it is whole", function()
    local part = assert(PartFile.open(path, URL, true))
    assert(part:begin(nil, 4))
    assert(part:append("some"))
    assert(part:finish())
    local next_part <close> = assert(PartFile.open(path, URL, true))
    assert(next_part:begin(TAG, 4))
    assert(next_part:append("else"))
    do
      local _ <close> = part
    end
    assert.equal("file file.part file.part.json", files())
    assert.equal("else", read(path .. ".part"))
  end)

  it("never harms the file that another one has finished", function()
    local worker = ([[
      local PartFile = require("viesti.downloads.part_file")
      for _ = 1, 300 do
        do
          local part <close> = PartFile.open(%q, %q, true)
          if part then
            assert(part:begin() and part:append("some") and part:append("body") and part:finish())
          end
        end
        local file <close> = io.open(%q)
        assert(not file or file:read("a") == "somebody")
      end]]):format(path, URL, path)
    local command = ("env %s %s %s %s -e %s & "):format(
      process.quote("LUA_PATH_5_4=" .. package.path),
      process.quote("LUA_CPATH_5_4=" .. package.cpath), os.getenv("RUN_UNDER") or "",
      process.interpreter(), process.quote(worker))
    assert.equal("", process.run("sh -c " .. process.quote(command:rep(4) .. "wait")))
    assert.equal("file", files())
  end)

  it("is free again when its process is gone", function()
    assert.has_error(function()
      fresh_lua(([[
        local part = require("viesti.downloads.part_file").open(%q, %q, true)
        part:begin('"v1"', 8)
        part:append("some")
        os.execute("kill -9 $PPID")]]):format(path, URL))
    end)
    assert.same({ 4, TAG, 8 }, state())
  end)

  it("says why it cannot be", function()
    local function reason(name)
      local part, why = PartFile.open(name, URL, true)
      assert.is_nil(part)
      return why
    end
    assert.equal(folder .. "/no/file.part: No such file or directory", reason(folder .. "/no/file"))
    assert.matches("^/dev/null/x%.part: Not a directory", reason("/dev/null/x"))
    assert.matches("File name too long", reason(folder .. "/" .. ("x"):rep(300)))
    for _, command in ipairs({ "mkdir", "mkfifo", "ln -s /dev/null", "ln -s nowhere" }) do
      process.run(command .. " " .. process.quote(path .. ".part"))
      assert.matches("^.*/file%.part: %u", reason(path))
      process.run("rm -r " .. process.quote(path .. ".part"))
    end
  end)

  it("says why it cannot be whole, and stays to be added to", function()
    do
      local part <close> = assert(PartFile.open(path, URL, true))
      process.run("mkdir " .. process.quote(path))
      assert(part:begin(TAG, 4))
      assert(part:append("some"))
      assert.same({ nil, path .. ": Is a directory" }, { part:finish() })
    end
    process.run("rmdir " .. process.quote(path))
    assert.same({ 4, TAG, 4 }, state())
  end)
end)

describe("The core's functions on files", function()
  it("refuse what is no open file", function()
    local file = assert(io.tmpfile())
    file:close()
    for _, name in ipairs({ "sync_file", "truncate_file" }) do
      assert.error_matches(function() core[name](file) end, "the file is closed")
      assert.error_matches(function() core[name]("file") end, "FILE")
    end
    assert.error_matches(function() core.open_locked({}) end, "string expected")
  end)

  it("give a file like any other", function()
    local name = os.tmpname()
    local file <close> = assert(core.open_locked(name))
    assert.equal("file", io.type(file))
    file:write("some")
    file:seek("set", 0)
    assert.equal("some", file:read("a"))
    assert.is_true(core.truncate_file(file))
    assert.equal(0, file:seek("end"))
    assert.is_true(core.sync_file(file))
    assert.is_true(file:close())
    assert.equal("closed file", io.type(file))
    os.remove(name)
  end)
end)
