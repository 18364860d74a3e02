local viesti = require "viesti"
local fixture = require "spec.support.fixture"

describe("Error", function()
  it("is what senders of one's own return, and prints as a sentence", function()
    local request = viesti.Request("GET", "http://h/")
    local err = viesti.Error("timeout", "the disk took too long", request)
    assert.same({ "timeout", "the disk took too long", "maybe", true, 0 },
      { err.kind, err.message, err.sent, err.retryable, err.code })
    assert.equal(request, err.request)
    assert.equal("timeout: the disk took too long (GET http://h/)", tostring(err))
  end)

  it("says, unless told, what is usual for its kind: whether it may have arrived", function()
    local post = viesti.Request { method = "POST", url = "http://h/" }
    for kind, sent in pairs { connect = "no", resolve = "no", tls = "no", circuit_open = "no",
      rate_limited = "no", reset = "maybe", timeout = "maybe", script = "maybe" } do
      assert.equal(sent, viesti.Error(kind, "x").sent)
      assert.equal(sent, viesti.Error(kind, "x", post).sent)
    end
    assert.is_true(viesti.Error("connect", "x", post).retryable)
    assert.is_false(viesti.Error("reset", "x", post).retryable)
    assert.is_true(viesti.Error("reset", "x", post:with { idempotent = true }).retryable)
    assert.equal("no", viesti.Error("reset", "x", post, "no").sent)
  end)

  it("says how many attempts came to it, where there were several", function()
    local function failure(retries)
      local sender <close> = viesti.RetryingSender { retries = retries, backoff = { base = 0 } }
      return tostring(select(2, sender:send { url = "http://127.0.0.1:1/" }))
    end
    assert.matches("^connect: .*%), after 3 attempts %(GET http://127.0.0.1:1/%)$", failure(2))
    assert.is_nil(failure(0):find("attempt", 1, true))
  end)

  it("is joined to text as the sentence that it prints as", function()
    local err = viesti.Error("timeout", "the disk took too long")
    assert.equal("no title: timeout: the disk took too long!", "no title: " .. err .. "!")
    assert.equal(tostring(err):rep(2), err .. err)
  end)

  it("says all that it has to say, whatever fields are added to it", function()
    local err = viesti.Error("script", "wrong body", viesti.Request { url = "http://h/" })
    err.response, err.place, err.attempts = viesti.Response {}, "here: ", { err, err }
    assert.equal("script: wrong body, after 2 attempts (GET http://h/)", tostring(err))
  end)

  it("about a response begins with where it was raised, if that is known in words", function()
    local ok, err = pcall(function() viesti.Response { status_code = 404 }:raise_for_status() end)
    assert.is_false(ok)
    assert.matches("^spec/errors_spec.lua:%d+: 404 for ", tostring(err))
    err.place = {}
    assert.matches("^404 for ", tostring(err))
  end)

  it("has one of the kinds", function()
    assert.has_error(function() viesti.Error("tired", "no") end, "Error: there is no kind 'tired'")
    assert.has_error(function() viesti.Error("timeout") end,
      "Error: message is missing, it must be a string")
  end)
end)

