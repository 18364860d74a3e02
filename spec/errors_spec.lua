local viesti = require "viesti"
local fixture = require "spec.support.fixture"

describe("Error", function()
  it("is what senders of one's own return, and prints as a sentence", function()
    local request = viesti.Request("GET", "http://h/")
    local err = viesti.Error("timeout", "the disk took too long", request)
    assert.same({ "timeout", "the disk took too long", "no", false, 0 },
      { err.kind, err.message, err.sent, err.retryable, err.code })
    assert.equal(request, err.request)
    assert.equal("timeout: the disk took too long (GET http://h/)", tostring(err))
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

  it("has one of the kinds", function()
    assert.has_error(function() viesti.Error("tired", "no") end, "Error: there is no kind 'tired'")
    assert.has_error(function() viesti.Error("timeout") end,
      "Error: message is missing, it must be a string")
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
