local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local Session = viesti.Session

-- The only cookie of the session, tabs shown as bars.
local function only(session)
  local lines = session:cookies()
  assert.equal(1, #lines)
  return (lines[1]:gsub("\t", "|"))
end

describe("session:add_cookie", function()
  local server = fixture.origin()
  local session

  before_each(function()
    session = Session({ cookies = true })
  end)

  after_each(function()
    session:close()
  end)

  local function assert_refused(words, ...)
    local added, reason = session:add_cookie(...)
    assert.is_nil(added)
    assert.matches(words, reason)
    assert.same({}, session:cookies())
  end

  it("gives a cookie to the host of its URL and to no other", function()
    assert.is_true(session:add_cookie("Set-Cookie: secret=1", server.url .. "/"))
    local sender <close> = viesti.SyncSender(session)
    local elsewhere = server.url:gsub("127%.0%.0%.1", "localhost")
    for url, sent in pairs({ [server.url] = { "secret=1" }, [elsewhere] = false }) do
      assert.same(sent or nil, assert(sender:send({ url = url .. "/echo" })).content.headers.cookie)
    end
  end)

  it("is how those of a server go, too: to its host, and never to a public suffix", function()
    local hosts = { "a.example.co.uk", "b.example.co.uk", "other.co.uk" }
    local resolve = {}
    for index, host in ipairs(hosts) do
      resolve[index] = ("%s:%d:127.0.0.1"):format(host, server.port)
    end
    local sender <close> = viesti.SyncSender({ cookies = true, resolve = resolve })
    server:route("/set", { headers = { { "Set-Cookie", "own=1" },
      { "Set-Cookie", "shared=1; Domain=example.co.uk" }, { "Set-Cookie", "wide=1; Domain=co.uk" },
      { "Set-Cookie", "other=1; Domain=other.co.uk" } } })
    local function url(host, path)
      return ("http://%s:%d%s"):format(host, server.port, path)
    end
    assert(sender:send({ url = url(hosts[1], "/set") }))
    local function sent(host)
      local field = assert(sender:send({ url = url(host, "/echo") })).content.headers.cookie
      return field and field[1]
    end
    assert.same({ "own=1; shared=1", "shared=1" }, { sent(hosts[1]), sent(hosts[2]) })
    assert.equal(not viesti.features().public_suffixes and "wide=1" or nil, sent(hosts[3]))
  end)

  it("takes what is not said from the URL", function()
    local cases = {
      { "a=1", "http://me:x@Example.org:80/x/y?/z", "example.org|FALSE|/x|FALSE|0|a|1" },
      { "a=1; Path=/", "http://example.org/x/y", "example.org|FALSE|/|FALSE|0|a|1" },
      { "a=1; Path=x", "http://example.org", "example.org|FALSE|/|FALSE|0|a|1" },
      { "a=; Secure; HttpOnly", "https://[::1]:1/", "#HttpOnly_::1|FALSE|/|TRUE|0|a|" },
      { "a=1; Domain=.example.org", "http://a.example.org/", ".example.org|TRUE|/|FALSE|0|a|1" },
      { "a=1; domain=127.0.0.1", "http://127.0.0.1/", "127.0.0.1|FALSE|/|FALSE|0|a|1" },
      { "__Host-a=1; Secure; Path=/", "https://a.b/x/y", "a.b|FALSE|/|TRUE|0|__Host-a|1" },
    }
    for _, case in ipairs(cases) do
      for _, name in ipairs({ "", "Set-Cookie: ", "set-cookie:" }) do
        assert.is_true(session:add_cookie(name .. case[1], case[2]))
        assert.equal(case[3], only(session))
        assert.is_true(session:clear_cookies())
      end
    end
  end)

  it("refuses a cookie that is for no host, another one, or all", function()
    assert_refused("^it has no Domain: give the URL", "Set-Cookie: secret=1")
    assert_refused("^it has no Domain: give the URL", "secret=1; Path=/; Domain=.")
    assert_refused("^its Domain is not that of www%.example%.com$", "a=1; Domain=example.org",
      "http://www.example.com/")
    assert_refused("^its Domain is not that of example%.org$", "a=1; Domain=www.example.org",
      "http://example.org/")
    assert_refused("^its Domain is not", "a=1; Domain=ample.org", "http://example.org/")
    assert_refused("^its Domain is not", "a=1; Domain=0.1", "http://127.0.0.1/")
    assert_refused('^the domain "com" is too wide', "a=1; Domain=com")
    assert_refused('^the domain "com" is too wide', ".com\tTRUE\t/\tFALSE\t0\ta\t1")
    assert_refused("no scheme", "a=1", "nonsense")
    assert_refused("not ASCII", "a=1", "http://b\u{fc}cher.example/")
  end)

  it("refuses what is no cookie, libcurl's commands among it", function()
    for _, line in ipairs({ "", "nonsense", "ALL", "SESS", "FLUSH", "RELOAD", "=1; Domain=a.b",
      "; Domain=a.b", "__Host-a=1; Domain=a.b; Secure" }) do
      assert_refused("^it is no cookie$", line, line ~= "" and "http://a.b/" or nil)
    end
    for _, line in ipairs({ "a=1\r\nX: y; Domain=a.b", "a=1\0; Domain=a.b",
      "Set-Cookie: a=\t1; Domain=a.b" }) do
      assert_refused("^a cookie has no control characters$", line)
    end
    for _, line in ipairs({ "a.b\tMAYBE\t/\tFALSE\t0\ta\t1", "a.b\tTRUE\t/\tFALSE\tsoon\ta\t1",
      "a.b\tTRUE\tx\tFALSE\t0\ta\t1", "\tTRUE\t/\tFALSE\t0\ta\t1", "a.b\tTRUE\t/\tFALSE\t0\t\t1",
      "a.b\tTRUE\t/\tFALSE\t0\ta\t1\r\n", "a.b\tTRUE\t/\tFALSE\t0\ta\t1\tx", "a\tb" }) do
      assert_refused("^it is no cookie in Netscape's format$", line)
    end
    assert_refused("libcurl does not take", "a.b\tTRUE\t/\tFALSE\t0\t__Host-a\t1")
    assert_refused("no URL goes with it", "a.b\tTRUE\t/\tFALSE\t0\ta\t1", "http://a.b/")
  end)

  it("removes a cookie by one that has expired", function()
    for _, ending in ipairs({ "a=; Domain=a.b; Max-Age=0",
      "a=; Domain=a.b; Expires=Thu, 01 Jan 1970 00:00:01 GMT", ".a.b\tTRUE\t/\tFALSE\t1\ta\t" }) do
      assert.is_true(session:add_cookie("a=1; Domain=a.b"))
      assert.equal(".a.b|TRUE|/|FALSE|0|a|1", only(session))
      assert.is_true(session:add_cookie(ending))
      assert.same({}, session:cookies())
    end
  end)

  it("says so where nothing can be kept", function()
    local path = os.tmpname()
    local closed, without = Session({ cookies = true }), Session()
    closed:close()
    for reason, other in pairs({ ["the session is closed"] = closed,
      ["the session keeps no cookies: make it with cookies = true"] = without }) do
      assert.same({ nil, reason }, { other:add_cookie("a=1; Domain=a.b") })
      assert.same({ nil, reason }, { other:clear_cookies() })
      assert.same({ nil, reason }, { other:load_cookies(path) })
      assert.same({ nil, reason }, { other:save_cookies(path) })
      assert.same({}, other:cookies())
    end
    os.remove(path)
  end)
end)

describe("session:load_cookies", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    os.remove(path)
  end)

  local function load(text)
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write(text))
    file:close()
    local session <close> = Session({ cookies = true })
    local loaded, reason = session:load_cookies(path)
    return loaded, reason, #session:cookies()
  end

  it("reads cookies, and passes over comments and what has expired", function()
    assert.same({ true, nil, 3 }, { load("# Netscape HTTP Cookie File\r\n\r\n"
      .. "a.b\tTRUE\t/\tFALSE\t0\ta\t1\r\n#HttpOnly_a.b\tFALSE\t/\tTRUE\t0\tb\t\r\n"
      .. "a.b\tTRUE\t/\tFALSE\t1\tc\t1\r\nSet-Cookie: d=1; Domain=a.b") })
    assert.same({ true, nil, 0 }, { load("") })
  end)

  it("loads nothing of a file in which a line is no cookie, and says which", function()
    local good = "a.b\tTRUE\t/\tFALSE\t0\ta\t1\n"
    for text, reason in pairs({ ["<!DOCTYPE html>\n<a href=x>"] = "line 1: it is no cookie in",
      ["\1\2\3"] = "line 1: it is no cookie in",
      [good .. "\n" .. good .. "x=1"] = "line 4: it is no cookie in",
      [good .. "Set-Cookie: a=1"] = "line 2: it has no Domain" }) do
      local loaded, why, count = load(text)
      assert.same({ nil, 0 }, { loaded, count })
      assert.equal(path .. ", " .. reason, why:sub(1, #path + 2 + #reason))
    end
  end)

  it("says what is wrong with a file that cannot be read", function()
    local session <close> = Session({ cookies = true })
    assert.same({ nil, "spec: Is a directory" }, { session:load_cookies("spec") })
    assert.same({ nil, "/no/such: No such file or directory" },
      { session:load_cookies("/no/such") })
  end)
end)
