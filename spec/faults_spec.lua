local viesti = require("viesti")
local certificates = require("spec.support.certificates").make()
local downloads = require("spec.support.downloads")
local fault_places = require("spec.support.fault_places")
local faults = require("spec.support.faults")
local fixture = require("spec.support.fixture")
local streams = require("spec.support.streams")
local ways = require("spec.support.ways")

local KEPT = { headers = { { "Cache-Control", "max-age=0" } }, etag = '"v0"', body = "kept" }

local function each_case(call)
  for _, section in ipairs(faults.sections) do
    for _, case in ipairs(section.cases) do
      call(case, section)
    end
  end
end

local function may_be_sent_again(case, method)
  return case.again == "any" or case.again == "idempotent" and method ~= "POST"
end

local function assert_verdict(case, err, method)
  assert.same({ case.kind, case.timeout, case.sent or "maybe", may_be_sent_again(case, method) },
    { err.kind, err.timeout, err.sent, err.retryable })
end

for _, way in ipairs(ways) do
  describe("To " .. way.name .. ",", function()
    local server = fixture.origin()
    local places

    setup(function()
      places = fault_places.start(server, certificates)
    end)

    teardown(function()
      places:stop()
    end)

    -- Where the case happens, by a session with which options, and where else that one can send.
    local function aim(case)
      if case.at then
        return places[case.at]()
      end
      server:route("/x", case.answer)
      return server.url .. "/x", case.session or {}, server.url .. "/echo"
    end

    -- One connection: what a request leaves taken is missed by the next.
    local function new_sender(options)
      local given = { max_body = faults.max_body, max_connections = 1 }
      for name, value in pairs(options) do
        given[name] = value
      end
      return way.sender(given)
    end

    local function request(case, sender, url, more)
      local given = { url = url, deadline = case.deadline and sender:now() + case.deadline }
      for _, options in ipairs({ case.request or {}, more or {} }) do
        for name, value in pairs(options) do
          given[name] = value
        end
      end
      return given
    end

    -- The session has its one connection free, and on it the next request gets its own answer.
    local function assert_goes_on(case, sender, well)
      if well then
        local response = assert(sender:send({ url = well, timeout = 60 }))
        assert.equal(200, response.status_code)
        if case.keeps ~= "mostly" then
          assert.equal(case.keeps or false, response.reused)
        end
      end
    end

    local function promise(text, check)
      each_case(function(case)
        it(("%s %s"):format(case[1], text:gsub("{(%w+)}", case)), function()
          way.run(function()
            local url, options, well = aim(case)
            local sender <close> = new_sender(options)
            check(case, sender, url, well)
          end)
        end)
      end)
    end

    promise("is the error {kind}, and the next request gets its answer", function(case, sender,
      url, well)
      for _, method in ipairs({ "GET", "POST" }) do
        local response, err = sender:send(request(case, sender, url, { method = method }))
        assert.is_nil(response)
        assert_verdict(case, err, method)
        assert.equal("integer", math.type(err.code))
        assert.same({ method, url }, { err.request.method, err.request.url })
        assert.equal(("%s: %s (%s %s)"):format(err.kind, err.message, method, url), tostring(err))
        assert_goes_on(case, sender, well)
      end
    end)

    promise("ends a stream behind what came before it", function(case, sender, url, well)
      local response, err = sender:send(request(case, sender, url, { stream = true }))
      if case.stream == nil then
        assert.is_nil(response)
        assert_verdict(case, err, "GET")
      elseif case.stream == false then
        assert.is_string(assert(response):read())
        response:close()
      else
        local bytes, reason = streams.read_all(assert(response))
        if case.stream == true then
          assert.same({ faults.max_body + 1, nil, true }, { #bytes, reason, response.complete })
        else
          assert.same({ case.stream, false }, { bytes, response.complete })
          assert_verdict(case, reason, "GET")
        end
      end
      if case.stream ~= true then
        assert_goes_on(case, sender, well)
      end
    end)

    -- A stream whose head is there has taken the place of what was kept, whatever follows it.
    promise("leaves nothing in a cache, and in it what was there", function(case, sender, url)
      local store = viesti.Store()
      local caching = viesti.CachingSender({ store = store, sender = sender })
      local function send(more)
        return caching:send(request(case, sender, url, more))
      end
      local function serves_what_was_kept()
        server:route("/x", KEPT)
        local response = assert(caching:send({ url = url }))
        assert.equal("kept", response.body)
        return response.from_cache
      end
      if case.answer then
        serves_what_was_kept()
        server:route("/x", case.answer)
      end
      local before = store:count()
      local response, err = send()
      assert.is_nil(response)
      assert_verdict(case, err, "GET")
      assert.equal(before, store:count())
      assert.is_true(before == 0 or serves_what_was_kept())
      if type(case.stream) ~= "boolean" then
        aim(case)
        response = send({ stream = true })
        if response then
          streams.read_all(response)
        end
        assert.equal(response and 0 or before, store:count())
      end
    end)

    promise("leaves the file that was there, and what a download can go on with", function(case,
      sender, url)
      if case.stream == false then
        return -- nobody would wait for its end
      end
      local place = downloads.place(server)
      finally(function() place:remove() end)
      downloads.write(place.path, "old")
      local given = request(case, sender, url)
      local size, err = viesti.download(sender, given, place.path)
      if case.download == "file" then
        assert.same({ faults.max_body + 1, "file" }, { size, place:files() })
        assert.equal(size, #downloads.read(place.path))
      else
        assert.is_nil(size)
        assert_verdict(case, err, "GET")
        assert.equal("file" .. (case.download == "part" and " file.part file.part.json" or ""),
          place:files())
        assert.equal("old", downloads.read(place.path))
      end
    end)
  end)
end

-- All at once, as nobody would send them one by one.
describe("What goes wrong side by side", function()
  local server = fixture.origin()

  it("is to each what it is alone", function()
    local cases = {}
    each_case(function(case)
      if case.answer and not case.session and not case.deadline then
        cases[#cases + 1] = case
        server:route("/x/" .. #cases, case.answer)
      end
    end)
    local sender <close> = viesti.AsyncSender({ max_body = faults.max_body })
    local _, errors = viesti.map(cases, function(case, index)
      return sender:send({ url = ("%s/x/%d"):format(server.url, index),
        timeout = case.request and case.request.timeout })
    end, { concurrency = #cases })
    for index, case in ipairs(cases) do
      assert.same({ case[1], case.kind }, { case[1], errors[index].kind })
      assert_verdict(case, errors[index], "GET")
    end
  end)
end)
