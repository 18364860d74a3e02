-- What a session adds to requests counts in Vary as what is really sent.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")

describe("CachingSender, where a response varies by what the session sends", function()
  local server = fixture.origin()

  local function varying(name, more)
    local headers = { { "Cache-Control", "max-age=60" }, { "Vary", name } }
    table.move(more or {}, 1, #(more or {}), 3, headers)
    server:route("/x", { body = "x", headers = headers })
  end

  local function caching(store, session)
    return viesti.CachingSender({ store = store, sender = viesti.SyncSender(session) })
  end

  local function is_hit(sender, headers)
    return assert(sender:send({ url = server.url .. "/x", headers = headers })).cache.hit
  end

  it("tells sessions with other User-Agents apart, and requests with their own", function()
    varying("User-Agent")
    local store = viesti.Store()
    local one <close> = caching(store, { user_agent = "one" })
    local two <close> = caching(store, { user_agent = "two" })
    assert.same({ false, true }, { is_hit(one), is_hit(one) })
    assert.same({ false, true }, { is_hit(two), is_hit(two) })
    assert.is_true(is_hit(one, { ["User-Agent"] = "two" }))
    assert.is_false(is_hit(one, { ["User-Agent"] = false }))
  end)

  it("tells a session that asks for codings from one that does not", function()
    varying("Accept-Encoding")
    local store = viesti.Store()
    local one <close> = caching(store, { decode = true })
    local two <close> = caching(store, { decode = false })
    assert.same({ false, false }, { is_hit(one), is_hit(two) })
    assert.same({ true, true }, { is_hit(one), is_hit(two) })
  end)

  it("tells cookies of the jar apart, those of the URL's host alone", function()
    varying("Cookie")
    local session = viesti.Session({ cookies = true })
    local sender <close> = caching(viesti.Store(), session)
    assert.same({ false, true }, { is_hit(sender), is_hit(sender) })
    session:add_cookie("a=1", "http://elsewhere.example/")
    assert.is_true(is_hit(sender))
    session:add_cookie("a=1", server.url)
    assert.same({ false, true }, { is_hit(sender), is_hit(sender) })
    assert.is_false(is_hit(sender, { Cookie = "b=2" }))
    session:clear_cookies()
    assert.is_true(is_hit(sender))
  end)

  it("stores no response that changes the very cookies that selected it", function()
    varying("Cookie", { { "Set-Cookie", "a=1" } })
    local sender <close> = caching(viesti.Store(), { cookies = true })
    assert.is_false(is_hit(sender))
    assert.is_false(assert(sender:send({ url = server.url .. "/x" })).cache.stored)
  end)

  it("stores no response during whose request the jar got other cookies", function()
    server:route("/x", { body = "a", delay = 0.1,
      headers = { { "Cache-Control", "max-age=60" }, { "Vary", "Cookie" } } })
    local session = viesti.Session({ cookies = true })
    session:add_cookie("user=a", server.url)
    local concrete = viesti.AsyncSender({ session = session })
    local sender <close> = viesti.CachingSender({ sender = concrete })
    viesti.run(function()
      local first = viesti.spawn(is_hit, sender)
      viesti.sleep(0.03)
      session:add_cookie("user=b", server.url)
      assert.is_false(first:join())
      assert.same({ false, true }, { is_hit(sender), is_hit(sender) })
    end)
  end)

  it("goes by the sender that the layer was put over", function()
    varying("User-Agent")
    local one <close> = caching(viesti.Store(), { user_agent = "one" })
    local two <close> = one:with_sender(viesti.SyncSender({ user_agent = "two" }))
    assert.same({ false, false }, { is_hit(one), is_hit(two) })
    assert.same({ true, true }, { is_hit(one), is_hit(two) })
  end)
end)
