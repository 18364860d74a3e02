local refusal = require("viesti.base.refusal")
local viesti = require("viesti")

describe("refusal", function()
  it("returns what the function returns", function()
    assert.same({ 3 }, { refusal.catch(math.max, 1, 3) })
  end)

  it("hands on the sentence that the function gave up with, from however deep", function()
    local function deep(level)
      return level == 0 and refusal.raise("it is too deep") or deep(level - 1)
    end
    assert.same({ nil, "it is too deep" }, { refusal.catch(deep, 10) })
  end)

  it("raises everything else on as it is", function()
    for _, value in ipairs({ { sentence = "a table like ours" }, "words", 7, false }) do
      local ok, raised = pcall(refusal.catch, error, value, 0)
      assert.is_false(ok)
      assert.equal(value, raised)
    end
  end)

  for _, option in ipairs({ "params", "headers", "data", "json" }) do
    it("lets through what the user's own code raises within " .. option, function()
      local mine = { "mine" }
      local given = setmetatable({}, { __pairs = function() error(mine) end })
      local ok, raised = pcall(viesti.Request, { url = "http://127.0.0.1/", [option] = given })
      assert.is_false(ok)
      assert.equal(mine, raised)
    end)
  end
end)
