local viesti = require "viesti"

describe("Error", function()
  it("is what senders of one's own return, and prints as a sentence", function()
    local request = viesti.Request("GET", "http://h/")
    local err = viesti.Error("timeout", "the disk took too long", request)
    assert.same({ "timeout", "the disk took too long", "no", false, 0 },
      { err.kind, err.message, err.sent, err.retryable, err.code })
    assert.equal(request, err.request)
    assert.equal("timeout: the disk took too long (GET http://h/)", tostring(err))
  end)

  it("has one of the kinds", function()
    assert.has_error(function() viesti.Error("tired", "no") end, "Error: there is no kind 'tired'")
    assert.has_error(function() viesti.Error("timeout") end,
      "Error: message is missing, it must be a string")
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
