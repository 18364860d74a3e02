local viesti = require("viesti")
local chain_files = require("spec.support.chain_files")
local warnings = require("spec.support.warnings")

describe("viesti.chains.check", function()
  local files = chain_files()

  it("prints every layer, outermost first, with every option, given or by default", function()
    local path = files.write([[
      return chain {
        DeadlineSender { max_time = 3 },
        RetryingSender { retries = 2, policy = policies.never, budget = RetryBudget {} },
        SyncSender { timeout = 5 },
      }
    ]])
    local fine, text = viesti.check(path)
    assert.is_true(fine)
    local shown = {}
    for line in text:gmatch("[^\n]+") do
      shown[#shown + 1] = line
    end
    local position = 0
    for _, sender in ipairs({ viesti.DeadlineSender(1), viesti.RetryingSender(),
      viesti.SyncSender() }) do
      position = position + 1
      assert.equal(sender.name, shown[position])
      for _, spec in ipairs(sender.options) do
        if spec.name ~= "sender" then
          position = position + 1
          assert.matches("^  " .. spec.name .. " = ", shown[position])
        end
      end
    end
    assert.equal(position, #shown)
    for _, line in ipairs({ "  max_time = 3", "  retries = 2", "  policy = <function>",
      "  budget = RetryBudget()", "  timeout = 5", '  methods = "idempotent"    (default)',
      "  connect_timeout = 10    (default)", "  ca = nil    (default)" }) do
      assert.is_truthy(text:find("\n" .. line .. "\n", 1, true), line)
    end
  end)

  it("says of a shared session what was given to that", function()
    local _, text = viesti.check("return SyncSender { session = Session { timeout = 7 } }")
    assert.is_truthy(text:find("\n  session = Session{ timeout = 7 }\n  timeout = 7\n", 1, true))
  end)

  it("hides secrets", function()
    local _, text = viesti.check([[
      return chain { AuthenticatingSender { bearer = "s3cret" },
        SyncSender { proxy = "http://me:s3cret@localhost:1", curl = { REFERER = "s3cret" } } }
    ]])
    assert.is_truthy(text:find("  bearer = <hidden>\n", 1, true))
    assert.is_truthy(text:find("  proxy = <hidden>\n", 1, true))
    assert.is_nil(text:find("s3cret", 1, true))
  end)

  it("ends with what is wrong with the order", function()
    local _, text = viesti.check("return RetryingSender { sender = DeadlineSender(1) }")
    assert.matches("\nwarning: RetryingSender stands outside DeadlineSender, and belongs inside "
      .. "it: each attempt has a deadline of its own\n$", text)
  end)

  it("tells of names that stand for nothing, each once, in the order of the file", function()
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    for _, trusted in ipairs({ true, false }) do
      local fine, text = viesti.check([[
        local seconds = secnods or 10
        return chain {
          RetryingSender { methods = { GET, GET }, retries = given, policy = polices },
          SyncSender { timeout = seconds },
        }
      ]], { given = 3 }, { name = "@relay.lua", trusted = trusted })
      assert.is_true(fine)
      assert.same({ 'relay.lua:1: "secnods" is nil, for nothing has that name',
        'relay.lua:3: "GET" is nil, for nothing has that name',
        "relay.lua:3: \"polices\" is nil: did you mean 'policies'?" },
        { text:match "warning: ([^\n]+)\nwarning: ([^\n]+)\nwarning: ([^\n]+)\n$" })
    end
    assert.same({}, told.messages)
  end)

  it("says what is wrong with a file that cannot be loaded", function()
    local path = files.write("\nreturn SyncSender { timeout = -1 }")
    assert.same({ false, path .. ":2: SyncSender: timeout must be a number of 0 or more, got -1" },
      { viesti.check(path) })
    assert.same({ false, "/nowhere.lua: No such file or directory" },
      { viesti.check("/nowhere.lua") })
  end)

  it("closes what it has opened", function()
    local session
    assert(viesti.check("return SyncSender { session = see(Session {}) }",
      { see = function(value) session = value return value end }))
    assert.is_true(session:is_closed())
  end)

  it("checks files that nobody vouches for, too", function()
    local fine, text = viesti.check("return SyncSender { timeout = 5 }", nil, { trusted = false })
    assert.is_true(fine)
    assert.matches("^SyncSender\n", text)
    assert.is_false((viesti.check("while true do end", nil, { trusted = false })))
  end)
end)
