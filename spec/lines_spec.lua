local lines = require("viesti.message.lines")
local fixture = require("spec.support.fixture")
local viesti = require("viesti")

-- What comes in pieces of that size.
local function pieces(text, size)
  local position = 1
  return function()
    local piece = text:sub(position, position + size - 1)
    position = position + size
    return piece ~= "" and piece or nil
  end
end

local function all(next_line)
  local list = {}
  for line in next_line do
    list[#list + 1] = line
  end
  return list
end

describe("The lines of a text in pieces", function()
  local TEXTS = { "", "\n", "a", "a\n", "a\nb", "a\n\nb\n", "\n\n", "long line\nb\n" }

  it("are those of a file, however it comes", function()
    local path = os.tmpname()
    for _, text in ipairs(TEXTS) do
      local file <close> = assert(io.open(path, "w+"))
      file:write(text)
      file:seek("set")
      local expected = all(file:lines())
      for size = 1, 12 do
        assert.same(expected, all(lines(pieces(text, size), 100)))
      end
    end
    os.remove(path)
  end)

  it("end in LF or CRLF, and may have a CR elsewhere", function()
    for size = 1, 12 do
      assert.same({ "a", "", "b\rc", "d\r" }, all(lines(pieces("a\r\n\r\nb\rc\nd\r", size), 100)))
    end
  end)

  it("stay at their end", function()
    local next_line = lines(pieces("a", 1), 100)
    assert.same({ "a" }, all(next_line))
    assert.is_nil(next_line())
  end)

  it("are no longer than is allowed, ended or not", function()
    for _, text in ipairs({ "12345\n", "12345\r\n", "12345" }) do
      for size = 1, 6 do
        assert.same({ "12345" }, all(lines(pieces(text, size), 5)))
        local ok, err = pcall(all, lines(pieces(text, size), 4))
        assert.same({ false, "too_large", "a line of the body has more than 4 bytes" },
          { ok, err.kind, err.message })
      end
    end
  end)
end)

for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
  describe("Response:lines over a " .. kind, function()
    local server, sender = fixture.origin(), nil

    setup(function()
      sender = viesti[kind]()
    end)

    teardown(function()
      sender:close()
    end)

    local function answered(answer, stream)
      return assert(server:exchange(sender, answer, { stream = stream }))
    end

    it("has those of a body, whole or streamed, that were not read yet", function()
      for _, stream in ipairs({ true, false }) do
        local response = answered({ body = "one\ntwo\r\nthree", chunked = 4 }, stream)
        assert.equal("o", response:read(1))
        assert.same({ "ne", "two", "three" }, all(response:lines()))
        assert.is_true(response.complete)
      end
    end)

    it("has a line when it is there", function()
      local response <close> = answered({ raw = "HTTP/1.1 200 OK\r\n\r\none\ntw",
        hang = true }, true)
      assert.equal("one", (response:lines()()))
    end)

    it("ends the transfer where the loop is left early", function()
      local response = answered({ raw = "HTTP/1.1 200 OK\r\n\r\n", forever = "more\n" }, true)
      for line in response:lines() do
        if line == "more" then
          break
        end
      end
      local _, err = response:read()
      assert.equal("closed", err.kind)
    end)

    it("raises that a body breaks off, and that a line has no end", function()
      local seen, kinds = {}, {}
      local function note(line)
        seen[#seen + 1] = line
      end
      local function read(of, most)
        local _, err = pcall(function()
          for line in of:lines(most) do
            note(line)
          end
        end)
        kinds[#kinds + 1] = err.kind
      end
      read(answered({ raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none\ntw",
        close = true }, true))
      read(answered({ raw = "HTTP/1.1 200 OK\r\n\r\n", forever = "more" }, true))
      read(answered({ body = "12345" }), 4)
      assert.same({ { "one" }, { "truncated", "too_large", "too_large" } }, { seen, kinds })
    end)

    it("needs a number of bytes, if any", function()
      local response = answered({ body = "x" })
      local _, raised = pcall(function() response:lines("l") end)
      assert.matches("^spec/lines_spec.lua:%d+: response:lines needs a number of bytes, "
        .. 'an integer of 1 or more, got "l"$', raised)
    end)
  end)
end
