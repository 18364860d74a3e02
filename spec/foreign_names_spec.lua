local foreign_names = require("viesti.base.foreign_names")
local viesti = require("viesti")

local function refusal(build, given)
  return (select(2, pcall(build, given)):gsub("^[^ ]+:%d+: ", ""))
end

describe("a name that an option has elsewhere", function()
  it("stands for an option that there is, of a class that has none of that name", function()
    for name, meant in pairs(foreign_names) do
      local class, option = meant:match "^(%w+)%.([%w_]+)$"
      local found = false
      for _, spec in ipairs(viesti[class].options) do
        found = found or spec.name == option
        assert.is_true(spec.name ~= name or name == option, name)
      end
      assert.is_true(found, name .. ": " .. meant)
    end
  end)

  it("is refused with ours where the class has it, whatever name is nearer", function()
    assert.matches("^SyncSender: there is no option \"cert\", did you mean 'client_cert'%? %(its ",
      refusal(viesti.SyncSender, { cert = "me.pem" }))
    assert.matches("^RetryingSender: there is no option \"total\", did you mean 'retries'%? %(its ",
      refusal(viesti.RetryingSender, { total = 3 }))
    assert.matches("^Request: there is no option \"files\", did you mean 'multipart'%? %(its ",
      refusal(viesti.Request, { url = "http://127.0.0.1/", files = {} }))
    assert.matches("there is no option \"json\", did you mean 'content'%?",
      refusal(viesti.MockSender, { routes = { { answer = { json = {} } } } }))
  end)

  it("is refused with the class that does that, where it is another", function()
    assert.equal("Cooldown: there is no option \"follow_redirects\", RedirectingSender has "
      .. "'max_redirects' for that (Cooldown has step)",
      refusal(viesti.Cooldown, { follow_redirects = true }))
    assert.matches("^Session: there is no option \"headers\", DefaultsSender has 'headers' for ",
      refusal(viesti.Session, { headers = {} }))
    assert.matches("^Request: there is no option \"verify\", Session has 'verify' for that %(",
      refusal(viesti.Request, { url = "http://127.0.0.1/", verify = false }))
  end)
end)
