local new_place = require("spec.support.stores.sqlite")
local process = require("spec.support.process")

local HAMMER = [[
  local store = require("viesti.sqlite")({ path = %q, max_size = 150, busy_timeout = 60 })
  math.randomseed(%d)
  for number = 1, %d do
    local key = "key " .. math.random(200)
    local entries, generation = store:get(key)
    for _, entry in ipairs(entries) do
      assert(entry == key:rep(#entry // #key), "another's entry")
    end
    if number %% 50 == 0 then
      store:purge({ tag = "t" .. math.random(9) })
    elseif number %% 5 == 0 then
      store:invalidate(key)
    elseif number %% 7 == 0 then
      store:remove(key, tostring(math.random(3)))
    elseif number %% 2 == 0 then
      store:put(key, tostring(math.random(3)), key:rep(math.random(300)),
        { seconds = 60, tags = { "t" .. math.random(9) }, generation = generation })
    end
  end
  local stats = store:stats()
  print(stats.errors, stats.last_error or "none", stats.hits > 0, stats.stores > 0)
]]

describe("sqlite, with several processes at one file,", function()
  local place

  before_each(function()
    place = new_place()
  end)

  after_each(function()
    place:remove()
  end)

  it("serves four that read, write and invalidate at once, without an error", function()
    local pipes = {}
    for number = 1, 4 do
      pipes[number] = process.popen_script(HAMMER:format(place.path, number, 1000))
    end
    for _, pipe in ipairs(pipes) do
      assert.equal("0\tnone\ttrue\ttrue\n", pipe:read("a"))
      pipe:close()
    end
    assert.equal("ok", process.run(("sqlite3 %s 'PRAGMA integrity_check'"):format(place.path)))
    assert.equal("1", process.run(([[sqlite3 %s 'SELECT entries = (SELECT count(*) FROM entries)
      AND entries = (SELECT count(*) FROM bodies) AND bytes = (SELECT sum(size) FROM entries)
      AND (SELECT count(*) FROM tags) = entries FROM totals']]):format(place.path)))
    local store = place:open()
    assert.is_true(store:count() > 0 and store:count() <= 150)
  end)

  it("opens for all who come at once to where none is", function()
    for _ = 1, 5 do
      local there <close> = new_place()
      local pipes = {}
      for number = 1, 3 do
        pipes[number] = process.popen_script(HAMMER:format(there.path, number, 10))
      end
      for _, pipe in ipairs(pipes) do
        assert.matches("^0\tnone\t", pipe:read("a"))
        pipe:close()
      end
    end
  end)

  it("shows each what the others have put and invalidated", function()
    local store = place:open()
    local _, generation = store:get("a")
    local other = process.popen_script(([[
      local store = require("viesti.sqlite")(%q)
      store:put("b", "", "from there", { seconds = 60 })
      store:invalidate("a")
    ]]):format(place.path))
    assert.equal("", other:read("a"))
    other:close()
    assert.same({ "from there" }, (store:get("b")))
    store:put("a", "", "late", { seconds = 60, generation = generation })
    assert.same({}, (store:get("a")))
  end)
end)
