local socket_unix = require("socket.unix")
local viesti = require("viesti")
local form_parts = require("spec.support.form_parts")
local open_descriptors = require("spec.support.open_descriptors")
local origin = require("spec.support.origin")
local process = require("spec.support.process")

local Request = viesti.Request

local function file_with(text, position)
  local file = assert(io.tmpfile())
  assert(file:write(text))
  assert(file:seek("set", position))
  return file
end

local function request(multipart)
  return Request({ method = "POST", url = "http://host/", multipart = multipart })
end

describe("A multipart body", function()
  local server, sender, folder

  setup(function()
    server, sender = origin.start(), viesti.SyncSender({ timeout = 5 })
    folder = process.temporary_directory()
  end)

  teardown(function()
    sender:close()
    server:stop()
    process.run("rm -r " .. process.quote(folder))
  end)

  local function path_of(name, text)
    local path = folder .. "/" .. name
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write(text))
    return path
  end

  -- The parts that the server saw of it.
  local function parts_of(multipart, headers)
    assert.equal(200, assert(sender:send({ method = "POST", url = server.url .. "/echo",
      multipart = multipart, headers = headers })).status_code)
    local requests = server:requests()
    local seen = requests[#requests]
    assert.equal(tostring(#seen.body), seen.header("Content-Length"))
    return form_parts(seen.header("Content-Type"), seen.body)
  end

  local function head_of(part)
    part.content = part.content or "x"
    return parts_of({ part })[1].head
  end

  it("is a form of names to texts, sorted by name", function()
    assert.same({
      { head = { 'Content-Disposition: form-data; name="a"' }, content = "1" },
      { head = { 'Content-Disposition: form-data; name="b"' }, content = "two\nlines" },
      { head = { 'Content-Disposition: form-data; name="c"' }, content = "" },
    }, parts_of({ b = "two\nlines", a = "1", c = "" }))
  end)

  it("is a list of parts, in its order, with names that repeat", function()
    local parts = parts_of({ { name = "b", content = "1" }, { name = "a", content = "2" },
      { name = "b", content = "3" } })
    assert.same({ "1", "2", "3" }, { parts[1].content, parts[2].content, parts[3].content })
    assert.same(parts[1].head, parts[3].head)
  end)

  it("writes numbers, booleans and lists of them as data does, and takes lists of files", function()
    local function seen(multipart)
      local contents = {}
      for index, part in ipairs(parts_of(multipart)) do
        contents[index] = part.head[1]:match('name="(.-)"') .. "=" .. part.content
      end
      return table.concat(contents, "&")
    end
    local values = { a = 5, b = 2.5, c = true, d = { "x", 1, false }, e = {} }
    local as_data = Request({ method = "POST", url = "http://h/", data = values }).body
    assert.equal("a=5&b=2.5&c=true&d=x&d=1&d=false", as_data)
    assert.equal(as_data, seen(values))
    assert.equal("a=0&b=1&b=2", seen({ { name = "a", content = 0 },
      { name = "b", content = { 1, "2" } } }))
    assert.equal("f=one&f=two", seen({ f = { file_with("one", 0), file_with("two", 0) } }))
    assert.same({ "x", 1, false }, values.d)
  end)

  it("may have no part, or a thousand", function()
    assert.same({}, parts_of({}))
    local many = {}
    for index = 1, 1000 do
      many[index] = { name = "n", content = tostring(index) }
    end
    local parts = parts_of(many)
    assert.same({ 1000, "1000" }, { #parts, parts[1000].content })
  end)

  it("holds any bytes, among them NUL, line ends and what looks like a boundary", function()
    local bytes = {}
    for code = 0, 255 do
      bytes[#bytes + 1] = string.char(code)
    end
    local all = table.concat(bytes) .. "\r\n--------------------------\r\n\r\n\0\r\n--"
    local parts = parts_of({ { name = "text", content = all },
      { name = "file", content = file_with(all, 0) } })
    assert.same({ all, all }, { parts[1].content, parts[2].content })
  end)

  it("holds open files from where they stand, and leaves them there", function()
    local file <close> = file_with("0123456789", 3)
    assert.same({ { head = { 'Content-Disposition: form-data; name="digits"; filename="digits"',
      "Content-Type: application/octet-stream" }, content = "3456789" } },
      parts_of({ digits = file }))
    assert.same({ 3, "3456789" }, { file:seek(), file:read("a") })
    assert.equal("", parts_of({ digits = file })[1].content)
  end)

  it("holds what was written to a file just now", function()
    local file <close> = assert(io.tmpfile())
    file:setvbuf("full", 4096)
    file:write("written")
    file:seek("set", 2)
    assert.equal("itten", parts_of({ a = file })[1].content)
  end)

  it("holds files named by a path, under the last name in it", function()
    local path = path_of("notes.txt", "some notes")
    assert.same({ { head = { 'Content-Disposition: form-data; name="a"; filename="notes.txt"',
      "Content-Type: text/plain" }, content = "some notes" } },
      parts_of({ { name = "a", path = path } }))
    assert.equal("", parts_of({ { name = "a", path = path_of("empty", "") } })[1].content)
  end)

  it("tells the type of a file by the ending of its name, unless told otherwise", function()
    local types = { ["a.png"] = "image/png", ["a.b.JPG"] = "image/jpeg", ["a.pdf"] =
      "application/pdf", ["a.unheard"] = "application/octet-stream", a = "application/octet-stream",
      ["a."] = "application/octet-stream", [".json"] = "application/json" }
    for filename, expected in pairs(types) do
      assert.same({ ('Content-Disposition: form-data; name="n"; filename="%s"'):format(filename),
        "Content-Type: " .. expected }, head_of({ name = "n", filename = filename }))
    end
    assert.same({ 'Content-Disposition: form-data; name="n"; filename="a.png"',
      "Content-Type: text/x-mine; charset=utf-8" },
      head_of({ name = "n", filename = "a.png", type = "text/x-mine; charset=utf-8" }))
    assert.same({ 'Content-Disposition: form-data; name="n"', "Content-Type: application/json" },
      head_of({ name = "n", type = "application/json" }))
  end)

  it("says no filename where that is empty", function()
    assert.same({ { head = { 'Content-Disposition: form-data; name="n"' }, content = "text" } },
      parts_of({ { name = "n", path = path_of("plain.png", "text"), filename = "" } }))
  end)

  it("has further fields in the heads of its parts", function()
    assert.same({ 'Content-Disposition: form-data; name="n"', "X-One: 1", "X-Two: a",
      "X-Two: b" }, head_of({ name = "n", headers = { { "X-One", 1 }, { "X-Two",
      { "a", "b" } } } }))
    local copied = Request({ url = "http://host/", headers = { A = "b" } }).headers
    assert.equal("A: b", head_of({ name = "n", headers = copied })[2])
  end)

  it("keeps quotes, backslashes and other scripts in names apart from its framing", function()
    assert.same({ 'Content-Disposition: form-data; name="a%22; x=%22\\\u{e4}"; '
      .. 'filename="%22\u{65e5}\\.txt"', "Content-Type: text/plain" },
      head_of({ name = 'a"; x="\\\u{e4}', filename = '"\u{65e5}\\.txt' }))
  end)

  it("goes under the multipart type that the request names", function()
    assert.equal('Content-Disposition: form-data; name="a"',
      parts_of({ a = "x" }, { ["content-type"] = "multipart/form-data" })[1].head[1])
    parts_of({ a = "x" }, { ["Content-Type"] = "multipart/mixed" })
    local requests = server:requests()
    assert.matches("^multipart/mixed; boundary=", requests[#requests].header("Content-Type"))
  end)

  it("reads back, and serves another request", function()
    local file <close> = file_with("text", 0)
    local first = request({ { name = "a", content = file }, { name = "b", content = "2" } })
    assert.equal(2, #first.multipart)
    assert.equal("Multipart(2 parts)", tostring(first.multipart))
    assert.equal("Multipart(1 part)", tostring(request({ a = "x" }).multipart))
    assert.is_nil(first.body or first.content or first.data)
    assert.is_true(first:is_replayable())
    file:close()
    local second = request(first.multipart)
    assert.same({ "text", "2" }, { parts_of(second.multipart)[1].content,
      parts_of(second.multipart)[2].content })
    assert.is_nil(Request({ url = "http://host/" }).multipart)
  end)

  it("stays with a changed copy of its request, unless that has another body", function()
    local first = request({ a = "x" })
    assert.equal(first.multipart, first:with({ headers = { A = "b" } }).multipart)
    assert.equal(2, #first:with({ multipart = { a = "y", b = "z" } }).multipart)
    for name, value in pairs({ json = { 1 }, data = { a = 1 }, content = "text" }) do
      local copy = first:with({ [name] = value })
      assert.is_nil(copy.multipart)
      assert.is_string(copy.body)
    end
    local copy = Request({ method = "POST", url = "http://host/", json = { 1 } })
      :with({ multipart = { a = "x" } })
    assert.is_nil(copy.json or copy.body or copy.headers["Content-Type"])
  end)

  it("is copied from the caller's tables, which stay as they were", function()
    local headers = { A = "b" }
    local part = { name = "a", content = "x", headers = headers }
    local list, names = { part }, { a = "x" }
    local made = request(list)
    request(names)
    assert.same({ { { name = "a", content = "x", headers = { A = "b" } } }, { a = "x" } },
      { list, names })
    part.content, headers.A, list[2] = "changed", "changed", part
    assert.same({ { head = { 'Content-Disposition: form-data; name="a"', "A: b" },
      content = "x" } }, parts_of(made.multipart))
  end)

  it("closes its files when it is collected, also those of a body that was refused", function()
    local path = path_of("many", "text")
    collectgarbage()
    local before = open_descriptors()
    local kept = request({ { name = "a", path = path }, { name = "b", path = path } })
    assert.equal(before + 2, open_descriptors())
    for _ = 1, 10 do
      local part = { name = "a", path = path }
      request({ part, part }):with({ headers = { A = "b" } })
      pcall(request, { part, part, { name = "c", path = folder .. "/none" } })
      pcall(request, { part, { name = "c", content = "x", headers = { ["a b"] = "" } } })
    end
    assert.equal(2, #kept.multipart)
    kept = nil
    collectgarbage()
    collectgarbage()
    assert.equal(before, open_descriptors())
    assert.is_nil(kept)
  end)

  describe("is refused in one sentence", function()
    local function refuses(multipart, message)
      assert.has_error(function() request(multipart) end, "Request: multipart: " .. message)
    end

    it("where a part is none", function()
      refuses({ "text" }, 'part 1 must be a table, got "text"')
      refuses({ { name = "a", content = "" }, 5 }, "part 2 must be a table, got 5")
      assert.has_error(function() request("text") end,
        'Request: multipart must be a table or another request\'s multipart, got "text"')
    end)

    it("where a part lacks a name or has one too odd", function()
      refuses({ { content = "x" } }, "part 1: name is missing, it must be a string")
      refuses({ [true] = "x" }, "part true: name must be a string, got true")
      for _, odd in ipairs({ "a\r\nX: y", "\n", "\0", "\127", "\t" }) do
        refuses({ { name = odd, content = "" } }, "part 1: name must not have control characters")
        refuses({ { name = "a", content = "", filename = odd } },
          "part 1: filename must not have control characters")
        refuses({ { name = "a", content = "", type = odd } },
          "part 1: type must not have control characters")
      end
      refuses({ { name = "a", path = path_of("line\nend", "") } },
        "part 1: filename must not have control characters")
    end)

    it("where a part has no content, or two, or one of the wrong kind", function()
      refuses({ { name = "a" } }, "part 1 needs either content or path")
      refuses({ { name = "a", content = "x", path = "/x" } },
        "part 1 needs either content or path")
      local wanted = "content must be a string or a number or true or false or an open file, got "
      refuses({ a = { b = 1 } }, 'part "a": ' .. wanted .. "a table")
      refuses({ a = { 1, { 2 } } }, 'part "a": ' .. wanted .. "a table")
      refuses({ a = function() end }, 'part "a": ' .. wanted .. "a function")
    end)

    it("where an option of a part is mistyped", function()
      refuses({ { name = "a", content = "", filname = "x" } },
        "part 1: there is no option \"filname\", did you mean 'filename'? "
        .. "(its options are name, content, path, filename, type, headers)")
    end)

    it("where a field in the head of a part may not stand there", function()
      refuses({ { name = "a", content = "", headers = { A = "b\r\nC: d" } } },
        "part 1: the header 'A' must not have CR, LF or NUL in its value")
      refuses({ { name = "a", content = "", headers = { ["Content-Length"] = "4" } } },
        "part 1: the header 'Content-Length' is derived from the body and cannot be given")
      refuses({ { name = "a", content = "", headers = { A = print } } },
        'part 1: headers: the value of "A" must be a string, a number or a list of them, '
        .. "got a function")
    end)

    it("where a file is closed, cannot be read, or cannot be read again", function()
      local closed = file_with("", 0)
      closed:close()
      refuses({ a = closed }, 'part "a": content must be a string or a number or true or false or '
        .. "an open file, got file (closed)")
      local pipe <close> = assert(io.popen("true"))
      refuses({ a = pipe }, 'part "a": content: not a regular file')
      local written <close> = assert(io.open(path_of("written", ""), "w"))
      refuses({ a = written }, 'part "a": content: open for writing alone')
    end)

    it("where a path leads to no file that can be read again and again", function()
      process.run("mkfifo " .. process.quote(folder .. "/pipe"))
      local listener = socket_unix()
      assert(listener:bind(folder .. "/socket"))
      path_of("file", "")
      for name, reason in pairs({ none = "No such file or directory", [""] = "not a regular file",
        pipe = "not a regular file", ["file/x"] = "Not a directory",
        socket = "No such device or address" }) do
        local path = folder .. "/" .. name
        refuses({ { name = "a", path = path, filename = "" } },
          ("part 1: %s: %s"):format(path, reason))
      end
      listener:close()
      refuses({ { name = "a", path = folder .. "/file\0x" } },
        "part 1: path must not have a NUL in it")
    end)

    it("where the request has another body, or names a boundary", function()
      assert.has_error(function()
        Request({ url = "http://host/", multipart = { a = "x" }, data = { b = 1 } })
      end, "Request: data and multipart are both given, a request has one body")
      assert.has_error(function()
        Request({ url = "http://host/", multipart = { a = "x" },
          headers = { ["Content-Type"] = "multipart/form-data; Boundary=x" } })
      end, "Request: headers: the boundary in Content-Type is chosen anew for each attempt")
    end)
  end)
end)