describe("User and password in a URL", function()
  local URL = "http://me:hush@127.0.0.1:1/"

  -- Senders whose every error has the request in it.
  local function senders()
    local function refusing(options)
      return viesti.MockSender { routes = { { answer = options } } }
    end
    local silent = refusing { error = "timeout" }
    return {
      viesti.SyncSender(), viesti.AsyncSender(), silent, viesti.MockSender { routes = {} },
      viesti.RetryingSender { sender = silent }, viesti.CachingSender { sender = silent },
      viesti.RedirectingSender { sender = refusing { status_code = 302,
        headers = { Location = "ftp://me:hush@h/" } } },
      viesti.RedirectingSender { max_redirects = 0, sender = refusing { status_code = 302,
        headers = { Location = URL } } },
      viesti.RateLimitingSender { rate = 0.001, max_wait = 0, sender = silent },
      viesti.CircuitBreakingSender { minimum = 1, ratio = 0.1, sender = silent },
      viesti.DefaultsSender { base_url = URL .. "api", sender = silent },
    }
  end

  it("are in no error", function()
    for _, sender in ipairs(senders()) do
      for _, url in ipairs { URL, URL, sender.base_url and "../other" } do
        local response, err = sender:send { url = url }
        assert.is_nil(response)
        assert.not_matches("hush", tostring(err), tostring(sender))
        assert.not_matches("hush", err.message, tostring(sender))
      end
      sender:close()
    end
  end)

  it("are in no sentence about a call that makes no sense", function()
    for _, call in ipairs {
      function() return viesti.Request { url = URL:gsub("http", "ftp") } end,
      function() return viesti.Request { url = URL .. " " } end,
      function() return viesti.Request { url = "me:hush@h/" } end,
      function() return viesti.Request { url = URL, method = "A B" } end,
      function() return viesti.DefaultsSender { base_url = URL .. "?a" } end,
      function() return viesti.FailoverSender { origins = { URL } } end,
      function() return viesti.FailoverSender { origins = { "me:hush@h" } } end,
      function() return viesti.AuthenticatingSender { bearer = "x", origins = { "me:hush@h" } } end,
      function() return viesti.AuthenticatingSender { bearer = "x", origins = { URL } } end,
      function() return viesti.Session { proxy = "ftp://me:hush@h" } end,
      function() return viesti.Session { resolve = { URL } } end,
    } do
      local ok, reason = pcall(call)
      assert.is_false(ok)
      assert.not_matches("hush", reason)
    end
  end)

  it("are not printed, checked or described with what holds the URL", function()
    local chain = viesti.DefaultsSender { base_url = URL, sender = viesti.SyncSender() }
    assert.equal('DefaultsSender{ base_url = "http://***@127.0.0.1:1/", sender = SyncSender() }',
      tostring(chain))
    assert.equal("http://***@127.0.0.1:1/", chain:describe().options.base_url)
    assert.equal("Request(GET http://***@127.0.0.1:1/)", tostring(viesti.Request { url = URL }))
    assert.equal("Response(200 http://***@127.0.0.1:1/)",
      tostring(viesti.Response { url = URL }))
    local _, text = viesti.check("return DefaultsSender { base_url = '" .. URL .. "' }")
    assert.matches("base_url = ", text)
    assert.not_matches("hush", text)
  end)
end)

describe("What libcurl says in words of its own", function()
  local server = fixture.origin()

  it("of a length that is none is said in ours", function()
    local sender <close> = viesti.SyncSender()
    for _, length in ipairs({ "-5", "x", "" }) do
      server:route("/odd", { raw = ("HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nhello"):format(
        length), close = true })
      local _, err = sender:send({ url = server.url .. "/odd" })
      assert.equal("protocol: Content-Length is no length", tostring(err):match "^(.-) %(")
    end
  end)

  it("of a host that is not ASCII says what to do", function()
    local sender <close> = viesti.SyncSender()
    local function failure()
      local _, err = sender:send { url = "http://b\u{fc}cher.invalid/" }
      return err
    end
    local before = os.setlocale(nil, "ctype")
    assert(os.setlocale("C", "ctype"))
    local err = failure()
    assert.same({ "refused", "no" }, { err.kind, err.sent })
    assert.equal("the host's name is not ASCII, and could not be encoded: call "
      .. 'os.setlocale("C.UTF-8") before, or write it as xn--...', err.message)
    assert(os.setlocale("C.UTF-8", "ctype"))
    err = failure()
    os.setlocale(before, "ctype")
    assert.equal("resolve", err.kind)
  end)
end)

describe("the answer of an inner sender", function()
  local function answering(...)
    local answer = table.pack(...)
    local Answering = viesti.Sender:extend("Answering")
    function Answering.send()
      return table.unpack(answer, 1, answer.n)
    end
    return Answering()
  end

  it("may be an error in words, which becomes an error object", function()
    for _, layer in ipairs({ viesti.RetryingSender, viesti.CachingSender }) do
      local sender = layer({ sender = answering(nil, "no luck") })
      local response, err = sender:send({ url = "http://h/" })
      assert.is_nil(response)
      assert.equal("script: no luck (GET http://h/)", tostring(err))
    end
  end)

  it("is refused by name if it is no answer", function()
    for _, layer in ipairs({ viesti.RetryingSender, viesti.CachingSender }) do
      assert.error_matches(function()
        layer({ sender = answering(5) }):send({ url = "http://h/" })
      end, "send of the inner Answering must return a Response, or nil and an error, "
        .. "it returned 5")
    end
  end)
end)
