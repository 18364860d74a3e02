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

  it("are all answered over 64 connections, and another task goes on meanwhile", function()
    local sender <close> = viesti.AsyncSender({ max_connections = 64 })
    local url, answered, ticks = web.url .. "/static/text.txt", 0, 0
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
          local response = assert(sender:send({ url = url }))
          answered = answered + (response.status_code == 200 and 1 or 0)
        end)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
      assert.equal("running", ticker:status())
    end)
    assert.equal(MANY, answered)
    assert.is_true(web:connections() <= 64)
    assert.is_true(ticks >= 10, ticks .. " ticks")
  end)
end)
