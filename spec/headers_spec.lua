local viesti = require("viesti")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")

describe("Headers of a response", function()
  local server, sender

  setup(function()
    server, sender = origin.start(), viesti.SyncSender()
  end)

  teardown(function()
    sender:close()
    server:stop()
  end)

  local function headers_of(fields)
    server:route("/x", { raw = "HTTP/1.1 200 OK\r\n" .. fields .. "Content-Length: 0\r\n\r\n" })
    return assert(sender:send({ url = server.url .. "/x" })).headers
  end

  it("are found in any case, however the server writes them", function()
    local headers = headers_of("content-type: a/b\r\nX-UPPER: c\r\n")
    for _, name in ipairs({ "Content-Type", "content-type", "CONTENT-TYPE" }) do
      assert.equal("a/b", headers[name])
      assert.equal("a/b", headers:get(name))
    end
    assert.equal("c", headers["x-upper"])
    assert.is_nil(headers["Absent"])
    assert.is_nil(headers:get("Absent"))
    assert.same({}, headers:get_all("Absent"))
  end)

  it("are those of a real server", function()
    local web <close> = nginx.start()
    local headers = assert(sender:send({ url = web.url .. "/cache/max-age/text.txt" })).headers
    assert.same({ "max-age=60", "text/plain", "8800" },
      { headers["cache-control"], headers["content-TYPE"], headers["Content-Length"] })
  end)

  it("keep repeated fields, one by one and joined", function()
    local headers = headers_of("Vary: a\r\nvary: b\r\nVARY: c, d\r\n")
    assert.same({ "a", "b", "c, d" }, headers:get_all("Vary"))
    assert.equal("a, b, c, d", headers["Vary"])
  end)

  it("never join Set-Cookie: its first value stands for it", function()
    local headers = headers_of("Set-Cookie: a=1, x\r\nSet-Cookie: b=2\r\n")
    assert.equal("a=1, x", headers["Set-Cookie"])
    assert.same({ "a=1, x", "b=2" }, headers:get_all("set-cookie"))
  end)

  it("come from pairs in the order and case of the wire, counted by #", function()
    local headers = headers_of("B: 1\r\na: 2\r\nb: 3\r\n")
    for _ = 1, 2 do
      local list = {}
      for name, value in pairs(headers) do
        list[#list + 1] = name .. "=" .. value
      end
      assert.same({ "B=1", "a=2", "b=3", "Content-Length=0" }, list)
    end
    assert.equal(4, #headers)
    assert.equal("B: 1\na: 2\nb: 3\nContent-Length: 0\n", tostring(headers))
  end)

  it("are trimmed, may be empty, and keep any other byte", function()
    local headers = headers_of("A: \t x y \t\r\nB:\r\nC:\xff\"\\,;\r\n")
    assert.same({ "x y", "", "\xff\"\\,;" }, { headers["A"], headers["B"], headers["C"] })
  end)

  it("unfold a value that an old server continues on the next line", function()
    assert.equal("a b c", headers_of("A: a\r\n  b\r\n\tc\r\n")["A"])
  end)

  it("may be called like a method: get tells which is meant", function()
    local headers = headers_of("get: 1\r\nget_all: 2\r\n")
    assert.same({ "1", { "2" } }, { headers:get("get"), headers:get_all("get_all") })
    assert.equal("function", type(headers["get"]))
  end)

  it("are taken up to a thousand, of which one more is an error", function()
    local function count(number)
      server:route("/x", { raw = "HTTP/1.1 200 OK\r\n" .. ("A: b\r\n"):rep(number - 1)
        .. "Content-Length: 0\r\n\r\n" })
      return sender:send({ url = server.url .. "/x" })
    end
    assert.equal(1000, #assert(count(1000)).headers)
    local response, err = count(1001)
    assert.is_nil(response)
    assert.equal("too_large", err.kind)
  end)

  it("do not hold the fields of a trailer", function()
    server:route("/x", { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "1\r\na\r\n0\r\nX-Trailer: late\r\n\r\n" })
    local response = assert(sender:send({ url = server.url .. "/x" }))
    assert.equal("a", response.body)
    assert.is_nil(response.headers["X-Trailer"])
  end)

  it("cannot be changed, indexed by a number, or asked for a nameless field", function()
    local headers = headers_of("A: b\r\n")
    assert.error_matches(function() headers["A"] = "c" end, "Headers cannot be changed")
    assert.error_matches(function() headers["B"] = nil end, "Headers cannot be changed")
    assert.is_nil(headers[1])
    assert.is_nil(headers[true])
    assert.has_error(function() headers:get() end)
    assert.equal("b", headers["A"])
  end)

  it("hide their metatable", function()
    assert.is_false(getmetatable(headers_of("")))
  end)
end)
