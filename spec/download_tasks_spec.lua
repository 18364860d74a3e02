local viesti = require("viesti")
local downloads = require("spec.support.downloads")
local fresh_lua = require("spec.support.fresh_lua")
local fixture = require("spec.support.fixture")
local nginx = require("spec.support.nginx")
local process = require("spec.support.process")

local BODY, TAG = downloads.BODY, downloads.TAG

describe("A download", function()
  local server = fixture.origin()
  local sender, place

  before_each(function()
    sender = viesti.AsyncSender({ timeout = 10 })
    place = downloads.place(server)
  end)

  after_each(function()
    sender:close()
    place:remove()
  end)

  -- The first half of the body, and then nothing.
  local function stall()
    local answer = downloads.whole(TAG, 5000)
    server:route("/x", { raw = answer.raw, hang = true })
  end

  local function wait_for_part(size)
    local deadline = sender:now() + 5
    local file
    repeat
      viesti.sleep(0.005)
      file = io.open(place.path .. ".part", "rb")
      local found = file and file:seek("end")
      if file then
        file:close()
      end
    until found == size or sender:now() > deadline
    assert.is_truthy(file)
  end

  local function goes_on_where_it_was()
    assert.equal("file.part file.part.json", place:files())
    server:route("/x", downloads.part(5000, nil, TAG))
    place:fetched(sender)
    assert.same({ false, "bytes=5000- if " .. TAG }, place:asked())
  end

  it("that is cancelled in the middle goes on there", function()
    stall()
    viesti.run(function()
      local task = viesti.spawn(place.fetch, place, sender)
      wait_for_part(5000)
      assert.is_true(task:cancel())
      assert.equal("cancelled", select(2, task:join()).kind)
    end)
    goes_on_where_it_was()
  end)

  it("that is cancelled before a byte came, or while it waits, leaves nothing", function()
    server:route("/x", { { hang = true }, { reset = true } })
    viesti.run(function()
      for _ = 1, 2 do
        local task = viesti.spawn(place.fetch, place, sender, { retries = 1, wait = 60 })
        wait_for_part(0)
        viesti.sleep(0.05)
        assert.equal("file.part", place:files())
        assert.is_true(task:cancel())
        assert.equal("", place:files())
      end
    end)
    assert.equal(2, server:count("/x"))
  end)

  it("is refused to the second of two tasks, and has no effect on the first", function()
    local answer = downloads.whole(TAG).raw
    server:route("/x", { drip = { bytes = answer, size = #answer - 5000, interval = 0.1 } })
    local sizes, reasons = viesti.map({ 1, 2 }, function()
      return place:fetch(sender)
    end)
    assert.same({ 10000 }, sizes)
    assert.same({ [2] = place.path .. ".part: it is being written already" }, reasons)
    assert.is_true(BODY == downloads.read(place.path))
    assert.equal("file", place:files())
  end)

  it("goes on beside others, each to a file of its own", function()
    local web <close> = nginx.start()
    local names = {}
    for number = 1, 10 do
      names[number] = tostring(number)
      web:write(names[number], names[number]:rep(300000 + number))
    end
    local sizes, reasons = viesti.map(names, function(name)
      return viesti.download({ sender = sender, request = { url = web.url .. "/static/" .. name },
        path = place.folder .. "/" .. name, on_progress = function() viesti.sleep(0) end })
    end)
    assert.same({}, reasons)
    for number, name in ipairs(names) do
      assert.equal(#name * (300000 + number), sizes[number])
      assert.is_true(name:rep(300000 + number) == downloads.read(place.folder .. "/" .. name))
    end
  end)

  local function script(url, on_progress)
    return ([[
      local viesti = require("viesti")
      print((select(2, viesti.download({ sender = viesti.SyncSender(), request = { url = %q },
        path = %q, on_progress = function(bytes) %s end }))))]]):format(url, place.path,
      on_progress)
  end

  it("whose process is killed goes on where it was", function()
    stall()
    assert.has_error(function()
      fresh_lua(script(server.url .. "/x", "if bytes == 5000 then os.execute('kill -9 $PPID') end"))
    end)
    goes_on_where_it_was()
  end)

  it("for which there is no room says so, keeps what fits, and goes on later", function()
    local web <close> = nginx.start()
    local body = BODY:rep(400)
    web:write("large", body)
    local url = web.url .. "/static/large"
    local limited = "trap '' XFSZ; ulimit -f 2048; exec env %s %s %s %s -e %s"
    local output = process.run("sh -c " .. process.quote(limited:format(
      process.quote("LUA_PATH_5_4=" .. package.path),
      process.quote("LUA_CPATH_5_4=" .. package.cpath), os.getenv("RUN_UNDER") or "",
      process.interpreter(), process.quote(script(url, "")))))
    assert.equal(place.path .. ".part: File too large", output)
    assert.equal("file.part file.part.json", place:files())
    local kept = downloads.read(place.path .. ".part")
    assert.is_true(#kept >= 2048 * 512 and #kept < #body)
    assert.is_true(body:sub(1, #kept) == kept)
    assert.equal(#body, viesti.download(sender, { url = url }, place.path))
    assert.is_true(body == downloads.read(place.path))
    assert.matches(" 206 ", web:log()[2])
  end)
end)
