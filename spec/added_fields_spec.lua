local added_fields = require("viesti.message.added_fields")
local core = require("viesti.core")
local viesti = require("viesti")

local URL = "http://h/"

local function fields_of(request)
  local list = {}
  for name, value in pairs(request.headers) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

local function seen(request)
  return { fields_of(request), request.secret_headers, request.url, request.json, request.omitted,
    request.body, request.timeout }
end

describe("Fields that a layer adds", function()
  local requests = {
    ["says no more than a URL"] = { url = URL },
    ["has fields of its own"] = { url = URL,
      headers = { { "B", "2" }, { "a", "0" }, { "C", "3" } } },
    ["has params and a time"] = { url = URL, params = { q = 1 }, timeout = 2 },
    ["has a body and its type"] = { method = "POST", url = URL, json = { 1 } },
    ["leaves out a field"] = { url = URL, headers = { Accept = false } },
    ["supplies its body by pieces"] = { method = "POST", url = URL, factory = true,
      content = function() return function() end end },
    ["has secrets"] = { url = URL, headers = { B = "2" }, secret_headers = { "B" } },
  }
  local added = {
    ["one of them a secret"] = { { A = "1", D = "4" }, { "A" } },
    ["no secrets"] = { { A = "1" }, {} },
    ["the type of the body"] = { { ["Content-Type"] = "text/x" }, {} },
    ["one that may be left out"] = { { Accept = "text/x" }, {} },
    ["as a list"] = { { { "D", "4" }, { "A", "1" }, { "A", "2" } }, { "D", "A" } },
  }

  for name, options in pairs(requests) do
    it("are as if the request was made with them, which " .. name, function()
      for kind, case in pairs(added) do
        local request = viesti.Request(options)
        local secrets = table.move(case[2], 1, #case[2], #(options.secret_headers or {}) + 1,
          { table.unpack(options.secret_headers or {}) })
        local before = seen(request)
        -- What is said of streaming changes nothing, but has all options read anew.
        local expected = request:with({ headers = case[1], stream = false,
          secret_headers = #secrets > 0 and secrets or nil })
        local add = added_fields.adder(case[1], case[2])
        assert.same(seen(expected), seen(add(request)), kind)
        local further = { url = "http://g/", headers = { E = "5" }, stream = false }
        assert.same(seen(expected:with(further)), seen(add(request):with(further)), kind)
        assert.same(before, seen(request), kind)
      end
    end)
  end

  it("and their secrets are nobody's to change", function()
    local add = added_fields.adder({ A = "1" }, { "A" })
    local first = add(viesti.Request({ url = URL })).secret_headers
    first[1] = "B"
    assert.same({ "A" }, add(viesti.Request({ url = URL })).secret_headers)
  end)

  it("outlive what they were read from", function()
    local value = "the value of a field, number "
    local prepared = {}
    for index = 1, 100 do
      prepared[index] = core.prepare_fields({ A = value .. index })
    end
    collectgarbage()
    local others = {}
    for index = 1, 1000 do
      others[index] = "Another text as long, number " .. index
    end
    assert.equal(1000, #others)
    for index = 1, 100 do
      local request = core.request_with_fields(viesti.Request({ url = URL }), prepared[index])
      assert.equal(value .. index, request.headers.a)
    end
  end)

  it("are refused where a request with them is", function()
    local add = added_fields.adder({ A = "1\n" }, { "A" })
    assert.has_error(function() add(viesti.Request({ url = URL })) end)
  end)
end)
