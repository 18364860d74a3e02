local chain_files = require("spec.support.chain_files")
local viesti = require("viesti")
local warnings = require("spec.support.warnings")

describe("viesti.chains.load", function()
  local files = chain_files()

  it("builds the chain that a text returns, in viesti's own words", function()
    local chain = assert(viesti.load([[
      local seconds = math.max(1, 2)
      return chain {
        Client {},
        CachingSender { max_size = 10 },
        SyncSender { timeout = seconds },
      }
    ]]))
    assert.equal("Client{ sender = CachingSender{ max_size = 10, "
      .. "sender = SyncSender{ timeout = 2 } } }", tostring(chain))
  end)

  it("reads what tostring of a chain printed", function()
    local chain = viesti.chain({ viesti.Client(), viesti.RetryingSender(3), viesti.AsyncSender() })
    local again = assert(viesti.load("return " .. tostring(chain)))
    assert.equal(tostring(chain), tostring(again))
  end)

  it("adds what it is given to the names", function()
    local chain = assert(viesti.load("return CachingSender(size)", { size = 7 }))
    assert.equal(7, chain:describe().options.max_size)
  end)

  it("keeps files, processes, modules and the debugger out of reach", function()
    local _ <close> = warnings.kept(viesti.ChainFileWarning)
    for _, name in ipairs({ "io", "os", "require", "package", "debug", "dofile", "loadfile", "_G",
      "load",
      "getmetatable", "setmetatable", "rawset", "rawget", "collectgarbage", "coroutine" }) do
      assert(viesti.load(("assert(%s == nil) return SyncSender()"):format(name)))
    end
  end)

  it("lets no text see or change what belongs to others", function()
    local _ <close> = warnings.kept(viesti.ChainFileWarning)
    assert(viesti.load([[
      leaked = 1
      string.format, table.concat, math.max = nil, nil, nil
      return SyncSender()
    ]]))
    assert.is_nil(rawget(_G, "leaked"))
    assert.is_truthy(string.format and table.concat and math.max)
    assert(viesti.load("assert(leaked == nil and string.format) return SyncSender()"))
  end)

  it("warns of names that mean nothing, each once, while it reads the file", function()
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    local chain = assert(viesti.load([[
      local timeout = secnods or secnods
      return chain {
        RetryingSender { policy = function() return nothing end },
        SyncSender { timeout = timeout },
      }
    ]]))
    assert.same({ 'chain:1: "secnods" is nil, for nothing has that name' }, told.messages)
    assert.is_nil(chain.sender.policy())
    assert.equal(1, #told.messages)
  end)

  it("does not mind what is no name", function()
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    assert(viesti.load("local a = _ENV[1], _ENV[{}] return SyncSender()"))
    assert.same({}, told.messages)
  end)

  it("returns nil and a sentence for such a name where the warning is an error", function()
    local before = viesti.ChainFileWarning:set("error")
    local chain, reason = viesti.load("return SyncSender { timeout = secnods }")
    viesti.ChainFileWarning:set(before)
    assert.is_nil(chain)
    assert.matches('ChainFileWarning: chain:1: "secnods" is nil, for nothing has that name$',
      reason)
  end)

  it("returns nil and a sentence for a text that does not hold a chain", function()
    local cases = {
      { "return SyncSender(", "chain:1: " },
      { "return", "the chain must return a sender, such as chain { ... }, it returned nothing" },
      { "return 1", "the chain must return a sender, such as chain { ... }, it returned 1" },
      { "return {}", "the chain must return a sender, such as chain { ... }, it returned a table" },
      { "return SyncSender{ timout = 1 }", "SyncSender: there is no option \"timout\"" },
      { "error('own')", "chain:1: own" },
      { string.dump(function() end), "the chain: it is precompiled, and a chain file is a text" },
      { "return nothing.at.all", "attempt to index a nil value (global 'nothing')" },
      { "return CacheingSender {}", "(global 'CacheingSender'): did you mean 'CachingSender'?" },
      { "os.execute 'true'",
        "chain:1: attempt to index a nil value (global 'os'): chain files have no 'os'" },
      { "return viesti.SyncSender {}",
        "(global 'viesti'): in chain files its words stand without 'viesti.'" },
      { "return load 'other.lua'", "(global 'load'): chain files have no 'load'" },
    }
    for _, case in ipairs(cases) do
      local chain, reason = viesti.load(case[1])
      assert.is_nil(chain)
      assert.is_truthy(reason:find(case[2], 1, true), reason)
    end
    assert.equal("my.lua must return a sender, such as chain { ... }, it returned 1",
      select(2, viesti.load("return 1", nil, { name = "@my.lua" })))
  end)

  it("takes the bounds of a cache over a store in a file, as the file's reader expects", function()
    local path = files.write("")
    local chain <close> = assert(viesti.load(([[
      return chain {
        CachingSender { max_size = 10000, store = sqlite "%s" },
        RetryingSender {
          retries = 3,
          policy = function(context) if context.status_code == 425 then return 0.1 end end,
        },
        AsyncSender { timeout = 10, http_version = "2" },
      }
    ]]):format(path)))
    assert.equal(10000, chain:describe().options.max_size)
  end)

  it("refuses a class in the place of a sender", function()
    for _, text in ipairs({ "SyncSender", "Client", 'ExtendingSender:extend("Mine")' }) do
      local chain, reason = viesti.load("return " .. text)
      assert.is_nil(chain)
      assert.matches("^the chain must return a sender, such as chain { ... }, "
        .. "it returned the class ", reason)
    end
    assert.equal("chain:1: chain: item 1 must be a sender, got the class CachingSender",
      select(2, viesti.load("return chain { CachingSender, SyncSender {} }")))
  end)

  it("refuses several senders that nothing has put over each other", function()
    for _, trusted in ipairs({ true, false }) do
      assert.same({ nil, "the chain: it returns 2 values; layers are put over each other with "
        .. "chain { ... }" }, { viesti.load("return CachingSender {}, SyncSender {}", nil,
        { trusted = trusted }) })
    end
  end)

  it("refuses a chain in a circle", function()
    local text = "local c = CachingSender {} c.sender = c return c"
    local sentence = "the chain: CachingSender stands inside itself; a chain ends with a sender "
      .. "that has no inner one"
    assert.same({ nil, sentence }, { viesti.load(text) })
    assert.same({ false, sentence }, { viesti.check(text) })
    assert.is_nil((viesti.load("local c = CachingSender {} c.sender = c return chain { c }")))
    assert(viesti.load("local c = CachingSender {} c.sender = c array { c } return SyncSender {}"))
  end)

  it("refuses what is no path and no text", function()
    assert.has_error(function() viesti.load() end,
      "load needs the path or the text of a chain, got nothing")
    assert.has_error(function() viesti.load(print) end,
      "load needs the path or the text of a chain, got a function")
    assert.has_error(function() viesti.load("return 1", "x") end,
      'load: the names for a chain are a table, got "x"')
    assert.has_error(function() viesti.load("return 1", { [1] = 2 }) end,
      "load: a name for a chain is an identifier, got 1")
    assert.has_error(function() viesti.load("return 1", {}, true) end,
      "load: its choices are a table such as { trusted = false }, got true")
    for name, open in pairs({ load = viesti.load, check = viesti.check }) do
      assert.has_error(function() open("return SyncSender {}", { trusted = false }) end,
        (name .. ": trusted is a choice, and choices are the third argument: "
          .. name .. "(what, nil, { trusted = false })"))
      assert(open("return SyncSender {}", { trusted = false }, {}))
      assert(open("return SyncSender {}", { trusted = "a name of the file's" }))
    end
    assert.has_error(function() viesti.load("return 1", {}, { trusty = true }) end,
      "load: there is no option \"trusty\", did you mean 'trusted'? "
        .. "(its options are trusted, name)")
  end)

  it("reads a file by its path", function()
    local path = files.write("return SyncSender { timeout = 2 }")
    assert.equal("SyncSender{ timeout = 2 }", tostring(assert(viesti.load(path))))
    local script = files.write("#!/usr/bin/env viesti\nreturn SyncSender {")
    local _, reason = viesti.load(script)
    assert.matches("^" .. script:gsub("%p", "%%%0") .. ":2: ", reason)
  end)

  it("reads a file with a byte order mark, and with a carriage return at the end of its lines",
    function()
      for _, text in ipairs({ "\xEF\xBB\xBFreturn SyncSender {}",
        "\xEF\xBB\xBF#!/usr/bin/env viesti\r\nreturn\r\nSyncSender {}\r\n" }) do
        for _, trusted in ipairs({ true, false }) do
          assert(viesti.load(files.write(text), nil, { trusted = trusted }))
        end
      end
    end)

  it("says of a path that is not there that it was taken for a text", function()
    for _, path in ipairs({ "nowhere/relay.conf", "relay" }) do
      assert.matches(('^there is no file "%s", and as the text of a chain it is wrong: chain:1: ')
        :format(path), select(2, viesti.load(path)))
    end
  end)

  it("says why a file cannot be read", function()
    assert.same({ nil, "/nowhere/relay.lua: No such file or directory" },
      { viesti.load("/nowhere/relay.lua") })
    assert.matches("^%.: ", select(2, viesti.load(".")))
  end)

  it("blames the line of the class, and names the option and what it may be", function()
    local cases = {
      { "return SyncSender { timout = 1 }", "1: SyncSender: there is no option \"timout\"" },
      { "local a = 1\nreturn chain {\n  CachingSender {},\n  SyncSender { timeout = 'x' },\n}",
        '4: SyncSender: timeout must be a number of 0 or more, got "x"' },
      { "return RetryingSender {\n  rate_limit = { max_wait = -1 } }",
        "1: RetryingSender.rate_limit: max_wait must be a number of 0 or more, got -1" },
      { "\nreturn chain {}", "2: chain needs a list of senders" },
      { "local function inner()\n  return SyncSender(1)\nend\nreturn inner()",
        "2: SyncSender: session must be a Session, got 1" },
      { "\nreturn CachingSender { store = Store {}, max_size = 1 }",
        "2: CachingSender: store and max_size are both given" },
      { "\nreturn standard { caching = { size = 1 } }", "2: CachingSender: there is no option" },
      { "\nlocal M = ExtendingSender:extend('M', {})\nreturn M { x = 1 }",
        "3: M: there is no option \"x\"" },
      { "\nlocal M = ExtendingSender:extend('a b')", "2: extend: the name of a class" },
      { "\nSyncSender.send = 1", "2: SyncSender cannot be changed from a chain's source" },
      { "\nlocal s = RateLimit { rate = 0 }", "2: RateLimit: rate must be a number from" },
      { "\nlocal s = tiered { 1 }", "2: tiered needs { a Store" },
      { "\nlocal s = sqlite {}", "2: sqlite: path is missing" },
      { "\nreturn SyncSender():send { url = 'ftp://x' }", "2: Request: the URL's scheme is 'ftp'" },
    }
    for _, case in ipairs(cases) do
      local chain, reason = viesti.load(case[1], nil, { name = "@relay.lua" })
      assert.is_nil(chain)
      assert.equal("relay.lua:" .. case[2], reason:sub(1, #"relay.lua:" + #case[2]))
    end
  end)

  it("blames the line of a function that is called later", function()
    local chain <close> = assert(viesti.load([[
      return chain {
        RetryingSender { policy = function(context)
          error("no policy for " .. context.status_code)
        end },
        MockSender { routes = { { answer = { status_code = 500 } } } },
      }
    ]], nil, { name = "@relay.lua" }))
    local ok, raised = pcall(chain.send, chain, { url = "http://localhost/" })
    assert.is_false(ok)
    assert.equal("relay.lua:3: no policy for 500", raised)
  end)

  it("has stores whose modules are there, and says which rock has those that are not", function()
    local path = files.write("")
    assert.matches("^CachingSender{ store = sqlite{ path = ", tostring(assert(viesti.load(
      "return CachingSender { store = sqlite(path) }", { path = path }))))
    local searchers = package.searchers
    local loaded = package.loaded["viesti.sqlite"]
    package.loaded["viesti.sqlite"], package.searchers = nil, {}
    finally(function()
      package.loaded["viesti.sqlite"], package.searchers = loaded, searchers
    end)
    assert.equal("chain:1: the store for SQLite is not installed, it is the rock viesti-sqlite",
      select(2, viesti.load("return sqlite 'a'")))
  end)

  it("answers what a file raises that is no sentence", function()
    local odd = setmetatable({}, { __tostring = function() error("odd") end })
    assert.equal("the chain: it raised an error that cannot be printed",
      select(2, viesti.load("error(thing)", { thing = odd })))
    for _, case in ipairs({ { "{ code = 1 }", "a table" }, { "nil", "nothing" },
      { "1.5", "a number" } }) do
      assert.equal(("relay.lua: it raised %s instead of a sentence"):format(case[2]),
        select(2, viesti.load(("error(%s)"):format(case[1]), nil, { name = "@relay.lua" })))
    end
    assert.equal("the chain: mine", select(2, viesti.load("error(thing)",
      { thing = setmetatable({}, { __tostring = function() return "mine" end }) })))
  end)
end)
