require("viesti")
local warnings = require("viesti.base.warnings")

describe("a warning category", function()
  local category = warnings.TaskWarning
  local before

  before_each(function()
    before = category:set("ignore")
  end)

  after_each(function()
    category:set(before)
  end)

  it("prints from the start, and as its name", function()
    assert.equal("print", before)
    assert.equal("TaskWarning", tostring(category))
  end)

  it("calls a function with the message and itself", function()
    local calls = {}
    category:set(function(...) calls[#calls + 1] = { ... } end)
    category:emit("look")
    assert.same({ { "look", category } }, calls)
  end)

  it('raises under "error", with its name and the place of the user', function()
    category:set("error")
    local function warn()
      category:emit("look")
    end
    local _, message = pcall(function()
      warn()
    end)
    assert.matches("warnings_spec.lua:%d+: TaskWarning: look$", message)
  end)

  it('says nothing under "ignore"', function()
    category:emit("look")
  end)

  it("returns what it was set to", function()
    local function handler() end
    assert.equal("ignore", category:set(handler))
    assert.equal(handler, category:set("print"))
  end)

  it("is set apart from the others", function()
    category:set("error")
    assert.equal("print", warnings.SenderConflictWarning.action)
  end)

  it("refuses what it cannot do", function()
    for _, action in ipairs({ "raise", 1, true, {} }) do
      assert.error_matches(function() category:set(action) end,
        'TaskWarning:set needs "print", "error", "ignore" or a function, got ')
    end
    assert.error_matches(function() category:set() end, "got nothing")
  end)
end)
