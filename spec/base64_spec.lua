local base64 = require("viesti.message.base64")

describe("base64", function()
  it("encodes the examples of RFC 4648 10", function()
    for bytes, text in pairs({ [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" }) do
      assert.equal(text, base64(bytes))
    end
  end)

  it("encodes any byte", function()
    assert.equal("AAr/+/8=", base64("\0\n\xff\xfb\xff"))
  end)
end)
