local json = require("viesti.message.json")

local function encoded(value)
  return assert(json.encode(value))
end

describe("json.encode", function()
  it("writes keys in order", function()
    assert.equal('{"a":1,"b":{"c":true,"d":false},"e":"x"}',
      encoded({ e = "x", b = { d = false, c = true }, a = 1 }))
  end)

  it("writes lists as lists, and an empty table as an object unless marked", function()
    assert.equal("[1,[2,3],{}]", encoded({ 1, { 2, 3 }, {} }))
    assert.equal('[[],{"list":[]}]', encoded({ json.array({}), { list = json.array({}) } }))
  end)

  it("keeps every digit of a number, and writes whole ones without a fraction", function()
    local numbers = { 1, -7, 1.0, 1e15, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308,
      math.maxinteger, math.mininteger, 2 ^ 53, -0.5 }
    for _, number in ipairs(numbers) do
      assert.equal(number, tonumber(encoded(number)))
    end
    assert.same({ "1", "1", "0.1", "9223372036854775807" },
      { encoded(1), encoded(1.0), encoded(0.1), encoded(math.maxinteger) })
  end)

  it("writes null for the mark of it", function()
    assert.same({ "null", '{"a":null}', "[null]" },
      { encoded(json.null), encoded({ a = json.null }), encoded({ json.null }) })
  end)

  it("escapes what must be, and passes UTF-8 on", function()
    assert.equal([["\"\\\n\r\t\u0000\u001f]] .. "\u{e4}\u{1f600}\"",
      encoded("\"\\\n\r\t\0\x1f\u{e4}\u{1f600}"))
    assert.equal([[{"a\"b":1}]], encoded({ ['a"b'] = 1 }))
  end)

  it("sorts the keys of an object byte by byte, however many it has", function()
    for _, count in ipairs({ 1, 2, 9, 10, 11, 12, 300 }) do
      local object, keys, parts = {}, {}, {}
      for number = 1, count do
        keys[number] = ("\u{e4}%d"):format(number * 7919 % 1000):rep(number % 3 + 1)
        object[keys[number]] = number
      end
      table.sort(keys)
      for index, key in ipairs(keys) do
        parts[index] = ('"%s":%d'):format(key, object[key])
      end
      assert.equal("{" .. table.concat(parts, ",") .. "}", encoded(object))
    end
    assert.equal([[{"":0,"a":1,"a\u0000":2,"aa":3}]],
      encoded({ aa = 3, ["a\0"] = 2, a = 1, [""] = 0 }))
  end)

  it("writes texts of any length, and every byte of ASCII, escaped where it has to be", function()
    local text = {}
    for byte = 0, 127 do
      text[#text + 1] = string.char(byte)
    end
    local ascii = table.concat(text)
    assert.equal([["\u0000\b\f\u001f\"\\"]], encoded("\0\b\f\x1f\"\\"))
    assert.equal('"http://h/\x7f"', encoded("http://h/\x7f"))
    for _, count in ipairs({ 1, 3, 4, 5, 100, 1000 }) do
      local list = { ascii:rep(count), ("a"):rep(count * 128) }
      assert.same(list, json.decode(encoded(list)))
    end
  end)

  it("goes by what objects say of themselves", function()
    local list = setmetatable({}, { __len = function() return 2 end,
      __index = function(_, index) return index * 10 end,
      __pairs = function() return next, { 1, 2 } end })
    local object = setmetatable({ own = 1 }, { __index = { a = "inherited" },
      __pairs = function() return next, { a = 1, own = 1 } end })
    assert.equal('{"list":[10,20],"object":{"a":"inherited","own":1}}',
      encoded({ list = list, object = object }))
    local broken = setmetatable({}, { __pairs = function() error("broken", 0) end })
    assert.has_error(function() json.encode({ broken }) end, "broken")
  end)

  it("holds what it looks at, whatever an object does to the tables around it", function()
    for _, count in ipairs({ 2, 40 }) do
      local around = {}
      for number = 1, count do
        around[("key"):rep(20) .. 100 + number] = "x"
      end
      around.a = setmetatable({}, { __pairs = function()
        for key in pairs(around) do
          around[key] = nil
        end
        collectgarbage()
        return next, {}
      end })
      local text = encoded(around)
      assert.equal(count, select(2, text:gsub(("key"):rep(20) .. '1%d%d":null', "")))
    end
  end)

  it("says in words what cannot be encoded", function()
    local circle, mixed = {}, "among others: keys must be all strings or 1 to n"
    circle[1] = circle
    local cases = {
      { print, "a function" },
      { { a = { coroutine.create(print) } }, "a thread" },
      { io.stdout, "a userdata" },
      { 0 / 0, "a number that is not finite" },
      { { math.huge }, "a number that is not finite" },
      { circle, "tables nested more than 500 deep, or in a circle" },
      { { 1, 2, a = 3 }, "a table with the key 1 " .. mixed },
      { { [1] = 1, [3] = 3 }, "a table with the key 1 " .. mixed },
      { { [true] = 1 }, "a table with the key true " .. mixed },
      { { "\xff" }, "a string that is not UTF-8" },
      { { ["\xed\xa0\x80"] = 1 }, "a string that is not UTF-8" }, -- half of a surrogate pair
    }
    for _, case in ipairs(cases) do
      local text, reason = json.encode(case[1])
      assert.is_nil(text)
      assert.equal(case[2], reason)
    end
  end)
end)

describe("json.decode", function()
  it("reads whole numbers as integers and the others as floats", function()
    local list = json.decode("[1, 1.0, 1e2, -7, 0.5, 1e300, 9007199254740993, -0.25e1]")
    assert.same({ 1, 1, 100, -7, 0.5, 1e300, 9007199254740993, -2.5 }, list)
    for _, position in ipairs({ 1, 2, 3, 4, 7 }) do
      assert.equal("integer", math.type(list[position]))
    end
  end)

  it("keeps every digit of a 64-bit integer, and leaves longer ones to floats", function()
    local list = json.decode("[9223372036854775807, -9223372036854775808, 1234567890123456,"
      .. " 9223372036854775808, 123456789012345678901234567890]")
    assert.same({ math.maxinteger, math.mininteger, 1234567890123456 },
      { list[1], list[2], list[3] })
    assert.equal(9223372036854775808.0, list[4])
    assert.equal(123456789012345678901234567890.0, list[5])
  end)

  it("leaves floats past the exact ones as they are", function()
    for _, number in ipairs(json.decode("[1e16, -9007199254740992.0, 1e300]")) do
      assert.equal("float", math.type(number))
    end
    assert.equal("integer", math.type(json.decode("9007199254740991")))
  end)

  it("touches no digits inside strings and keys", function()
    local text = [[{"12345678901234567":"98765432109876543","a\"12345678901234567":1,]]
      .. [["x":12345678901234567,"b":"\\"}]]
    assert.same({ ["12345678901234567"] = "98765432109876543", ['a"12345678901234567'] = 1,
      x = 12345678901234567, b = "\\" }, json.decode(text))
  end)

  it("takes nothing that a text says for its own mark of long integers", function()
    assert.same({ a = 12345678901234567, b = "viesti-integer:5", c = "\u{ff}:6" },
      json.decode([[{"a":12345678901234567,"b":"\u0076iesti-integer:5","c":"\u00ff:6"}]]))
    local long = "12345678901234567890"
    local raw = json.decode('{"a":' .. long .. ',"b":"\xff:5","\xff:\xff:9":1234567890123456}')
    assert.same({ a = tonumber(long), b = "\xff:5", ["\xff:\xff:9"] = 1234567890123456 }, raw)
  end)

  it("reads null as nil, or as its mark on request", function()
    assert.same({ b = 1 }, json.decode('{"a":null,"b":1}'))
    assert.same({ a = json.null, b = { json.null } }, json.decode('{"a":null,"b":[null]}', true))
    assert.is_nil((json.decode("null")))
    assert.equal(json.null, (json.decode("null", true)))
  end)

  it("reads any value, not tables only", function()
    assert.same({ 1, "x", true, false }, { json.decode("1"), json.decode('"x"'),
      json.decode(" true "), json.decode("false") })
  end)

  it("says what is wrong with a text that is none", function()
    for _, text in ipairs({ "", " ", "{", "[1,]", "{'a':1}", "nul", "NaN", "Infinity", "-inf",
      "0x10", "1 2", '{"a":1,}', ("["):rep(2000), "\0", '"\\ud800"', "12345678901234567x" }) do
      local value, reason = json.decode(text)
      assert.is_nil(value)
      assert.equal("string", type(reason), text)
    end
  end)

  it("is no deeper for tables within tables, and ends for those that ask for more", function()
    local function nested(depth, innermost)
      return depth == 0 and innermost or { a = { nested(depth - 1, innermost) } }
    end
    local endless
    endless = setmetatable({}, { __pairs = function(self)
      json.encode(nested(240, endless))
      return next, self
    end })
    local ended, reason = pcall(json.encode, nested(240, endless))
    assert.is_false(ended)
    assert.matches("C stack overflow", reason)
    assert.equal(240, select(2, encoded(nested(240, 1)):gsub("{", "")))
  end)

  it("writes objects of any size, the names of each in order", function()
    local value, names = {}, {}
    for number = 1, 200 do
      names[number] = ("n%03d"):format(number)
      value[names[number]] = { b = { d = number, c = {} }, a = names[number]:rep(20) }
    end
    local text, position = encoded(value), 1
    for number, name in ipairs(names) do
      local from, to = text:find(('"%s":{"a":"%s","b":{"c":{},"d":%d}}'):format(name, name:rep(20),
        number), position, true)
      assert.is_true(from ~= nil and from <= position + 1)
      position = to + 1
    end
    assert.equal(#text, position)
  end)

  it("gives back what encode was given", function()
    local value = { text = "\0\u{e4}\"", list = { 1, 2.5, { deep = { true } } }, zero = 0,
      big = math.maxinteger, third = 1 / 3 }
    assert.same(value, json.decode(encoded(value)))
  end)
end)
