local viesti = require("viesti")
local nginx = require("spec.support.nginx")
local resident = require("spec.support.resident")

local MANY = 10000
local MOST_EACH = 4 * 1024 -- bytes of a task and its request, while that waits

describe("Ten thousand tasks that send at once", function()
  local web

  setup(function()
    web = nginx.start()
  end)

  teardown(function()
    web:stop()
  end)

  it("take little memory while they wait", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 1 })
    viesti.run(function()
      local tasks, url = {}, web.url .. "/delay/5s"
      collectgarbage()
      local before = resident.now()
      for index = 1, MANY do
        tasks[index] = viesti.spawn(sender.send, sender, { url = url })
      end
      viesti.sleep(0.001) -- by then each has sent
      local each = (resident.now() - before) // MANY
      if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer takes more for everything
        assert.is_true(each < MOST_EACH, each .. " bytes each")
      end
      for _, task in ipairs(tasks) do
        assert.is_true(task:cancel())
      end
    end)
  end)

  it("are answered in their order over 64 connections, and another task goes on", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 64 })
    local url, answered, latest, ticks = web.url .. "/static/text.txt", 0, 0, 0
    local before = web:connections()
    viesti.run(function()
      local ticker <close> = viesti.spawn(function()
        while true do
          viesti.sleep(0.01)
          ticks = ticks + 1
        end
      end)
      local tasks = {}
      for index = 1, MANY do
        tasks[index] = viesti.spawn(function()
          assert.equal(200, assert(sender:send({ url = url })).status_code)
          answered = answered + 1
          latest = math.max(latest, answered - index) -- how many had overtaken it, at least
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
      assert.equal("running", ticker:status())
    end)
    assert.equal(MANY, answered)
    assert.is_true(latest < 0.2 * MANY, latest .. " overtook one that was sent before them")
    assert.is_true(web:connections() - before <= 64)
    assert.is_true(ticks >= 10, ticks .. " ticks")
  end)
end)
