require "viesti"
local redaction = require "viesti.tracing.redaction"

describe("Redaction", function()
  local rules = redaction.new { "pin", "X-Mine" }

  it("takes user, password and secret parameters out of a URL", function()
    assert.equal("https://***@h/x?a=1&access_token=REDACTED&b#f",
      rules:url "https://u:p@h/x?a=1&access_token=zz&b#f")
    assert.equal("/x?sig=REDACTED&PIN=REDACTED", rules:url "/x?sig=1&PIN=2")
    assert.equal("/x?%74oken=REDACTED", rules:url "/x?%74oken=1")
    assert.equal("/x?token=REDACTED", rules:url "/x?token=1==")
    assert.equal("/x?token=&tokens=2&a=token", rules:url "/x?token=&tokens=2&a=token")
    assert.equal("/token=1", rules:url "/token=1")
  end)

  it("takes the values of secret header fields, and secrets out of URLs in them", function()
    assert.equal("REDACTED", rules:field("AUTHORIZATION", "Bearer x"))
    assert.equal("REDACTED", rules:field("x-mine", "x"))
    assert.equal("REDACTED", rules:field("X-Own", "x", { "x-own" }))
    assert.equal("x", rules:field("X-Own", "x"))
    for name, is_secret in pairs({ ["Private-Token"] = true, ["X-Vault-Token"] = true,
      ["X-Goog-Api-Key"] = true, ["Ocp-Apim-Subscription-Key"] = true, ["X-Client-Secret"] = true,
      ["X-Next-Page-Token"] = false, ["X-Tokens"] = false, ["Surrogate-Key"] = false,
      ["Idempotency-Key"] = false, ["Sec-WebSocket-Key"] = false }) do
      assert.equal(is_secret and "REDACTED" or "x", rules:field(name, "x"), name)
    end
    for given, shown in pairs({ ["/?token=x"] = "/?token=REDACTED", ["//u:p@h/"] = "//***@h/",
      ["https:///u:p@h/?pin=1"] = "https:///***@h/?pin=REDACTED", ["///u:p@h"] = "///***@h",
      ["http:/u:p@h"] = "***@h", ["/x?a=//b@c"] = "/x?a=//b@c",
      ["/users/a@b.c/x?pin=1"] = "/users/a@b.c/x?pin=REDACTED", ["/\\u:p@h/"] = "***@h/",
      ["/\t/u:p@h/"] = "***@h/" }) do
      assert.equal(shown, rules:field("Location", given))
    end
  end)

  it("takes secret members of JSON, wherever they are, and leaves all other bytes", function()
    for text, expected in pairs {
      ['{ "token" : "a\\"b\\\\", "a":1.50}'] = '{ "token" : "REDACTED", "a":1.50}',
      ['[{"a":{"pin":-12.5e3}}]'] = '[{"a":{"pin":"REDACTED"}}]',
      ['{"token":null,"secret":{"a":"b"},"password":true}']
        = '{"token":null,"secret":{"a":"b"},"password":true}',
      ['{"a":"token","b":"\\"token\\": \\"x\\""}'] = '{"a":"token","b":"\\"token\\": \\"x\\""}',
      ['{"token":"cut off'] = '{"token":"REDACTED"',
      ['{"to\\u006Ben":"x","a\\u0062":"x"}'] = '{"to\\u006Ben":"REDACTED","a\\u0062":"x"}',
    } do
      assert.equal(expected, rules:body(text, "application/problem+json; charset=utf-8"))
      assert.equal(expected, rules:body(text))
    end
  end)

  it("looks into forms, and into nothing that is of another type", function()
    assert.equal("a=b&client_secret=REDACTED",
      rules:body("a=b&client_secret=c+d", "application/x-www-form-urlencoded"))
    assert.equal('{"token":"x"}', rules:body('{"token":"x"}', "text/plain"))
  end)

  it("takes time in proportion to the text", function()
    local long = ("x"):rep(1000000)
    assert.equal(long, rules:body(long, "application/x-www-form-urlencoded"))
    assert.equal('{"' .. long, rules:body('{"' .. long))
    local quotes = ('"'):rep(1000000)
    assert.equal(quotes, rules:body(quotes, "application/json"))
  end)
end)
