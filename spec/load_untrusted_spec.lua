local viesti = require("viesti")
local chain_files = require("spec.support.chain_files")
local fixture = require("spec.support.fixture")
local resident = require("spec.support.resident")
local warnings = require("spec.support.warnings")

local function load_untrusted(text, env)
  return viesti.load(text, env, { trusted = false, name = "@relay.lua" })
end

describe("An untrusted chain file", function()
  local server = fixture.origin()
  local files = chain_files()

  local function assert_refused(sentence, text, env)
    local pipeline, reason = load_untrusted(text, env)
    assert.is_nil(pipeline)
    assert.equal(sentence, reason:sub(1, #sentence))
    assert.is_true(#reason < 2000)
  end

  it("is built of the same words", function()
    local text = [[
      local seconds = math.max(1, 2)
      local store = Store { max_size = 5 }
      return chain {
        Client {},
        CachingSender { store = store },
        RetryingSender { retries = 3, policy = policies.too_early },
        SyncSender { timeout = seconds, http_version = "1.1" },
      }
    ]]
    local pipeline <close> = assert(load_untrusted(text))
    local trusted <close> = assert(viesti.load(text))
    assert.equal(tostring(trusted), tostring(pipeline))
    assert(pipeline:send({ url = server.url .. "/" }))
  end)

  it("has what it names once as one object, and is reloaded like any other", function()
    local path = files.write([[
      local limit = RateLimit { rate = 5 }
      return chain { RateLimitingSender { limit = limit }, RateLimitingSender { limit = limit } }
    ]])
    local pipeline <close> = assert(viesti.load(path, nil, { trusted = false }))
    local limit = pipeline.sender._given.limit
    assert.is_true(rawequal(limit, pipeline.sender.sender._given.limit))
    files.write("return RateLimitingSender { limit = RateLimit { rate = 5 } }", path)
    assert(pipeline:reload())
    assert.is_true(rawequal(limit, pipeline.sender._given.limit))
    files.write("while true do end", path)
    local done, reason = pipeline:reload()
    assert.is_nil(done)
    assert.equal(path .. ":1: an untrusted chain may take no more than a million instructions",
      reason)
    assert.is_true(rawequal(limit, pipeline.sender._given.limit))
  end)

  it("has what the host gives it: data as such, all else to hand on or to call", function()
    local store = viesti.Store()
    local policy = function() return false end
    local pipeline <close> = assert(load_untrusted([[
      return chain {
        CachingSender { store = store },
        RetryingSender { retries = count * 2, policy = policy },
        sender(name .. "!"),
      }
    ]], { store = store, policy = policy, count = 2, name = "Ada", sender = function(name)
      return viesti.SyncSender({ user_agent = name })
    end }))
    assert.is_true(rawequal(store, pipeline.sender.store))
    assert.is_true(rawequal(policy, pipeline.sender.sender.policy))
    assert.equal(4, pipeline.sender.sender.retries)
    assert.equal("Ada!", pipeline.sender.sender.sender:option("user_agent"))
    assert_refused("relay.lua:1: attempt to index a function value (global 'store')",
      "return CachingSender { max_size = store.size }", { store = store })
  end)

  it("blames its own lines", function()
    assert_refused('relay.lua:2: SyncSender: there is no option "timout", did you',
      "\nreturn SyncSender { timout = 1 }")
    assert_refused("relay.lua:3: chain: SyncSender is item 1 of 2",
      "local s = SyncSender()\n\nreturn chain { s, s }")
    assert_refused("relay.lua:1: unexpected symbol near <eof>", "return SyncSender {")
    assert_refused("relay.lua:1: mine", "error 'mine'")
    assert_refused("relay.lua must return a sender, such as chain { ... }, it returned 1",
      "return 1")
    assert_refused("relay.lua must return a sender, such as chain { ... }, it returned nothing", "")
    assert_refused("relay.lua must return a sender, such as chain { ... }, it returned the "
      .. "class SyncSender", "return SyncSender")
  end)

  it("says of a word that it does not have what else there is", function()
    for _, word in ipairs({ "sqlite", "MockSender", "har", "pcall" }) do
      assert_refused(("relay.lua:1: attempt to call a nil value (global '%s'): an untrusted chain "
        .. "has no '%s'"):format(word, word), ("return %s {}"):format(word))
    end
    assert_refused("relay.lua:1: attempt to call a nil value (global 'SynkSender'): did you mean "
      .. "'SyncSender'?", "return SynkSender {}")
    assert_refused("relay.lua:1: attempt to call a nil value (global 'require'): chain files have "
      .. "no 'require'", "return require 'x'")
    assert_refused("relay.lua:1: attempt to call a nil value (global 'sqlit')",
      "return sqlit {}")
  end)

  it("holds data, no functions", function()
    assert_refused("relay.lua:1: RetryingSender: policy: an untrusted chain may hold data only, "
      .. "and a function is none", "return RetryingSender { policy = function() end }")
    assert_refused("relay.lua: an untrusted chain may hold data only, and a function is none",
      "return { function() end }")
    assert_refused("relay.lua:1: RetryingSender: policy: an untrusted chain may hold data only",
      "return RetryingSender { policy = tostring }")
    for _, text in ipairs({ "{ _given = 1, send = chain }",
      "chain { { _given = 1, send = chain } }",
      "RetryingSender { clock = { now = chain, wall = chain, sleep = chain } }" }) do
      assert_refused("relay.lua: a function stands where an untrusted chain may have data only",
        "return " .. text)
    end
  end)

  it("reaches no file and no socket, and none of libcurl's own options", function()
    for _, name in ipairs({ "ca", "client_cert", "client_key", "curl", "interface", "proxy",
      "resolve", "unix_socket", "verify" }) do
      for _, form in ipairs({ "SyncSender { %s = 1 }", "Session { %s = 1 }",
        "AsyncSender { %s = 1 }", "standard { session = { %s = 1 } }" }) do
        local word = form:match("^%a+")
        assert_refused(("relay.lua:1: %s: %s is not for untrusted chains to set"):format(
          word, name), "return " .. form:format(name))
      end
    end
    assert_refused("relay.lua:1: SyncSender: an untrusted chain gives its options by name",
      "return SyncSender(nil, 5)")
    for _, name in ipairs({ "sqlite", "redis", "RedisLimit", "har", "RecordingSender", "MockSender",
      "load", "download", "run" }) do
      assert_refused(("relay.lua:1: attempt to call a nil value (global '%s')"):format(name),
        ("return %s {}"):format(name))
    end
  end)

  it("has nothing of Lua's whose time or memory is not bounded", function()
    local _ <close> = warnings.kept(viesti.ChainFileWarning)
    for _, name in ipairs({ "pcall", "xpcall", "coroutine", "setmetatable", "getmetatable",
      "rawset", "rawget", "load", "loadstring", "dofile", "require", "debug", "io", "os",
      "collectgarbage",
      "utf8", "print", "_G", "table.sort", "table.insert", "table.move", "string.rep",
      "string.find", "string.match", "string.gsub", "string.gmatch", "string.dump",
      "string.pack" }) do
      assert(load_untrusted(("assert(%s == nil) return SyncSender()"):format(name)))
    end
    for call, name in pairs({ ["('x'):rep(1e9)"] = "string.rep", ["string.pack(1)"] = "string.pack",
      ["table.sort({})"] = "table.sort", ["math.random()"] = "math.random" }) do
      assert_refused(("relay.lua:1: attempt to call a nil value (%s '%s'): an untrusted chain has "
        .. "no %s"):format(call:find(":", 1, true) and "method" or "field", name:match "%l+$",
        name), "return " .. call)
    end
    for _, text in ipairs({ "local concat return concat {}", "local t = {} return t.len('x')" }) do
      local _, reason = load_untrusted(text)
      assert.is_nil(reason:find("has no", 1, true))
    end
    assert_refused("relay.lua:1: attempt to call a nil value (field 'wrong')",
      "return policies.wrong()")
  end)

  it("is told of a slip in the name of a policy as any other is", function()
    assert_refused('relay.lua:2: policies: there is no "unsend", did you mean \'unsent\'?',
      "\nreturn RetryingSender { policy = policies.unsend }")
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    assert(load_untrusted("return RetryingSender { policy = policies.of_nothing }"))
    assert.same({ 'relay.lua:1: "policies.of_nothing" is nil, for nothing has that name' },
      told.messages)
  end)

  it("tells of the first hundred names that mean nothing, in the order of the file", function()
    local told <close> = warnings.kept(viesti.ChainFileWarning)
    local names = {}
    for number = 1, 150 do
      names[number] = ("n%d"):format(151 - number)
    end
    assert(load_untrusted("local a = _ENV[1], n150,\n" .. table.concat(names, ",\n")
      .. "\nreturn SyncSender()"))
    assert.equal(100, #told.messages)
    assert.equal('relay.lua:1: "n150" is nil, for nothing has that name', told.messages[1])
    assert.equal('relay.lua:101: "n51" is nil, for nothing has that name', told.messages[100])
  end)

  local DOUBLED = "local s = 'x' for i = 1, 20 do s = s .. s end "
  local INSTRUCTIONS = "an untrusted chain may take no more than a million instructions"
  local MEMORY = "relay.lua: an untrusted chain may take no more than 8 MiB of memory"
  local TIME = "relay.lua:1: an untrusted chain may take no more than a second"

  local HOSTILE = {
    { "loops for ever", "while true do end", "relay.lua:1: " .. INSTRUCTIONS },
    { "loops by goto", "::again:: goto again", "relay.lua:1: " .. INSTRUCTIONS },
    { "loops by calls that end each other", "local function f() return f() end\nreturn f()",
      "relay.lua:1: " .. INSTRUCTIONS },
    { "fills the memory with tables", "local t = {} while true do t = { t } end", MEMORY },
    { "fills the memory with a list", "local t = {} while true do t[#t + 1] = 1 end", "relay.lua" },
    { "fills the memory with a string", "local s = 'x' while true do s = s .. s end", MEMORY },
    { "fills the memory with words",
      "local t = {} while true do t[#t + 1] = chain(t) end", MEMORY },
    { "recurs for ever", "local function f() return 1 + f() end return f()", MEMORY },
    { "copies long strings", DOUBLED .. "while true do local _ = s:upper() end", TIME },
    { "compares long strings", DOUBLED .. "local z = 'x' for i = 1, 20 do z = z .. z end "
      .. "while s <= z do end", TIME },
    { "walks over what was deleted", "local t = {} for i = 1, 2 ^ 17 do t[i] = 1 end "
      .. "for i = 1, 2 ^ 17 do t[i] = nil end while true do next(t) end", TIME },
    { "returns a long string often",
      DOUBLED .. "local t = {} for i = 1, 9999 do t[i] = s end return t",
      "relay.lua: an untrusted chain may return no more than 8 MiB of data" },
    { "returns a table that doubles at each level",
      "local t = {} for i = 1, 60 do t = { t, t } end return t",
      "relay.lua: an untrusted chain may return no more than 8 MiB of data" },
    { "returns what is in itself", "local t = {} t.t = t return t",
      "relay.lua: what an untrusted chain returns is nested too deep, or in itself" },
    { "returns a call of itself", "local t = {} local c = chain(t) t[1] = c return c",
      "relay.lua:1: chain: what an untrusted chain returns is nested too deep, or in itself" },
    { "returns too many layers", "local t = {} for i = 1, 200 do t[i] = RetryingSender() end "
      .. "return chain(t)",
      "relay.lua:1: chain: an untrusted chain may be made of no more than 100 parts" },
    { "raises a table", "error {}", "relay.lua: it raised a table instead of a sentence" },
    { "raises nothing", "error()", "relay.lua: it raised nothing instead of a sentence" },
    { "raises a number in no memory", "local t = {} for i = 1, 9999 do t[i] = i end error(1.5)",
      "relay.lua: it raised a number instead of a sentence" },
    { "raises a long string", DOUBLED .. "error(s)", "relay.lua:1: xxx" },
    { "names an option at length", DOUBLED .. "return SyncSender { [s] = 1 }",
      'relay.lua:1: SyncSender: there is no option "xxx' },
    { "names a function at length",
      DOUBLED .. "return SyncSender { [s] = error, s = function() end }",
      "relay.lua:1: SyncSender: " },
    { "gives an option at length", DOUBLED .. "return SyncSender { http_version = s }",
      'relay.lua:1: SyncSender: http_version must be one of "auto"' },
    { "closes what has no __close", "local x <close> = {}",
      "relay.lua:1: variable 'x' got a non-closable value" },
    { "wants a coroutine", "coroutine.wrap(function() end)()",
      "relay.lua:1: attempt to index a nil value (global 'coroutine')" },
    { "wants a metatable", "setmetatable({}, { __gc = error })",
      "relay.lua:1: attempt to call a nil value (global 'setmetatable')" },
    { "unpacks too much", "return table.unpack({}, 1, 1e8)",
      "relay.lua:1: too many results to unpack" },
    { "concatenates what is not there", "return table.concat({}, '', 1, 2 ^ 60)",
      "relay.lua:1: invalid value (nil) at index 1 in table for 'concat'" },
    { "is nested without end", "return " .. ("("):rep(5000), "relay.lua: C stack overflow" },
    { "nests tables without end", "return " .. ("{"):rep(150) .. ("}"):rep(150),
      "relay.lua: what an untrusted chain returns is nested too deep, or in itself" },
    { "has more text than a chain has", ("-- \n"):rep(20000),
      "relay.lua: an untrusted chain may have no more than 64 KiB" },
    { "jumps about", ("goto a "):rep(9000) .. "::a::",
      "relay.lua must return a sender, such as chain { ... }, it returned nothing" },
    { "is precompiled", string.dump(function() end),
      "relay.lua: it is precompiled, and a chain file is a text" },
  }

  for _, case in ipairs(HOSTILE) do
    it("ends with one sentence, however hostile: " .. case[1], function()
      assert_refused(case[3], case[2])
    end)
  end

  it("leaves none of its memory behind", function()
    local function run_all()
      for _, case in ipairs(HOSTILE) do
        if not case[3]:find(TIME, 1, true) then
          load_untrusted(case[2])
        end
      end
      collectgarbage()
    end
    run_all()
    local before = resident.now()
    for _ = 1, 2 do
      run_all()
    end
    if (os.getenv("RUN_UNDER") or "") == "" then -- a sanitizer keeps what is freed for a while
      assert.is_true(resident.now() - before < 16 * 1024 * 1024)
    end
  end)

  it("is read no further than it may go on", function()
    local pipeline, reason = viesti.load("/dev/zero", nil, { trusted = false })
    assert.is_nil(pipeline)
    assert.equal("/dev/zero: an untrusted chain may have no more than 64 KiB", reason)
  end)
end)
