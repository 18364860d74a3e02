local viesti = require("viesti")
local downloads = require("spec.support.downloads")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local ways = require("spec.support.ways")

local LONG_AGO, DATE = "Tue, 15 Nov 1994 08:12:31 GMT", "Tue, 15 Nov 1994 09:12:31 GMT"
local BODY, TAG = downloads.BODY, downloads.TAG
local OTHER = BODY:reverse()
local answer, nothing = downloads.answer, downloads.nothing
local part, whole = downloads.part, downloads.whole

for _, way in ipairs(ways) do
  describe("An interrupted download by " .. way.name, function()
    local server, web = fixture.origin(), fixture.nginx({ locations = [[
      location /dated/ { alias files/; etag off; }
    ]] })
    local place

    before_each(function()
      place = downloads.place(server)
    end)

    after_each(function()
      place:remove()
    end)

    local promise = way:promises({ timeout = 10 })

    promise("goes on where it was, wherever that is", function(sender)
      for _, size in ipairs({ 1, 4999, 9999 }) do
        place:leave(sender, size)
        server:route("/x", part(size, nil, TAG))
        local first
        place:fetched(sender, { on_progress = function(bytes) first = first or bytes end })
        assert.equal(size, first)
        assert.same({ ("bytes=%d- if %s"):format(size, TAG) }, place:asked())
        os.remove(place.path)
      end
    end)

    promise("goes on by its date where that is older than its response", function(sender)
      local fields = { ["Last-Modified"] = LONG_AGO, Date = DATE }
      server:route("/x", { answer(200, fields, BODY, 10), part(10) })
      assert.is_nil((place:fetch(sender)))
      place:fetched(sender)
      assert.same({ false, "bytes=10- if " .. LONG_AGO }, place:asked())
    end)

    -- The first file is the older one.
    local function put(text, hours)
      web:write("large", text)
      process.run(("touch -d '%d hours ago' %s"):format(hours, process.quote(web.root .. "/large")))
    end

    local function interrupt(sender, request)
      os.remove(place.path)
      local ok, reason = pcall(viesti.download, { sender = sender, request = request,
        path = place.path, on_progress = function(bytes) assert(bytes < 500000, "enough") end })
      assert.is_false(ok)
      assert.matches("enough", reason)
      assert.equal("file.part file.part.json", place:files())
    end

    -- Downloads it, and says the last two statuses.
    local function go_on(sender, request, text)
      assert.equal(#text, viesti.download(sender, request, place.path))
      assert.is_true(text == downloads.read(place.path))
      assert.equal("file", place:files())
      local lines = web:log()
      return lines[#lines - 1]:match("large (%d+)") .. " " .. lines[#lines]:match("large (%d+)")
    end

    for validator, location in pairs({ tag = "/static/", date = "/dated/" }) do
      promise("goes on at nginx, by a " .. validator .. ", unless the file there has changed",
        function(sender)
          local request = { url = web.url .. location .. "large" }
          put(BODY:rep(200), 3)
          interrupt(sender, request)
          assert.equal("200 206", go_on(sender, request, BODY:rep(200)))
          interrupt(sender, request)
          put(OTHER:rep(200), 2)
          assert.equal("200 200", go_on(sender, request, OTHER:rep(200)))
          interrupt(sender, request)
          downloads.write(place.path .. ".part", OTHER:rep(200))
          assert.equal("200 416", go_on(sender, request, OTHER:rep(200)))
        end)
    end

    promise("starts again where the server sends the whole", function(sender)
      place:leave(sender, 5000, '"v0"')
      server:route("/x", whole(TAG))
      place:fetched(sender)
      assert.same({ 'bytes=5000- if "v0"' }, place:asked())
    end)

    promise("starts again, once, where a part does not fit", function(sender)
      local function range(text, fields)
        fields = fields or {}
        fields["Content-Range"] = text
        return answer(206, fields, BODY:sub(5001))
      end
      for _, unfit in ipairs({
        range("bytes 4999-9999/10000"), range("bytes 5001-9999/10000"),
        range("bytes 5000-9999/10001"), range("bytes 5000-10000/10001"),
        range("bytes 5000-10000/*"), range("bytes 9999-5000/10000"), range("5000-9999/10000"),
        range(""), range("bytes 5000-99999999999999999999/*"),
        answer(206, { ["Content-Type"] = "multipart/byteranges; boundary=x" }, BODY),
        range("bytes 5000-9999/10000", { ETag = '"v2"' }),
        range("bytes 5000-9999/10000", { ETag = 'W/"v1"' }),
        range("bytes 5000-9999/10000", { ["Content-Encoding"] = "gzip" }),
        nothing(4000), nothing(6000), nothing("*"), nothing(5000, '"v2"'), answer(416, {}, ""),
      }) do
        place:leave(sender, 5000)
        server:route("/x", { unfit, whole(TAG) })
        place:fetched(sender)
        assert.same({ "bytes=5000- if " .. TAG, false }, place:asked())
        os.remove(place.path)
      end
    end)

    promise("is whole where nothing follows", function(sender)
      server:route("/x", { { raw = ("HTTP/1.1 200 OK\r\nETag: %s\r\nTransfer-Encoding: chunked"
        .. "\r\n\r\n%x\r\n%s\r\n"):format(TAG, #BODY, BODY), close = true }, nothing(10000) })
      assert.equal("truncated", select(2, place:fetch(sender)).kind)
      place:fetched(sender)
      assert.same({ false, "bytes=10000- if " .. TAG }, place:asked())
    end)

    promise("goes on as long as parts are smaller than asked for", function(sender)
      place:leave(sender, 1000)
      server:route("/x", { part(1000, 1999, TAG), part(2000, 8999), part(9000) })
      place:fetched(sender)
      assert.same({ "bytes=1000- if " .. TAG, "bytes=2000- if " .. TAG,
        "bytes=9000- if " .. TAG }, place:asked())
    end)

    promise("asks on where nobody knows how much there is", function(sender)
      server:route("/x", { { raw = ("HTTP/1.1 200 OK\r\nETag: %s\r\nTransfer-Encoding: chunked"
        .. "\r\n\r\n2710\r\n%s"):format(TAG, BODY:sub(1, 10)), close = true },
        part(10, 99, TAG, "*"), part(100, nil, TAG, "*"), nothing(10000) })
      assert.equal("truncated", select(2, place:fetch(sender)).kind)
      place:fetched(sender)
      assert.same({ false, "bytes=10- if " .. TAG, "bytes=100- if " .. TAG,
        "bytes=10000- if " .. TAG }, place:asked())
    end)

    promise("leaves nothing where it cannot go on, and starts again", function(sender)
      -- The head of a file, and a block that is stored as it is, with more to come (RFC 1951).
      local gzip = "\x1f\x8b\x08\0\0\0\0\0\0\3\0" .. ("<I2I2"):pack(5000, ~5000 & 0xffff)
        .. BODY
      for _, fields in ipairs({ {}, { ETag = 'W/"v1"' }, { ETag = "v1" },
        { ["Last-Modified"] = LONG_AGO }, { ["Last-Modified"] = LONG_AGO, Date = LONG_AGO },
        { ["Last-Modified"] = LONG_AGO, Date = DATE, ETag = 'W/"v1"' },
        { ETag = TAG, ["Content-Encoding"] = "gzip", ["Content-Length"] = 9999 } }) do
        server:route("/x", { answer(200, fields, fields["Content-Encoding"] and gzip or BODY,
          4000), whole() })
        assert.is_nil((place:fetch(sender)))
        assert.equal("", place:files())
        place:fetched(sender)
        assert.same({ false, false }, place:asked())
        os.remove(place.path)
        server:reset()
      end
    end)

    promise("starts from the start without resume, and leaves nothing", function(sender)
      place:leave(sender, 5000)
      server:route("/x", { whole(TAG, 100), whole(TAG) })
      assert.is_nil((place:fetch(sender, { resume = false })))
      assert.equal("", place:files())
      place:fetched(sender, { resume = false })
      assert.same({ false, false }, place:asked())
    end)

    promise("keeps its part where nothing can be had", function(sender)
      place:leave(sender, 5000)
      server:route("/x", { { status = 503 }, { raw = "no HTTP", close = true }, part(5000) })
      for _, choices in ipairs({ {}, {}, { request = { url = "http://127.0.0.1:1/" } } }) do
        assert.is_nil((place:fetch(sender, choices)))
        assert.equal("file.part file.part.json", place:files())
      end
      place:fetched(sender)
    end)
  end)
end
