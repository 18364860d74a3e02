local viesti = require("viesti")
local nginx = require("spec.support.nginx")
local resident = require("spec.support.resident")

local MEBIBYTE = 1024 * 1024

-- Bodies stand outside of Lua's heap, where its collector does not see them.
describe("The memory of requests and responses that are garbage", function()
  local web, sender

  setup(function()
    web = nginx.start({ files = { body = ("x"):rep(100000) } })
    sender = viesti.SyncSender()
  end)

  teardown(function()
    sender:close()
    web:stop()
  end)

  local function get()
    return assert(sender:send({ url = web.url .. "/static/body" }))
  end

  local function made()
    return viesti.Response({ body = ("x"):rep(100000) })
  end

  local function asked()
    return viesti.Request({ method = "PUT", url = web.url, content = ("x"):rep(100000) })
  end

  -- A program that holds some of them for long, and a heap of other things.
  local function replace_often(make)
    local ballast, ring = {}, {}
    for index = 1, 100000 do
      ballast[index] = { index }
    end
    collectgarbage()
    collectgarbage()
    local before = resident.start()
    for index = 1, 2000 do
      ring[index % 100] = make()
    end
    assert.same({ 100000, 100000 }, { #ballast, #ring[1].body })
    return resident.peak() - before
  end

  for _, mode in ipairs({ "generational", "incremental" }) do
    it("is given back in time by the " .. mode .. " collector", function()
      local before = collectgarbage(mode)
      local growth = { replace_often(get), replace_often(made), replace_often(asked) }
      collectgarbage(before)
      if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
        assert.is_true(math.max(table.unpack(growth)) < 64 * MEBIBYTE, table.concat(growth, " "))
      end
    end)
  end

  it("is not, while the collector is stopped", function()
    local alive, count = setmetatable({}, { __mode = "v" }), 0
    collectgarbage("stop")
    for index = 1, 300 do
      alive[index] = get()
    end
    for _ in pairs(alive) do
      count = count + 1
    end
    collectgarbage("restart")
    assert.equal(300, count)
  end)
end)
