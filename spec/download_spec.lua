local viesti = require("viesti")
local downloads = require("spec.support.downloads")
local fixture = require("spec.support.fixture")
local process = require("spec.support.process")
local ways = require("spec.support.ways")

local MEBIBYTE = 1024 * 1024
local BODY, TAG = downloads.BODY, downloads.TAG
local answer, part, whole = downloads.answer, downloads.part, downloads.whole

for _, way in ipairs(ways) do
  describe("A download by " .. way.name, function()
    local server, web = fixture.origin(), fixture.nginx()
    local place

    setup(function()
      process.run("truncate -s 50M " .. process.quote(web.root .. "/huge"))
    end)

    before_each(function()
      place = downloads.place(server)
    end)

    after_each(function()
      place:remove()
    end)

    local promise = way:promises({ timeout = 10 })

    describe("that is not interrupted", function()
      promise("is a file of its name, and nothing else", function(sender)
        server:route("/x", { { body = BODY }, whole(TAG), { body = BODY, chunked = 999 } })
        for _ = 1, 3 do
          place:fetched(sender)
        end
        assert.same({ false, false, false }, place:asked())
        assert.equal(8800, viesti.download(sender,
          viesti.Request("GET", web.url .. "/gzip/text.txt"), place.path))
        server:route("/x", { body = "" })
        assert.equal(0, place:fetch(sender))
        assert.equal("", downloads.read(place.path))
        assert.equal("file", place:files())
      end)

      promise("takes the place of the file that was there, at once", function(sender)
        downloads.write(place.path, "old")
        server:route("/x", whole(TAG))
        local calls = 0
        assert.equal(#BODY, place:fetch(sender, { on_progress = function()
          assert.equal("old", downloads.read(place.path))
          calls = calls + 1
        end }))
        assert.is_true(calls > 0)
        assert.is_true(BODY == downloads.read(place.path))
      end)

      promise("takes no memory for its size", function(sender)
        collectgarbage()
        local before, most, done = collectgarbage("count"), 0, nil
        assert.equal(50 * MEBIBYTE, viesti.download({ sender = sender, path = place.path,
          request = { url = web.url .. "/static/huge" }, on_progress = function(bytes, total)
            assert.equal(50 * MEBIBYTE, total)
            if not done or bytes - done > MEBIBYTE then
              done = bytes
              collectgarbage()
              most = math.max(most, collectgarbage("count") - before)
            end
          end }))
        assert.is_true(done > 48 * MEBIBYTE)
        assert.is_true(most < 2048, most)
        assert.equal(50 * MEBIBYTE, tonumber(process.run("stat -c %s "
          .. process.quote(place.path))))
      end)

      promise("says how far it is", function(sender)
        local seen = {}
        local function on_progress(...)
          seen[#seen + 1] = { select("#", ...), ... }
        end
        server:route("/x", { whole(TAG), { body = BODY, chunked = true } })
        place:fetched(sender, { on_progress = on_progress })
        assert.same({ { 2, 0, #BODY }, { 2, #BODY, #BODY } }, { seen[1], seen[#seen] })
        seen = {}
        place:fetched(sender, { on_progress = on_progress })
        assert.same({ { 2, 0 }, { 2, #BODY } }, { seen[1], seen[#seen] })
      end)

      promise("leaves what it was given as it was", function(sender)
        server:route("/x", whole(TAG))
        local request = { url = server.url .. "/x", headers = { A = "b" } }
        local given = { sender = sender, request = request, path = place.path }
        assert.equal(#BODY, viesti.download(given))
        assert.same({ sender = sender, request = request, path = place.path }, given)
        assert.same({ url = server.url .. "/x", headers = { A = "b" } }, request)
        assert.equal("b", server:requests()[1].header("A"))
      end)
    end)

    describe("that fails", function()
      promise("does not show the credentials in its URL", function(sender)
        server:route("/x", answer(404, {}, "gone"))
        local shown = server.url .. "/x"
        local _, reason = viesti.download(sender, { url = shown:gsub("//", "//me:hush@") },
          place.path)
        assert.equal("404 Status for " .. shown:gsub("//", "//***@"), reason)
      end)

      promise("says the status, and gives the response", function(sender)
        downloads.write(place.path, "old")
        for _, status in ipairs({ 202, 204, 304, 404, 416, 500 }) do
          server:route("/x", answer(status, { ["X-A"] = "b",
            ["Content-Length"] = status == 204 and 0 or nil }, "gone"))
          local bytes, reason, response = place:fetch(sender)
          assert.same({ nil, ("%d Status for %s/x"):format(status, server.url), status, "b" },
            { bytes, reason, response.status_code, response.headers["X-A"] })
          assert.equal("file", place:files())
          assert.equal("old", downloads.read(place.path))
        end
      end)

      promise("holds no connection, though the response is still there", function()
        local sender <close> = way.sender({ timeout = 10, max_connections = 1 })
        server:route("/x", { answer(404, {}, BODY:rep(100)), whole(TAG) })
        local _, _, response = place:fetch(sender)
        place:fetched(sender)
        assert.equal(404, response.status_code)
      end)

      promise("keeps the file that was there", function(sender)
        downloads.write(place.path, "old")
        server:route("/x", { whole(TAG, 0), whole(TAG, 5000), { reset = true } })
        for _, expected in ipairs({ "file", "file file.part file.part.json" }) do
          assert.equal("truncated", select(2, place:fetch(sender)).kind)
          assert.equal(expected, place:files())
          assert.equal("old", downloads.read(place.path))
        end
        assert.equal("reset", select(2, place:fetch(sender)).kind)
        assert.equal("old", downloads.read(place.path))
        assert.equal("connect", select(2, viesti.download(sender, { url = "http://127.0.0.1:1/" },
          place.folder .. "/new")).kind)
        assert.equal("file file.part file.part.json", place:files())
      end)

      promise("takes no part that it did not ask for", function(sender)
        server:route("/x", { part(0), part(5, nil, TAG) })
        for _ = 1, 2 do
          local bytes, err = place:fetch(sender)
          assert.same({ nil, "protocol", "a part came (206) where the whole was asked for" },
            { bytes, err.kind, err.message })
          assert.equal("", place:files())
        end
      end)

      promise("takes no other length than the one announced", function(sender)
        local Canned = viesti.Sender:extend("CannedSender", {
          { name = "length", type = "integer", required = true } })
        function Canned:send(request)
          return viesti.Response({ url = request.url, body = BODY, headers = { ETag = TAG,
            ["Content-Length"] = self.length } })
        end
        local bytes, err = place:fetch(Canned(10001))
        assert.same({ nil, "truncated", "the body ended at 10000 of 10001 bytes", "maybe", true },
          { bytes, err.kind, err.message, err.sent, err.retryable })
        assert.equal("file.part file.part.json", place:files())
        bytes, err = place:fetch(Canned(9999))
        assert.same({ nil, "protocol", "more came than the 9999 bytes announced", "maybe", false },
          { bytes, err.kind, err.message, err.sent, err.retryable })
        assert.equal("", place:files())
        place:fetched(Canned(10000))
        sender:close()
        assert.equal("closed", select(2, place:fetch(sender)).kind)
      end)

      promise("is tried again as often as asked, each time where it was", function(sender)
        server:route("/x", { { reset = true }, whole(TAG, 1000), part(1000, 1999, TAG),
          answer(206, { ["Content-Range"] = "bytes 2000-9999/10000" }, BODY:sub(2001), 10),
          part(2010) })
        place:fetched(sender, { retries = 3, wait = 0 })
        assert.same({ false, false, "bytes=1000- if " .. TAG, "bytes=2000- if " .. TAG,
          "bytes=2010- if " .. TAG }, place:asked())
      end)

      promise("waits between its tries, and is given up after the last", function(sender)
        local Counting = viesti.ExtendingSender:extend("CountingSender")
        local waits = {}
        function Counting:sleep(seconds)
          waits[#waits + 1] = seconds
          return self.sender:sleep(0)
        end
        local counting = Counting(sender)
        server:route("/x", { reset = true })
        assert.equal("reset", select(2, place:fetch(counting, { retries = 2, wait = 7 })).kind)
        assert.same({ 3, { 7, 7 } }, { server:count("/x"), waits })
        server:route("/x", { status = 503 })
        assert.matches("^503", select(2, place:fetch(counting, { retries = 2 })))
        server:route("/x", { raw = "no HTTP\r\n\r\n", close = true })
        assert.equal("protocol", select(2, place:fetch(counting, { retries = 2 })).kind)
        server:route("/x", whole(nil, 10))
        assert.equal("truncated", select(2, place:fetch(counting, { retries = 1 })).kind)
        assert.same({ 7, { 7, 7, 1 } }, { server:count("/x"), waits })
        assert.equal("", place:files())
      end)

      promise("raises what on_progress raises, and keeps its part", function(sender)
        server:route("/x", whole(TAG))
        local oops = {}
        local ok, reason = pcall(place.fetch, place, sender, { on_progress = function(bytes)
          if bytes > 0 then
            error(oops)
          end
        end })
        assert.is_false(ok)
        assert.equal(oops, reason)
        assert.equal("file.part file.part.json", place:files())
        assert.is_true(#downloads.read(place.path .. ".part") > 0)
      end)

      promise("says why the file cannot be written", function(sender)
        server:route("/x", whole(TAG))
        local function reason(name)
          local bytes, why, response = place:fetch(sender, { path = name })
          assert.same({}, { bytes, response })
          return why
        end
        assert.equal(place.folder .. "/no/file.part: No such file or directory",
          reason(place.folder .. "/no/file"))
        assert.matches("^/dev/null/viesti%.part: Not a directory", reason("/dev/null/viesti"))
        process.run("mkdir " .. process.quote(place.path))
        assert.equal(('"%s" is a directory'):format(place.path), reason(place.path))
        assert.equal(0, server:count("/x"))
      end)

      promise("is refused while another one writes the same file", function(sender)
        server:route("/x", whole(TAG))
        local second
        place:fetched(sender, { on_progress = function()
          second = second or { place:fetch(sender) }
        end })
        assert.same({ nil, place.path .. ".part: it is being written already" }, second)
        assert.equal(1, server:count("/x"))
        place:fetched(sender)
      end)
    end)

    describe("through layers", function()
      local function chain(sender)
        local caching = viesti.CachingSender({ sender = viesti.RetryingSender({ retries = 1,
          backoff = { base = 0 }, sender = sender }) })
        return viesti.Client(viesti.RedirectingSender({ sender = caching })), caching.store
      end

      promise("is redirected, tried again, and kept by no cache", function(sender)
        local client, store = chain(sender)
        server:route("/x", { status = 302, headers = { { "Location", "/y" } } })
        server:route("/y", { { status = 503 }, whole(TAG, 5000), { status = 503 }, part(5000) })
        assert.equal("truncated", select(2, place:fetch(client)).kind)
        place:fetched(client)
        assert.equal(0, store:count())
        local range = "bytes=5000- if " .. TAG
        assert.same({ false, false, false, range, range, range }, place:asked())
      end)

      promise("is of a stored response where that is fresh", function(sender)
        local client, store = chain(sender)
        server:route("/x", { answer(200, { ETag = TAG, ["Cache-Control"] = "max-age=60" }, BODY) })
        assert.equal(200, client:send({ url = server.url .. "/x" }).status_code)
        assert.equal(1, store:count())
        place:fetched(client)
        assert.equal(1, server:count("/x"))
      end)

      promise("goes on with a part by a stored response only if that is the same", function(sender)
        local client = chain(sender)
        server:route("/x", { whole('"v2"', 5000), answer(200, { ETag = TAG,
          ["Cache-Control"] = "max-age=60" }, BODY) })
        assert.equal("truncated", select(2, place:fetch(client)).kind)
        assert.equal(200, client:send({ url = server.url .. "/x" }).status_code)
        place:fetched(client)
        assert.equal(2, server:count("/x"))
      end)
    end)
  end)
end

describe("download", function()
  local URL = "http://127.0.0.1:1/"

  it("refuses what makes no sense, in one sentence", function()
    local sender = viesti.SyncSender()
    local function refused(sentence, ...)
      local ok, reason = pcall(viesti.download, ...)
      assert.is_false(ok)
      assert.equal(sentence, (reason:gsub("^spec/download_spec%.lua:%d+: ", "")))
    end
    local request = { url = URL }
    for _, path in ipairs({ "", "folder/", "a\0b" }) do
      refused("download: path must be the name of a file, got "
        .. ("%q"):format(path), sender, request, path)
    end
    refused("download: path is missing, it must be a string", sender, request)
    refused("download: sender must be a sender, got a table", {}, request, "x")
    refused("download: request must be a Request or a table, got " .. ("%q"):format(
      URL), sender, URL, "x")
    refused("download: request must be a Request or a table, got "
      .. tostring(io.stdout), sender, io.stdout, "x")
    refused("Request: url is missing, it must be a string", sender, {}, "x")
    refused("download: the request must be a GET, got a POST", sender, { url = URL,
      method = "POST" }, "x")
    for _, content in ipairs({ "", "x", function() end }) do
      refused("download: the request must not have a body", sender,
        { method = "GET", url = URL, content = content }, "x")
    end
    for _, name in ipairs({ "Range", "If-Range" }) do
      refused(("download: the request must not have the header '%s', which is set here")
        :format(name), sender, { url = URL, headers = { [name:lower()] = "bytes=0-1" } }, "x")
    end
    refused("download: retries must be an integer of 0 or more, got -1", { sender = sender,
      request = request, path = "x", retries = -1 })
    refused("download: there is no option \"tries\", did you mean 'retries'? (its "
      .. "options are sender, request, path, on_progress, retries, wait, resume)",
      { sender = sender, tries = 1 })
  end)
end)
