local viesti = require("viesti")
local origin = require("spec.support.origin")

local Session = viesti.Session

describe("Session", function()
  local server

  setup(function()
    server = origin.start()
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:reset()
  end)

  it("has a limit on everything from the start, and says so", function()
    local session <close> = Session()
    local described = session:describe()
    for name, value in pairs({ timeout = 60, connect_timeout = 10, idle_timeout = 30,
      max_body = 64 * 1024 * 1024, max_connections = 256, http_version = "auto", decode = true,
      verify = true, user_agent = "viesti/0.1.0" }) do
      assert.equal(value, described[name], name)
    end
  end)

  it("prints as it is built", function()
    assert.equal("Session()", tostring(Session()))
    assert.equal('Session{ timeout = 5, http_version = "1.1", decode = false }',
      tostring(Session({ decode = false, timeout = 5, http_version = "1.1" })))
  end)

  it("hides the proxy, which may hold a password", function()
    local session <close> = Session({ proxy = "http://user:secret@127.0.0.1:1" })
    assert.is_nil(tostring(session):find("secret", 1, true))
  end)

  it("describes itself in a table that changes nothing", function()
    local session <close> = Session({ timeout = 5 })
    session:describe().timeout = 9
    assert.equal(5, session:describe().timeout)
  end)

  it("keeps its options from the caller's table", function()
    local options = { user_agent = "first" }
    local sender <close> = viesti.SyncSender(Session(options))
    options.user_agent = "second"
    assert(sender:send({ url = server.url .. "/echo" }))
    assert.equal("first", server:requests()[1].header("User-Agent"))
  end)

  it("holds connections for every sender that shares it, of either kind", function()
    local session <close> = Session()
    for _, Kind in ipairs({ viesti.SyncSender, viesti.AsyncSender, viesti.SyncSender }) do
      assert(Kind(session):send({ url = server.url .. "/echo" }))
    end
    assert.equal(1, server:connections())
  end)

  it("closes once: its connections end, and sending with it is over", function()
    local session = Session()
    local sender = viesti.SyncSender(session)
    assert(sender:send({ url = server.url .. "/echo" }))
    assert.is_false(session:is_closed())
    session:close()
    session:close()
    assert.is_true(session:is_closed())
    assert.equal("closed", select(2, sender:send({ url = server.url .. "/echo" })).kind)
    local deadline = sender:now() + 2
    while server:open_connections() > 0 and sender:now() < deadline do
      viesti.sleep(0.005)
    end
    assert.equal(0, server:open_connections())
  end)

  it("closes when it is a to-be-closed variable", function()
    local kept
    do
      local session <close> = Session()
      kept = session
    end
    assert.is_true(kept:is_closed())
  end)

  it("closes its connections when it is collected", function()
    local function send_and_forget()
      assert(viesti.SyncSender():send({ url = server.url .. "/echo" }))
    end
    for _ = 1, 5 do
      send_and_forget()
    end
    collectgarbage()
    collectgarbage()
    viesti.sleep(0.05)
    assert.equal(0, server:open_connections())
    assert.equal(5, server:connections())
  end)

  it("lets max_connections be open at once and no more", function()
    local sender <close> = viesti.AsyncSender(Session({ max_connections = 2 }))
    server:route("/slow", { body = "x", delay = 0.02 })
    local urls = {}
    for index = 1, 8 do
      urls[index] = server.url .. "/slow?" .. index
    end
    local started = sender:now()
    viesti.map(urls, function(url) return assert(sender:send({ url = url })) end)
    assert.is_true(sender:now() - started >= 0.08)
    assert.equal(2, server:connections())
  end)

  it("asks a proxy, which sees the whole URL", function()
    local sender <close> = viesti.SyncSender(Session({ proxy = server.url }))
    server:route("http://elsewhere.invalid/page", { body = "proxied" })
    local response = assert(sender:send({ url = "http://elsewhere.invalid/page" }))
    assert.equal("proxied", response.body)
    assert.equal("elsewhere.invalid", server:requests()[1].header("Host"))
  end)

  it("does not say a word of compression where decode is false", function()
    local sender <close> = viesti.SyncSender({ decode = false })
    assert(sender:send({ url = server.url .. "/echo" }))
    assert.is_nil(server:requests()[1].header("Accept-Encoding"))
    local other <close> = viesti.SyncSender()
    assert(other:send({ url = server.url .. "/echo" }))
    assert.matches("gzip", server:requests()[2].header("Accept-Encoding"))
  end)

  it("reads an endless or zero limit as none", function()
    server:route("/slow", { body = "x", delay = 0.05 })
    for _, none in ipairs({ 0, math.huge }) do
      local sender <close> = viesti.SyncSender({ timeout = none, connect_timeout = none,
        idle_timeout = none })
      assert.equal("x", assert(sender:send({ url = server.url .. "/slow" })).body)
    end
  end)

  it("refuses options of the wrong type or out of range", function()
    local cases = {
      { { timeout = "5" }, 'Session: timeout must be a number of 0 or more, got "5"' },
      { { timeout = -1 }, "Session: timeout must be a number of 0 or more, got -1" },
      { { max_body = 0 }, "Session: max_body must be an integer of 1 or more, got 0" },
      { { max_body = 1.5 }, "Session: max_body must be an integer of 1 or more, got 1.5" },
      { { verify = 1 }, "Session: verify must be true or false, got 1" },
      { { proxy = {} }, "Session: proxy must be a string, got a table" },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() Session(case[1]) end, case[2])
      assert.has_error(function() viesti.SyncSender(case[1]) end,
        (case[2]:gsub("^Session", "SyncSender")))
    end
    assert.error_matches(function() Session({ http_version = "9" }) end,
      'Session: http_version must be one of "auto", "1.1", "2".*, got "9"')
    assert.has_error(function() Session({ timeout = 0 / 0 }) end)
  end)
end)
