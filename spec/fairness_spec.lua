local viesti = require("viesti")
local nginx = require("spec.support.nginx")

local MANY = 10000

describe("Ten thousand tasks that send at once", function()
  local web

  setup(function()
    web = nginx.start()
  end)

  teardown(function()
    web:stop()
  end)

  it("are answered in their order over 64 connections, and another task goes on", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 64 })
    local url, answered, latest, ticks = web.url .. "/static/text.txt", 0, 0, 0
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
    assert.is_true(web:connections() <= 64)
    assert.is_true(ticks >= 10, ticks .. " ticks")
  end)
end)
