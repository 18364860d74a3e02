local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local fixture = require("spec.support.fixture")
local open_descriptors = require("spec.support.open_descriptors")
local process = require("spec.support.process")

local Session = viesti.Session

describe("Session", function()
  local server = fixture.origin()

  it("has a limit on everything from the start, and says so", function()
    local session <close> = Session()
    local described = session:describe()
    for name, value in pairs({ timeout = 60, connect_timeout = 10, idle_timeout = 30,
      max_body = 64 * 1024 * 1024, max_connections = 256, http_version = "auto", decode = true,
      verify = true, user_agent = "viesti/" .. viesti.VERSION }) do
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

  -- A layer that is built to stand in a chain has a sender of its own until it does.
  it("opens no descriptor before its first request, however many layers are built", function()
    viesti.loop()
    collectgarbage()
    local before = open_descriptors()
    local session <close> = Session()
    local chain <close> = viesti.standard({ session = session })
    assert.equal(before, open_descriptors())
    assert(chain:send({ url = server.url .. "/echo" }))
    assert.is_true(open_descriptors() > before)
    session:close()
    assert.equal(before, open_descriptors())
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

  it("sets further options of libcurl by name", function()
    local sender <close> = viesti.SyncSender({ curl = {
      CONNECT_TO = { ("made.up:80:127.0.0.1:%d"):format(server.port) }, referer = "http://before/",
      TCP_NODELAY = false, UPLOAD_BUFFERSIZE = 20000,
    } })
    local url = "http://made.up/echo"
    assert.same({ "http://before/" }, assert(sender:send({ url = url })).content.headers.referer)
  end)

  it("refuses options that libcurl has not, or that are its own to set", function()
    local cases = {
      [{ NO_SUCH = 1 }] = "Session: libcurl has no option 'NO_SUCH'",
      [{ URL = "http://h/" }] = "Session: the option 'URL' is viesti's own to set",
      [{ FOLLOWLOCATION = 1 }] = "Session: the option 'FOLLOWLOCATION' is viesti's own to set",
      [{ WRITEDATA = 1 }] = "Session: the option 'WRITEDATA' is viesti's own to set",
      [{ CONNECT_TO = "a:1:b" }] = "Session: the option 'CONNECT_TO' takes a list of strings",
      [{ TCP_NODELAY = "x" }] = "Session: the option 'TCP_NODELAY' takes an integer or a boolean",
    }
    for given, message in pairs(cases) do
      assert.has_error(function() Session({ curl = given }) end, message)
    end
  end)

  it("names what was meant by a name that libcurl has not, or that is its own to set", function()
    for given, meant in pairs({ TCP_NODLAY = "TCP_NODELAY", CURLOPT_REFERER = "REFERER",
      curlopt_tcp_nodelya = "TCP_NODELAY" }) do
      assert.has_error(function() Session({ curl = { [given] = 1 } }) end,
        ("Session: libcurl has no option '%s', did you mean '%s'?"):format(given, meant))
    end
    for name, own in pairs({ CAINFO = "ca", CAPATH = "ca", PROXY = "proxy", ENCODING = "decode",
      PROXY_CAINFO = "ca", PROXY_SSLVERSION = "min_tls", SSLVERSION = "min_tls",
      SSLKEY = "client_key", SSLCERT = "client_cert", UNIX_SOCKET_PATH = "unix_socket",
      INTERFACE = "interface",
      RESOLVE = "resolve", TIMEOUT_MS = "timeout", CONNECTTIMEOUT = "connect_timeout",
      COOKIELIST = "cookies", PIPEWAIT = "http_version", MAXCONNECTS = "max_idle_connections" }) do
      local wanted = ("Session: the option '%s' is viesti's own to set: give %s instead"):format(
        name == "ENCODING" and "ACCEPT_ENCODING" or name, own)
      for _, written in ipairs({ name, name:lower() }) do
        assert.has_error(function() Session({ curl = { [written] = "x" } }) end, wanted)
      end
    end
  end)

  it("takes an option of libcurl once, under one name", function()
    for name, other in pairs({ REFERER = "referer", KEYPASSWD = "sslkeypasswd",
      Tcp_Nodelay = "tcp_nodelay" }) do
      assert.has_error(function() Session({ curl = { [name] = 1, [other] = 1 } }) end,
        ("Session: curl: '%s' and '%s' are one option"):format(name, other))
    end
  end)

  it("says what this libcurl was built without", function()
    local made, message = pcall(Session, { curl = { DNS_SERVERS = "127.0.0.1" } }) -- for c-ares
    local sentence = "Session: this libcurl was built without the option 'DNS_SERVERS'"
    assert.is_true(made or message:sub(-#sentence) == sentence, message)
  end)

  it("refuses text for libcurl that could end a line of the request", function()
    for _, value in ipairs({ "a\r\nX: y", "a\n", "\r" }) do
      assert.has_error(function() Session({ user_agent = value }) end,
        "Session: the user_agent must not have CR, LF or NUL in its value")
      for _, name in ipairs({ "COOKIE", "REFERER", "PROXYUSERPWD", "RANGE" }) do
        assert.has_error(function() Session({ curl = { [name] = value } }) end,
          ("Session: the value of '%s' must not have control characters"):format(name))
      end
      assert.error_matches(function() Session({ curl = { HTTP200ALIASES = { value } } }) end,
        "must not have control characters")
      assert.error_matches(function() Session({ interface = value }) end,
        "must not have control characters")
    end
  end)

  it("refuses files that it could not read later", function()
    for _, name in ipairs({ "ca", "client_cert" }) do
      for path, reason in pairs({ ["/no/such.pem"] = "No such file or directory", [""] =
        "No such file or directory", ["spec"] = "Is a directory", ["spec\0x"] =
        "No such file or directory" }) do
        assert.error_matches(function() Session({ [name] = path }) end,
          ("^.-Session: %s %q cannot be read: %s$"):format(name, path, reason):gsub("%z", "\\0"))
      end
    end
    assert.has_error(function() Session({ client_key = "-----BEGIN PRIVATE KEY-----" }) end,
      "Session: client_key cannot be read: No such file or directory")
  end)

  it("refuses files without a certificate or a key in them, and a key alone", function()
    local certificate, key = certificates.client.certificate, certificates.client.key
    local cases = {
      { { ca = "README.md" }, 'ca "README.md" has no certificate in it (PEM)' },
      { { ca = key }, ("ca %q has no certificate in it (PEM)"):format(key) },
      { { client_cert = key }, ("client_cert %q has no certificate in it (PEM)"):format(key) },
      { { client_cert = certificate }, ("client_cert %q has no private key in it, and client_key "
        .. "is not given"):format(certificate) },
      { { client_cert = certificate, client_key = certificate },
        "client_key has no private key in it (PEM)" },
      { { client_key = key }, "client_key is given without client_cert" },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() Session(case[1]) end, "Session: " .. case[2])
    end
    Session({ ca = certificates.ca, client_cert = certificate, client_key = key })
    Session({ client_cert = "README.md", client_key = "README.md",
      curl = { sslcerttype = "DER", SSLKEYTYPE = "DER" } })
    Session({ client_cert = certificate, client_key = "pkcs11:a", curl = { SSLKEYTYPE = "eng" } })
  end)

  it("reads no file before its time that can be read only once", function()
    local folder = process.temporary_directory()
    local path = folder .. "/ca"
    process.run("mkfifo " .. process.quote(path))
    Session({ ca = path })
    process.run("rm -r " .. process.quote(folder))
  end)

  it("refuses an interface that there is not", function()
    for _, name in ipairs({ "nope0", "if!nope0", "" }) do
      assert.has_error(function() Session({ interface = name }) end,
        ("Session: interface %q is none of this system's, and no address; "
          .. "host!name is that of a host"):format(name))
    end
    for _, name in ipairs({ "lo", "if!lo", "127.0.0.1", "::1", "host!nope0", "host.example" }) do
      Session({ interface = name })
    end
  end)

  it("refuses entries of resolve that libcurl could not read", function()
    for _, entry in ipairs({ "", "nonsense", "a:80", "a:b:127.0.0.1", "a:80:", "a:80:1.2.3",
      "a:65536:127.0.0.1", "a:80:127.0.0.1,", "a:80:[127.0.0.1]", "[::1]:80:127.0.0.1", "-a" }) do
      assert.has_error(function() Session({ resolve = { "a:80:127.0.0.1", entry } }) end,
        ('Session: resolve must be a list of "host:port:address", it has %q'):format(entry))
    end
    for _, entry in ipairs({ "+a:1:127.0.0.1", "-a:1", "*:1:127.0.0.1,[::1]", "a:1:::1" }) do
      local sender <close> = viesti.SyncSender({ resolve = { entry } })
      assert.equal(200, assert(sender:send({ url = server.url .. "/echo" })).status_code)
    end
  end)

  it("refuses text for libcurl that would be cut at a NUL", function()
    local message = "Session: the value of '%s' must not have control characters"
    assert.has_error(function() Session({ interface = "lo\0x" }) end, message:format("INTERFACE"))
    assert.has_error(function() Session({ curl = { CONNECT_TO = { "::a:\0" } } }) end,
      message:format("CONNECT_TO"))
  end)

  it("keeps cookies only when asked to, and in a file that others cannot read", function()
    server:route("/cookie", { headers = { { "Set-Cookie", "a=b; HttpOnly" } } })
    local path = os.tmpname()
    local function cookies_sent(sender)
      return assert(sender:send({ url = server.url .. "/echo" })).content.headers.cookie
    end
    local without <close> = viesti.SyncSender()
    local with <close> = viesti.SyncSender({ cookies = true })
    for _, sender in ipairs({ without, with }) do
      assert(sender:send({ url = server.url .. "/cookie" }))
    end
    assert.is_nil(cookies_sent(without))
    assert.same({ "a=b" }, cookies_sent(with))
    assert.is_true(with.session:save_cookies(path))
    local other <close> = viesti.SyncSender({ cookies = true })
    assert.is_true(other.session:load_cookies(path))
    assert.same({ "a=b" }, cookies_sent(other))
    local listing <close> = assert(io.popen("ls -l " .. path))
    assert.matches("^%-rw%-%-%-%-%-%-%-", listing:read("a"))
    os.remove(path)
  end)

  it("sends one Cookie field, with the session's cookies and the request's own", function()
    for _, cookies in ipairs({ true, false }) do
      local sender <close> = viesti.SyncSender({ cookies = cookies })
      sender.session:add_cookie("Set-Cookie: jar=1; domain=127.0.0.1")
      local function sent(headers)
        return assert(sender:send({ url = server.url .. "/echo", headers = headers }))
          .content.headers.cookie
      end
      local jar = cookies and "jar=1; " or ""
      assert.same({ jar .. "own=2" }, sent({ Cookie = "own=2" }))
      assert.same({ jar .. "a=1; b=2; c=3" }, sent({ { "cookie", { "a=1; b=2", "" } }, { "X", "y" },
        { "COOKIE", " c=3 " } }))
      assert.same(cookies and { "jar=1" } or nil, sent(nil))
    end
  end)

  it("takes no cookies for libcurl, which would send them to every host", function()
    assert.has_error(function() Session({ curl = { COOKIE = "id=secret" } }) end,
      "Session: the option 'COOKIE' is viesti's own to set")
  end)

  it("takes cookies for cookies, never for libcurl's commands", function()
    local session <close> = Session({ cookies = true })
    session:add_cookie("Set-Cookie: a=b; domain=example.org")
    local before = session:cookies()
    assert.equal(1, #before)
    for _, word in ipairs({ "ALL", "SESS", "FLUSH", "RELOAD" }) do
      session:add_cookie(word)
      assert.same(before, session:cookies())
    end
  end)

  it("warns when certificates are not checked", function()
    local message
    local before = viesti.InsecureWarning:set(function(text) message = text end)
    Session({ verify = false })
    viesti.InsecureWarning:set(before)
    assert.equal("certificates are not checked (verify = false)", message)
  end)

  it("refuses options of libcurl that would undo a promise, however they are written", function()
    for _, name in ipairs({ "SSL_VERIFYPEER", "ssl_verifyhost", "PROXY_SSL_VERIFYPEER",
      "FAILONERROR", "PORT", "CAINFO", "MAXFILESIZE" }) do
      for _, value in ipairs({ 0, "x" }) do
        assert.error_matches(function() Session({ curl = { [name] = value } }) end,
          ("the option '%s' is viesti's own to set"):format(name:upper()))
      end
    end
  end)

  it("shows no secrets", function()
    local session = Session({ proxy = "http://me:hush@h",
      curl = { PROXYUSERPWD = "me:hush", TCP_NODELAY = 1 } })
    assert.not_matches("hush", tostring(session))
    local described = session:describe()
    assert.same({ "<hidden>", "<hidden>", 1 },
      { described.proxy, described.curl.PROXYUSERPWD, described.curl.TCP_NODELAY })
    local sender = viesti.SyncSender({ curl = { PROXYHEADER = { "Proxy-Authorization: hush" } } })
    assert.equal('SyncSender{ curl = { PROXYHEADER = "<hidden>" } }', tostring(sender))
    assert.same({ PROXYHEADER = "<hidden>" }, sender.session:describe().curl)
  end)

  it("takes whole numbers for integers, however they are written", function()
    local session = Session({ max_body = 1e6, max_connections = 2 ^ 5,
      curl = { UPLOAD_BUFFERSIZE = 2e4 } })
    local described = session:describe()
    assert.equal("integer", math.type(described.max_body))
    assert.same({ 1000000, 32 }, { described.max_body, described.max_connections })
    assert.has_error(function() Session({ curl = { UPLOAD_BUFFERSIZE = 1.5 } }) end,
      "Session: the option 'UPLOAD_BUFFERSIZE' must be an integer, a boolean, a string or a list "
        .. "of strings")
  end)

  it("refuses options of the wrong type or out of range", function()
    local cases = {
      { { timeout = "5" }, 'Session: timeout must be a number of 0 or more, got "5" '
        .. "(timeout: seconds for a whole exchange; 0 for no limit)" },
      { { max_body = "1 MB" }, 'Session: max_body must be an integer of 1 or more, got "1 MB" '
        .. "(max_body: bytes of a decoded body; a larger one is the error too_large)" },
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
