local fresh_lua = require("spec.support.fresh_lua")
local lfs = require("lfs")
local new_place = require("spec.support.stores.sqlite")
local process = require("spec.support.process")
local sqlite = require("viesti.sqlite")
local viesti = require("viesti")

local MAGIC = "SQLite format 3\0"
local FOREVER = { seconds = 1000 }

local function integrity(path)
  return process.run(("sqlite3 %s 'PRAGMA integrity_check'"):format(process.quote(path)))
end

local function entry_of(number)
  return (tostring(number) .. ";"):rep(200)
end

local function fill(store, count)
  for number = 1, count do
    store:put("key " .. number, "", entry_of(number), { seconds = 1000, tags = { "t" } })
  end
end

-- Asks for all that `fill` has put. Returns how many were there; each of them is its key's.
local function check_all(store, count)
  local found = 0
  for number = 1, count do
    for _, entry in ipairs((store:get("key " .. number))) do
      local expected = entry_of(number)
      local wrong = math.abs(#entry - #expected)
      for position = 1, math.min(#entry, #expected) do
        wrong = wrong + (entry:byte(position) == expected:byte(position) and 0 or 1)
      end
      assert.is_true(wrong <= 64, "another's entry")
      found = found + 1
    end
  end
  return found
end

local function works(store)
  for _ = 1, 5 do
    store:put("new", "", "e", FOREVER)
    if store:get("new")[1] == "e" then
      return true
    end
  end
  return false
end

local function wait_for(path)
  while (lfs.attributes(path, "size") or 0) == 0 do
    viesti.sleep(0.01)
  end
end

local function overwrite(path, offset, bytes)
  local file <close> = assert(io.open(path, "r+b"))
  file:seek("set", offset)
  file:write(bytes)
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

describe("sqlite, when things break,", function()
  local place, heard, before

  before_each(function()
    place, heard = new_place(), {}
    before = viesti.StoreWarning:set(function(message) heard[#heard + 1] = message end)
  end)

  after_each(function()
    viesti.StoreWarning:set(before)
    place:remove()
  end)

  it("has a sound file after any kill -9, with all that was put before", function()
    local script = [[
      local store = require("viesti.sqlite")(%q)
      io.stdout:setvbuf("line")
      print((io.open("/proc/self/stat"):read("n")))
      local round = %d
      for number = 1, math.huge do
        store:put("key " .. number %% 50, "", ("x"):rep(math.random(6000)),
          { seconds = 1000, tags = { "t" .. number %% 3 } })
        store:put(("%%d %%d"):format(round, number), "", "e", { seconds = 1000 })
        if number %% 7 == 0 then store:invalidate("key " .. number %% 13) end
        print(number)
      end
    ]]
    for round = 1, 15 do
      local pipe = process.popen_script(script:format(place.path, round))
      local id, done = math.tointeger(pipe:read("n")), nil
      for _ = 1, math.random(60) do
        done = pipe:read("n")
      end
      os.execute("kill -9 " .. id)
      for line in pipe:lines("n") do
        done = line
      end
      pipe:close()
      if round % 5 == 0 then
        assert.equal("ok", integrity(place.path))
      end
      local store <close> = place:open()
      for number = 1, done do
        assert.equal(1, #store:get(("%d %d"):format(round, number)))
      end
      assert.equal(0, store:stats().errors)
    end
    assert.same({ "cache.db", "cache.db-shm", "cache.db-wal" }, place:files())
  end)

  it("survives damage anywhere, hands out nobody else's entry, and works again", function()
    for round = 1, 48 do
      local there <close> = new_place()
      local store <close> = there:open()
      fill(store, 60)
      if round % 2 == 0 then
        process.run(("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'"):format(there.path))
      end
      local damaged = there.path .. (round % 2 == 0 and "" or "-wal")
      if round % 3 ~= 0 then
        store:close()
      end
      local size = lfs.attributes(damaged, "size")
      for _ = 1, math.random(8) do
        local bytes = string.char(math.random(0, 255)):rep(math.random(8))
        local first = damaged == there.path and #MAGIC or 0
        overwrite(damaged, math.random(first, round % 4 == 0 and 100 or size - 1), bytes)
      end
      local again <close> = there:open()
      check_all(again, 60)
      again:purge({ prefix = "key 1" })
      again:purge({ tag = "t" })
      fill(again, 60)
      assert.is_true(works(again))
      again:clear()
    end
  end)

  it("sets a file aside whose schema says something else, which SQLite finds sound", function()
    local store <close> = place:open()
    fill(store, 10)
    store:close()
    process.run(("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'"):format(place.path))
    local file <close> = assert(io.open(place.path, "rb"))
    local at = assert(file:read("a"):find("stripe INTEGER PRIMARY KEY", 1, true))
    overwrite(place.path, at + #"stripe INTEGER " - 1, "PRISTINE")
    local again <close> = place:open()
    assert.is_true(works(again))
    assert.equal(1, again:count())
    assert.is_truthy(lfs.attributes(place.path .. ".broken-1"))
  end)

  it("sets a file aside that was cut short, or is damaged or zeros from its start on", function()
    fill(place:open(), 100)
    process.run(("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'"):format(place.path))
    place.stores[1]:close()
    process.run("truncate -s 5000 " .. place.path)
    os.remove(place.path .. "-wal")
    local store <close> = place:open()
    check_all(store, 100)
    assert.is_true(works(store))
    assert.is_true(store:stats().errors > 0)
    assert.is_string(store:stats().last_error)
    store:close()
    local aside = #place:files()
    for round, text in ipairs({ MAGIC .. ("."):rep(1000), ("\0"):rep(10000) }) do
      os.remove(place.path .. "-wal")
      write(place.path, text)
      local again <close> = place:open()
      assert.is_true(works(again))
      assert.equal(0, again:purge({ tag = "t" }))
      assert.is_truthy(lfs.attributes(place.path .. ".broken-" .. round))
    end
    assert.is_true(#place:files() > aside)
    assert.equal("ok", integrity(place.path))
  end)

  it("tells by what name a file goes that was set aside, once", function()
    write(place.path, MAGIC .. ("."):rep(1000))
    local store <close> = place:open()
    store:get("key")
    assert.same({ tostring(store) .. " begins its file anew; what was there, which is damaged "
      .. "or of another version, is " .. place.path .. ".broken-1 now" }, heard)
  end)

  it("tells so, too, of a file that breaks while it is open", function()
    local store <close> = place:open()
    fill(store, 100)
    process.run(("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'"):format(place.path))
    overwrite(place.path, 100, ("\255"):rep(lfs.attributes(place.path, "size") - 100))
    check_all(store, 100)
    store:put("key", "", "e", FOREVER)
    assert.equal(1, #heard)
    assert.is_truthy(heard[1]:find(place.path .. ".broken-1 now", 1, true))
  end)

  it("never touches a file that is none of SQLite's, says so and keeps nothing", function()
    local texts = { "a note", ("a longer note\n"):rep(1000), ("\0"):rep(5000) .. "image" }
    for _, text in ipairs(texts) do
      heard = {}
      write(place.path, text)
      local store <close> = place:open()
      store:put("key", "", "e", FOREVER)
      assert.same({}, (store:get("key")))
      assert.matches(": the file is no SQLite database$", heard[1])
      assert.same({ 1, { "cache.db" } }, { #heard, place:files() })
      local file <close> = io.open(place.path, "rb")
      assert.equal(text, file:read("a"))
    end
  end)

  it("never touches what took the place of its file while the log was still there", function()
    fill(place:open(), 10)
    place.stores[1]:close()
    write(place.path, "a note")
    assert.same({}, (place:open():get("key 1")))
    local file <close> = io.open(place.path, "rb")
    assert.equal("a note", file:read("a"))
    assert.is_truthy(lfs.attributes(place.path .. "-wal"))
  end)

  it("sets a file aside that breaks while it is open, once for all who have it open", function()
    local stores = { place:open(), place:open(), place:open() }
    fill(stores[1], 100)
    process.run(("sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)'"):format(place.path))
    local size = lfs.attributes(place.path, "size")
    overwrite(place.path, 100, ("\255"):rep(size - 100))
    for _, store in ipairs(stores) do
      check_all(store, 100)
      fill(store, 10)
    end
    for _, store in ipairs(stores) do
      assert.is_true(works(store))
      assert.equal(10, check_all(store, 100))
    end
    assert.is_truthy(lfs.attributes(place.path .. ".broken-1"))
    assert.is_nil(lfs.attributes(place.path .. ".broken-2"))
    assert.equal("ok", integrity(place.path))
  end)

  it("sets a file of another version aside, and leaves what is not a cache alone", function()
    local store = place:open()
    fill(store, 1)
    store:close()
    process.run(("sqlite3 %s 'PRAGMA user_version = 99'"):format(place.path))
    store = place:open()
    assert.equal(0, store:count())
    assert.is_true(works(store))
    assert.is_truthy(lfs.attributes(place.path .. ".broken-1"))
    local other = place.directory .. "/other.db"
    process.run(("sqlite3 %s 'CREATE TABLE mine (a); INSERT INTO mine VALUES (7)'"):format(other))
    local ok, err = pcall(function() return sqlite(other) end)
    assert.is_false(ok)
    assert.matches("is that of a database of something else", err, 1, true)
    assert.equal("7", process.run(("sqlite3 %s 'SELECT * FROM mine'"):format(other)))
    assert.equal("delete", process.run(("sqlite3 %s 'PRAGMA journal_mode'"):format(other)))
  end)

  it("makes the file anew when it is removed while it is open", function()
    local first, second = place:open(), place:open()
    fill(first, 10)
    os.remove(place.path)
    first:put("a", "", "e", FOREVER)
    second:put("b", "", "e", FOREVER)
    assert.same({ 1, 1, 2 }, { #first:get("b"), #second:get("a"), second:count() })
    assert.equal(0, first:stats().errors)
    assert.equal("ok", integrity(place.path))
  end)

  it("does so, too, while another process has the old one open", function()
    fill(place:open(), 10)
    local pipe = process.popen_script(([[
      local store = require("viesti.sqlite")(%q)
      io.stdout:setvbuf("line")
      print(#store:get("key 1"))
      local tries = 0
      while #store:get("new 1") == 0 and tries < 20000 do
        tries = tries + 1
        require("viesti").sleep(0.001)
      end
      print(store:stats().errors, #store:get("new 1"))
    ]]):format(place.path))
    finally(function() pipe:close() end)
    assert.equal("1", pipe:read())
    place.stores[1]:close()
    os.remove(place.path)
    local store = place:open()
    for number = 1, 100 do
      store:put("new " .. number, "", "e", FOREVER)
    end
    assert.equal("0\t1", pipe:read())
    assert.same({ 100, 0 }, { store:count(), store:stats().errors })
    assert.equal("ok", integrity(place.path))
  end)

  it("opens beside somebody who keeps the directory locked", function()
    local pipe = assert(io.popen(("flock %s sh -c 'echo locked; exec cat >/dev/null'"):format(
      place.directory) .. " > " .. place.path .. ".begun", "w"))
    finally(function() pipe:close() end)
    wait_for(place.path .. ".begun")
    assert.is_true(works(place:open({ busy_timeout = 0.05 })))
  end)

  local SURVIVE = [[
    local store = require("viesti.sqlite")(%q)
    for number = 1, 200 do
      store:put("key " .. number, "", ("x"):rep(5000), { seconds = 1000 })
    end
    store:get("key 1")
    store:invalidate("key 2")
    local stats = store:stats()
    local done, reason = store:clear()
    print(stats.hits, stats.stores, stats.errors > 0, done, type(reason), stats.last_error)
  ]]

  -- What the script says, behind the one warning that there is to be.
  local function survive(reason, prefix)
    local output = fresh_lua(SURVIVE:format(place.path), prefix)
    local warning, rest = output:match("^([^\n]*)\n(.*)$")
    assert.equal(('StoreWarning: sqlite{ path = "%s" } cannot use its file, so requests go on '
      .. "without it: %s"):format(place.path, reason), warning)
    return rest
  end

  it("goes on beside a disk that is full, and warns once", function()
    local limit = [[sh -c 'trap "" XFSZ; ulimit -f 1500; exec "$@"' sh]]
    local output = survive("disk I/O error", limit)
    local hits, stores = output:match("^(%d)\t(%d+)\ttrue\tnil\tstring\t")
    assert.equal("1", hits, output)
    assert.is_true(tonumber(stores) > 10, output)
    assert.equal("ok", integrity(place.path))
    local store = place:open()
    assert.equal(1, #store:get("key 1"))
    assert.is_true(works(store))
  end)

  -- What runs a script with no more rights than a user has. Root gives up his own, and with them
  -- perhaps the right to read this tree: the modules are copied to where anybody can.
  local function with_few_rights()
    if process.run("id -u") ~= "0" then
      return ""
    end
    local copy = place.directory .. "/modules"
    local core = assert(package.searchpath("viesti.core", package.cpath))
    process.run(("mkdir -p %s/c"):format(copy))
    process.run(("cp -r lua %s"):format(copy))
    process.run(("cp -r %s %s/c"):format(core:match("^(.*)/core%.so$"), copy))
    process.run("chmod -R a+rX " .. copy)
    return ("env 'LUA_PATH_5_4=%s/lua/?.lua;%s/lua/?/init.lua;;' 'LUA_CPATH_5_4=%s/c/?.so;;' "
      .. "setpriv --reuid=65534 --regid=65534 --clear-groups"):format(copy, copy, copy)
  end

  it("goes on where nothing may be written, and warns once", function()
    local few_rights = with_few_rights()
    local function survive_with(reason)
      process.run("chmod -R a-w " .. place.directory)
      local output = survive(reason, few_rights)
      process.run("chmod -R u+w " .. place.directory)
      return output
    end
    process.run("chmod 755 " .. place.directory)
    assert.matches("^0\t0\ttrue\tnil\tstring\tunable to open database file",
      survive_with("unable to open database file"))
    local store <close> = place:open()
    fill(store, 10)
    process.run(("chmod 644 %s %s-wal %s-shm"):format(place.path, place.path, place.path))
    assert.matches("^1\t0\ttrue\tnil\tstring\tattempt to write a readonly database",
      survive_with("attempt to write a readonly database"))
    assert.equal(10, check_all(store, 10))
  end)

  describe("while another writes", function()
    local pipe

    local function lock(store)
      fill(store, 2)
      pipe = assert(io.popen(("sqlite3 %s >/dev/null"):format(place.path), "w"))
      pipe:write("BEGIN IMMEDIATE;\n.system echo begun >" .. place.path .. ".begun\n")
      pipe:flush()
      wait_for(place.path .. ".begun")
    end

    local function unlock()
      if io.type(pipe) == "file" then
        pipe:close()
      end
    end

    after_each(unlock)

    it("reads, and waits no longer to write than it was told", function()
      local store = place:open({ busy_timeout = 0.05 })
      lock(store)
      store:put("late", "", "e", FOREVER)
      assert.same({ 0, 2 }, { #store:get("late"), check_all(store, 2) })
      assert.same({ 1, "database is locked" }, { store:stats().errors, store:stats().last_error })
    end)

    it("serves nothing that it could not invalidate, and does that later", function()
      local store = place:open({ busy_timeout = 0.05 })
      lock(store)
      assert.same({ nil, "database is locked" }, { store:invalidate("key 1") })
      local entries, generation = store:get("key 1")
      assert.same({}, entries)
      assert.equal(1, check_all(store, 2))
      unlock()
      assert.equal(2, check_all(place:open(), 2))
      store:put("key 1", "", "late", { seconds = 1000, generation = generation })
      assert.same({ 1, 1 }, { check_all(store, 2), check_all(place:open(), 2) })
      store:put("key 1", "", entry_of(1), FOREVER)
      assert.equal(2, check_all(store, 2))
    end)

    it("goes on serving all else, however often it is told of one", function()
      local store = place:open({ busy_timeout = 0 })
      lock(store)
      for _ = 1, 1001 do
        store:invalidate("key 1")
      end
      assert.equal(1, check_all(store, 2))
    end)

    it("serves nothing at all once there was too much of that, until it is all gone", function()
      local store = place:open({ busy_timeout = 0 })
      lock(store)
      for number = 1, 1001 do
        store:invalidate("other " .. number)
      end
      assert.equal(0, check_all(store, 2))
      unlock()
      store:put("new", "", "e", FOREVER)
      assert.same({ 1, 0 }, { #store:get("new"), check_all(place:open(), 2) })
    end)
  end)
end)
