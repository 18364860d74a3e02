local certificates = require("spec.support.certificates")
local command = require("spec.support.command")
local deaf_port = require("spec.support.deaf_port")
local declarations = require("viesti.command.declarations")
local fixture = require("spec.support.fixture")
local free_port = require("spec.support.free_port")
local nginx = require("spec.support.nginx")
local tls_server = require("spec.support.tls_server")

describe("The command viesti", function()
  local server, other = fixture.origin(), fixture.origin()

  local function last()
    local requests = server:requests()
    return requests[#requests]
  end

  local function refused(code, sentence, ...)
    local result = command.run({ ... })
    assert.same({ code = code, out = "", err = "viesti: " .. sentence .. "\n" }, result)
  end

  it("prints what is there, and nothing else", function()
    server:route("/a", { body = "hello\n" })
    assert.same({ code = 0, out = "hello\n", err = "" }, command.run({ server.url .. "/a" }))
  end)

  it("sends what curl would: method, fields, forms and JSON", function()
    command.run({ "-X", "PUT", "-H", "X-One: 1", "-HUser-Agent:", server.url .. "/echo" })
    assert.same({ "PUT", "1" }, { last().method, last().header("X-One") })
    assert.is_nil(last().header("User-Agent"))
    command.run({ "-d", "a=b", "--data=c=d", server.url .. "/echo" })
    assert.same({ "POST", "a=b&c=d", "application/x-www-form-urlencoded" },
      { last().method, last().body, last().header("Content-Type") })
    command.run({ "--json", '{"a":1}', server.url .. "/echo" })
    assert.same({ "POST", '{"a":1}', "application/json", "application/json" }, { last().method,
      last().body, last().header("Content-Type"), last().header("Accept") })
    command.run({ "-d", "@-", "-H", "content-type: text/plain", server.url .. "/echo" },
      { stdin = "from\nhere" })
    assert.same({ "from\nhere", "text/plain" }, { last().body, last().header("Content-Type") })
  end)

  it("follows redirects, and says so where it may not", function()
    server:route("/old", { status = 302, headers = { { "Location", "/echo" } } })
    assert.matches('"target":"\\/echo"', command.run({ server.url .. "/old" }).out)
    server:route("/older", { status = 302, headers = { { "Location", "/old" } } })
    assert.equal(47, command.run({ "--max-redirs", "1", server.url .. "/older" }).code)
  end)

  it("takes curl's options for what it does anyway", function()
    server:route("/old", { status = 302, headers = { { "Location", "/new" } } })
    server:route("/new", { body = "new" })
    assert.same({ code = 0, out = "new", err = "" },
      command.run({ "-fsSL", "--compressed", server.url .. "/old" }))
    assert.equal(0, command.run({ "-sS", "--location", server.url .. "/old" }).code)
  end)

  it("takes no field with a secret to another origin", function()
    server:route("/away", { status = 302, headers = { { "Location", other.url .. "/echo" } } })
    command.run({ "-H", "Authorization: a", "-H", "X-Api-Key: b", "-H", "Private-Token: c",
      "-H", "X-Plain: d", server.url .. "/away" })
    local there = other:requests()[1]
    assert.same({ nil, nil, nil, "d" }, { there.header("Authorization"),
      there.header("X-Api-Key"), there.header("Private-Token"), there.header("X-Plain") })
    assert.same({ "a", "b", "c" }, { last().header("Authorization"), last().header("X-Api-Key"),
      last().header("Private-Token") })
  end)

  it("shows a redirect that it is not to follow", function()
    server:route("/old", { status = 302, headers = { { "Location", "/echo" } }, body = "moved" })
    assert.same({ code = 0, out = "moved", err = "" },
      command.run({ "--max-redirs", "0", server.url .. "/old" }))
  end)

  it("sends a form with files", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write("in the file"):flush()
    assert.equal(0, command.run({ "-F", "title=A=B", "--form", "page=@" .. path .. ";type=text/x-a",
      "-F", "note=@-", server.url .. "/echo" }, { stdin = "from here" }).code)
    os.remove(path)
    assert.matches("^multipart/form%-data; boundary=", last().header("Content-Type"))
    for _, part in ipairs({ 'name="title"\r\n\r\nA=B\r\n', 'name="note"\r\n\r\nfrom here\r\n',
      'filename="' .. path:match("[^/]*$")
        .. '"\r\nContent-Type: text/x-a\r\n\r\nin the file\r\n' }) do
      assert.is_truthy(last().body:find(part, 1, true), last().body)
    end
    refused(2, "-F wants 'name=text' or 'name=@FILE', got 'x'", "-F", "x", server.url .. "/")
    refused(2, "--data and --form are both given, a request has one body", "-F", "a=b", "-d", "c",
      server.url .. "/")
  end)

  it("says who is asking, to the hosts of its URLs alone", function()
    other:route("/echo", { body = "there" })
    server:route("/away", { status = 302, headers = { { "Location", other.url .. "/echo" } } })
    command.run({ "-u", "me:pass:word", server.url .. "/echo" })
    assert.equal("Basic bWU6cGFzczp3b3Jk", last().header("Authorization"))
    assert.equal("there", command.run({ "--user", "me:x", server.url .. "/away" }).out)
    assert.equal("Basic bWU6eA==", last().header("Authorization"))
    assert.is_nil(other:requests()[1].header("Authorization"))
    command.run({ "-u", "@-", server.url .. "/echo" }, { stdin = "me:x\nmore" })
    assert.equal("Basic bWU6eA==", last().header("Authorization"))
    refused(2, "-u wants USER:PASSWORD, there is no colon", "-u", "me", server.url .. "/")
  end)

  it("tries again what failed on the way", function()
    server:route("/flaky", { { status = 503 }, { body = "well" } })
    assert.equal("well", command.run({ server.url .. "/flaky" }).out)
    server:route("/flaky", { { status = 503, body = "ill" }, { body = "well" } })
    assert.equal("ill", command.run({ "--retry", "0", server.url .. "/flaky" }).out)
  end)

  it("takes a status for no failure, unless asked to", function()
    assert.same({ code = 0, out = "404\n", err = "" }, command.run({ server.url .. "/status/404" }))
    for _, arguments in ipairs({ { "-f" }, { "--fail" }, { "-fsS" } }) do
      arguments[#arguments + 1] = server.url .. "/status/404"
      local result = command.run(arguments)
      assert.same({ 22, "" }, { result.code, result.out })
      assert.matches("^viesti: 404.* for http.*/status/404\n$", result.err)
    end
    assert.same({ code = 22, out = "", err = "" },
      command.run({ "-fs", server.url .. "/status/404" }))
  end)

  describe("ends with curl's exit code", function()
    local cases = {
      [6] = function() return "http://name.invalid/" end,
      [7] = function() return "http://127.0.0.1:" .. free_port() .. "/" end,
      [1] = function() return { raw = "what?\r\n\r\n", close = "silent" } end,
      [18] = function() return { body = ("x"):rep(100), after = 90, close = "silent" } end,
      [52] = function() return { close = "silent" } end,
      [56] = function() return { reset = true } end,
    }

    for code, make in pairs(cases) do
      it(("%d, and one line that says what happened"):format(code), function()
        local where = make()
        if type(where) == "table" then
          server:route("/case", where)
          where = server.url .. "/case"
        end
        local result = command.run({ "--retry", "0", "-o", "/dev/null", where })
        assert.equal(code, result.code, result.err)
        assert.matches("^viesti: %a[^\n]+\n$", result.err)
      end)
    end

    it("28 where it takes too long", function()
      local port <close> = deaf_port()
      assert.equal(28, command.run({ "--retry", "0", "--connect-timeout", "0.1",
        "http://127.0.0.1:" .. port.port .. "/" }).code)
      server:route("/slow", { hang = true })
      local result = command.run({ "-m", "0.1", server.url .. "/slow" })
      assert.equal(28, result.code)
      assert.matches("deadline: not done within 0.1 s (--max-time) (GET", result.err, 1,
        true)
    end)

    it("35 where there is no TLS, and 60 where a certificate is not to be trusted", function()
      local web <close> = nginx.start({ http = tls_server({ name = "tls",
        certificate = certificates.make().good }) })
      local url = "https://127.0.0.1:" .. web.ports.tls .. "/text.txt"
      assert.equal(35, command.run({ "--retry", "0", (web.url:gsub("^http", "https")) }).code)
      assert.equal(60, command.run({ "--retry", "0", url }).code)
      assert.same({ 0, "" }, { command.run({ "-k", "-o", "/dev/null", url }).code, command.run({
        "--cacert", certificates.make().ca, "-o", "/dev/null", url }).err })
    end)

    it("23 where what comes cannot be written", function()
      server:route("/a", { body = ("x"):rep(100000) })
      for _, path in ipairs({ "/nowhere/at/all", "/dev/full" }) do
        local result = command.run({ "-o", path, server.url .. "/a" })
        assert.equal(23, result.code)
        assert.matches("^viesti: [^\n]+\n$", result.err)
        assert.is_truthy(result.err:find(path, 1, true), result.err)
      end
      local result = command.run({ server.url .. "/a" }, { after = ">/dev/full" })
      assert.same({ 23, "viesti: standard output: No space left on device\n" },
        { result.code, result.err })
    end)

    it("26 where what is to be sent cannot be read", function()
      refused(26, "multipart: part 1: /nowhere: No such file or directory", "-F", "a=@/nowhere",
      server.url)
    refused(26, "/nowhere cannot be read: No such file or directory", "-d", "@/nowhere",
        server.url)
    end)

    it("that of the first that failed, of many", function()
      local result = command.run({ "-f", "--retry", "0", server.url .. "/json",
        server.url .. "/status/404", "http://127.0.0.1:" .. free_port() })
      assert.equal(22, result.code)
      assert.equal(2, select(2, result.err:gsub("viesti: ", "")))
    end)
  end)

  it("says what there is instead of an option of curl's, which it has not itself", function()
    refused(2, "there is no option -I: -X HEAD -v asks for a head and tells it", "-sSfI",
      server.url)
    refused(2, "there is no option --user-agent: -H 'User-Agent: ...'", "--user-agent=me",
      server.url)
    refused(2, "there is no option --cert: a chain file can say it (-c), as client_cert of its "
      .. "sender", "--cert", "me.pem", server.url)
    refused(2, "there is no option -L", "check", "-L", "chain.lua")
    local fetch = declarations.fetch
    for _, foreign in ipairs(fetch.foreign) do
      for _, own in ipairs(fetch.options) do
        assert.is_false(own.long == foreign.long or (own.short or "") == foreign.short, own.long)
      end
    end
  end)

  it("refuses in one sentence what makes no sense", function()
    refused(2, "there is no option --jsn, did you mean --json?", "--jsn", "1", server.url)
    refused(2, "there is no option -q", "-sq", server.url)
    refused(2, "-o needs a value: FILE", server.url, "-o")
    refused(2, "-o wants the name of a file, or -", server.url, "-o", "")
    refused(2, "--silent takes no value", "--silent=yes", server.url)
    refused(2, "--parallel must be an integer of 1 or more, got '0'", "-P0", server.url)
    refused(2, "--retry must be an integer of 0 or more, got '-1'", "--retry", "-1", server.url)
    refused(2, "--max-time must be a number of 0 or more, in seconds, got '10s'", "-m", "10s",
      server.url)
    refused(2, "-H wants 'Name: value', got 'nonsense'", "-H", "nonsense", server.url)
    refused(2, "--data and --json are both given, a request has one body", "-d", "a", "--json", "1",
      server.url)
    refused(2, "standard input cannot be both the URLs and what is sent", "-d", "@-")
    refused(2, "there is no URL (viesti help says what else there may be)")
    refused(2, "--retry does not go with -c: the file says that", "-c", "x.lua", "--retry", "1",
      server.url)
    refused(3, "the URL 'example.org' has no scheme (http or https)", "example.org")
    refused(3, "the URL's scheme is 'ftp', only http and https are allowed", "ftp://a/")
    assert.equal(0, #server:requests())
  end)

  it("fetches the others where one URL of many is none, and skips empty lines", function()
    server:route("/a", { body = "a" })
    server:route("/c", { body = "c" })
    local result = command.run({ "-P", "2", "-u", "me:pw" },
      { stdin = ("%s/a\n%s/a b\n\n%s/c\n"):format(server.url, server.url, server.url) })
    assert.same({ 3, "ac" }, { result.code, result.out })
    assert.matches("^viesti: URL 2 of 3: the URL has a space", result.err)
    refused(3, "URL 1 of 2: the URL's scheme is 'ftp', only http and https are allowed\n"
      .. "viesti: URL 2 of 2: the URL 'h' has no scheme (http or https)", "-u", "me:pw", "ftp://a/",
      "h")
  end)

  it("prints help and its version", function()
    assert.matches("^viesti %d+%.%d+%.%d+ %(", command.run({ "--version" }).out)
    local help = command.run({ "help" })
    assert.same({ 0, "" }, { help.code, help.err })
    assert.equal(help.out, command.run({ "--help" }).out)
    for line in help.out:gmatch("[^\n]+") do
      assert.is_true(#line <= 80, line)
    end
    assert.matches("--parallel N", help.out, 1, true)
    assert.matches("^Usage: viesti cache", command.run({ "help", "cache" }).out)
    assert.matches("^Usage: viesti check", command.run({ "check", "-h" }).out)
    refused(2, "there is no command 'chek', did you mean 'check'?", "help", "chek")
    refused(2, "there is no command 'chek', did you mean 'check'?", "chek", "relay.lua")
  end)

  it("runs from anywhere, without being told where its modules are", function()
    if os.getenv("RUN_UNDER") or (os.getenv("BUILD") or "build"):find("asan") then
      return -- they are told there
    end
    local result = command.shell("env -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 -u LUA_CPATH_5_4 "
      .. require("lfs").currentdir() .. "/bin/viesti --version", "/")
    assert.same({ 0, "" }, { result.code, result.err })
  end)

  describe("with -v", function()
    it("tells on standard error what goes over the wire, without secrets", function()
      server:route("/v", { headers = { { "X-Said", "by \27[31mthe server" },
        { "Set-Cookie", "id=hunter2" } }, body = "x" })
      local result = command.run({ "-v", "-H", "Authorization: Bearer hunter2", "-H", "X-Mine: 1",
        server.url .. "/v?token=hunter2" })
      assert.equal("x", result.out)
      assert.is_nil(result.err:find("hunter2", 1, true))
      assert.is_nil(result.err:find("\27", 1, true))
      for _, line in ipairs({ "> GET " .. server.url .. "/v?token=REDACTED", "> X-Mine: 1",
        "> Authorization: REDACTED", "< HTTP/1.1 200 OK", "< X-Said: by ?[31mthe server",
        "< Set-Cookie: REDACTED" }) do
        assert.matches("\n" .. line .. "\n", "\n" .. result.err, 1, true)
      end
    end)

    it("tells of each attempt, and whose it is", function()
      server:route("/flaky", { { status = 503 }, { body = "well" } })
      local result = command.run({ "-v", server.url .. "/flaky", server.url .. "/json" })
      assert.matches("[1] < HTTP/1.1 503", result.err, 1, true)
      assert.matches("[2] < HTTP/1.1 200", result.err, 1, true)
      assert.matches("[3] > GET " .. server.url .. "/json", result.err, 1, true)
      assert.matches("\n%* GET " .. server.url .. "/flaky again in [%d.]+ m?s\n", result.err)
    end)

    it("tells how long it waits before the next one", function()
      server:route("/flaky", { { status = 503 }, { body = "well" } })
      local result = command.run({ "-v", server.url .. "/flaky" })
      assert.matches("\n%* again in [%d.]+ m?s\n> GET ", result.err)
    end)
  end)

  it("says after how many attempts it has given up", function()
    server:route("/down", { status = 503, headers = { { "Retry-After", "0" } } })
    assert.matches("^viesti: 503.* for " .. server.url .. "/down, after 2 attempts\n$",
      command.run({ "-f", "--retry", "1", server.url .. "/down" }).err)
    assert.matches("^viesti: connect: .*, after 2 attempts %(GET http://127.0.0.1:1/%)\n$",
      command.run({ "--retry", "1", "http://127.0.0.1:1/" }).err)
  end)

  it("counts, with --stats", function()
    server:route("/flaky", { { status = 503 }, { body = "well" } })
    local result = command.run({ "--stats", "-f", server.url .. "/flaky",
      server.url .. "/status/404" })
    assert.same({ 22, "well" }, { result.code, result.out })
    for name, number in pairs({ requests = 2, ["on the wire"] = 3, hits = 0, retries = 1,
      failed = 1, bytes = 4 }) do
      assert.matches(("\n%-12s%d\n"):format(name, number), "\n" .. result.err, 1, true)
    end
    assert.matches("\ntime        min [%d.]+ m?s, 50%% [%d.]+ m?s, 90%% .*, 99%% .*, "
      .. "max [%d.]+ m?s\n$", result.err)
  end)

  it("writes a HAR file, which has no secrets", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    assert.equal(0, command.run({ "--har", path, "-H", "Cookie: hunter2", "-o", "/dev/null",
      server.url .. "/json" }).code)
    local text = io.open(path):read("a")
    local log = require("cjson").decode(text).log
    assert.equal(server.url .. "/json", log.entries[1].request.url)
    assert.is_nil(text:find("hunter2", 1, true))
    refused(23, "Har: /nowhere/a.har: No such file or directory", "--har", "/nowhere/a.har",
      server.url)
    assert.equal(23,
      command.run({ "--har", "/dev/full", "-o", "/dev/null", server.url .. "/json" }).code)
  end)

  describe("with -c", function()
    local path

    before_each(function()
      path = os.tmpname()
    end)

    after_each(function()
      os.remove(path)
    end)

    local function write(text)
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
    end

    for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
      it(("sends through the chain of a file, over %s, and sees what goes out of it"):format(kind),
        function()
          write(("return chain { DefaultsSender { headers = { ['X-From'] = 'the file' } }, %s {} }")
            :format(kind))
          local result = command.run({ "-c", path, "--stats", "-v", server.url .. "/echo" })
          assert.equal(0, result.code, result.err)
          assert.equal("the file", last().header("X-From"))
          assert.matches("> X-From: the file", result.err, 1, true)
          assert.matches("on the wire 1", result.err, 1, true)
          assert.is_nil(result.err:find("Warning"))
        end)
    end

    it("has hits of a cache in memory", function()
      server:route("/fresh", { headers = { { "Cache-Control", "max-age=60" } }, body = "x" })
      write("return chain { CachingSender {}, SyncSender {} }")
      local result = command.run({ "-c", path, "--stats", server.url .. "/fresh",
        server.url .. "/fresh" })
      assert.equal("xx", result.out)
      assert.matches("on the wire 1\nhits        1\n", result.err, 1, true)
    end)

    it("says what is wrong with the file, and where", function()
      write("return chain {\n  RetryingSender { retrys = 3 },\n}")
      local result = command.run({ "-c", path, server.url })
      assert.same({ 2, "" }, { result.code, result.out })
      assert.matches("^viesti: [^\n]*:2: RetryingSender: there is no option \"retrys\"[^\n]*\n$",
        result.err)
      refused(2, "/nowhere.lua: No such file or directory", "-c", "/nowhere.lua", server.url)
      refused(2, "/: Is a directory", "-c", "/", server.url)
    end)

    for _, case in ipairs({
      { "local x; return x.y", "script: [^\n]*:2: attempt to index a nil value %(local 'x'%)" },
      { "error({ code = 1 })", "script: it raised a table instead of a sentence" },
      { "return nil, 'no luck'", "script: no luck" },
      { "return nil", "script: send of Client returned nil and no error" },
      { "return 5", "script: [^\n]* must return a Response, or nil and an error, it returned 5" },
    }) do
      it(("42, and one line, where code in it fails: %s"):format(case[1]), function()
        write(("local Own = ExtendingSender:extend 'Own'\nfunction Own:send(request) %s end\n"
          .. "return chain { Own {}, SyncSender {} }"):format(case[1]))
        local result = command.run({ "-c", path, server.url .. "/echo" })
        assert.same({ 42, "" }, { result.code, result.out })
        assert.matches("^viesti: " .. case[2] .. "[^\n]*\n$", result.err)
      end)
    end

    it("and viesti check shows it", function()
      write("return chain { RetryingSender { retries = 2 }, CachingSender {}, SyncSender {} }")
      local result = command.run({ "check", path })
      assert.equal(0, result.code)
      assert.matches("RetryingSender.*retries = 2.*CachingSender.*SyncSender.*timeout = 60",
        result.out)
      assert.is_nil(result.out:find("warning", 1, true))
      assert.matches("^viesti: warning: RetryingSender stands outside CachingSender[^\n]+\n$",
        result.err)
      write('return CachingSender { partition = "\\nwarning: x", ttl = nowhere }')
      result = command.run({ "check", path })
      assert.matches('^viesti: warning: [^\n]*"nowhere" is nil[^\n]*\n$', result.err)
      write("return 1")
      result = command.run({ "check", path })
      assert.same({ 2, "" }, { result.code, result.out })
      assert.matches("^viesti: [^\n]+\n$", result.err)
      refused(2, "check needs the name of one file", "check")
    end)

    it("and viesti check --untrusted checks it as one that nobody vouches for", function()
      write("return RetryingSender { policy = function() end }")
      assert.equal(0, command.run({ "check", path }).code)
      local result = command.run({ "check", "--untrusted", path })
      assert.same({ 2, "" }, { result.code, result.out })
      assert.matches("^viesti: [^\n]*: an untrusted chain may hold data only[^\n]*\n$", result.err)
    end)

    it("and a name that means nothing is told of in a line", function()
      write("return SyncSender { user_agent = nowhere }")
      local result = command.run({ "-c", path, server.url .. "/echo" })
      assert.equal(0, result.code)
      assert.equal(("viesti: %s:1: \"nowhere\" is nil, for nothing has that name\n"):format(path),
        result.err)
    end)
  end)
end)
