-- What test_lua_out_of_memory plays while memory runs out: functions by name, each from nothing to
-- nothing. Called with the URL of an origin; run by a state that has opened the library.

local url = ...
local viesti = require("viesti")

viesti.TaskWarning:set("ignore")
local session = viesti.Session({ timeout = 5 })
local sync, async = viesti.SyncSender(session), viesti.AsyncSender(session)

local scenarios = {}

local function got(value, err)
  if value == nil then
    error(err, 0)
  end
  return value
end

function scenarios.chain()
  local chain <close> = viesti.chain({ viesti.Client(), viesti.CachingSender({ max_size = 10 }),
    viesti.RetryingSender({ retries = 1 }),
    viesti.SyncSender({ timeout = 5, curl = { REFERER = "http://before/" } }) })
  assert(#tostring(chain) > 90)
  assert(chain:describe().sender.sender.options.retries == 1)
end

function scenarios.chain_file()
  local chain <close> = got(viesti.load("return CachingSender { store = Store {} }"))
  local store = chain.sender.store
  got(chain:reload())
  assert(rawequal(store, chain.sender.store))
end

function scenarios.untrusted()
  local chain <close> = got(viesti.load("return RetryingSender { policy = policies.never }", nil,
    { trusted = false }))
  assert(chain.sender.policy() == false)
end

function scenarios.request()
  local sender <close> = viesti.SyncSender({ timeout = 5 })
  local response = got(sender:send({ method = "POST", url = url, params = { q = 1 },
    headers = { A = { 1, 2 }, Accept = false, Cookie = "a=b" },
    json = { list = { 1, 2 }, text = "x" } }))
  assert(response.status_code == 200 and response.headers.etag == '"1"')
  assert(response.headers:get_all("vary")[1] == "Accept")
  assert(#response.body == 28)
  assert(tostring(response):find("200", 1, true) and response.timings.total > 0)
end

-- A request that layers change on its way: the sender holds on to what they have made of it.
function scenarios.changed()
  local sender <close> = viesti.chain({ viesti.DefaultsSender({ headers = { A = "1" } }),
    viesti.AuthenticatingSender({ bearer = "token" }), viesti.DeadlineSender({ max_time = 5 }),
    viesti.SyncSender({ timeout = 5 }) })
  local request = viesti.Request({ url = url, params = { q = 1 } })
  assert(#got(sender:send(request)).body == 28)
  assert(#request.headers == 0)
end

function scenarios.plain_request()
  local text = ("text/"):rep(200)
  local request = viesti.Request({ method = "POST", url = url, params = { q = 1, r = true },
    headers = { A = 1 }, json = { list = { 1, 2.5 }, text = text } })
  assert(#request.body > 1000 and request.json.text == text and request.params.q == 1)
  got(sync:send({ method = "POST", url = url, data = { a = "b" } }))
end

function scenarios.stream()
  local sender <close> = viesti.SyncSender({ timeout = 5 })
  local size = 0
  for chunk in got(sender:send({ url = url, stream = true })):chunks(10) do
    size = size + #chunk
  end
  assert(size == 28)
end

local core, held = require("viesti.core"), 0

local function give_back(lease)
  if lease.holds then
    lease.holds, held = false, held - 1
  end
end

local Lease = { __close = give_back, __gc = give_back }

-- Whatever fails, no lease is left, and none is given back twice.
function scenarios.endings()
  collectgarbage()
  assert(held == 0)
  local response = got(sync:send({ url = url, stream = true }))
  local leases = { setmetatable({ holds = false }, Lease), setmetatable({ holds = false }, Lease) }
  for _, lease in ipairs(leases) do
    lease.holds, held = true, held + 1
    core.on_end(response, lease)
    response = response:annotated(nil, { note = 1 })
  end
  local bytes, err
  repeat
    bytes, err = response:read(10)
  until not bytes
  got(err == nil or nil, err)
  assert(held == 0)
end

local long = ("x"):rep(20000)

-- A stream of what is there already, behind which comes an error, traced.
function scenarios.mock()
  local events = 0
  local sender = viesti.TracingSender({
    on_event = function() events = events + 1 end,
    sender = viesti.MockSender({ routes = {
      { answer = { body = long, error = "truncated" } } } }),
  })
  local response = got(sender:send({ url = url, stream = true }))
  local size, bytes, err = 0, response:read()
  while bytes do
    size = size + #bytes
    bytes, err = response:read()
  end
  assert(size == 20000 and err.kind == "truncated" and events == 3, tostring(err))
end

local limited = viesti.ConcurrencyLimitingSender({ limit = 1, key = "all",
  sender = viesti.CircuitBreakingSender({ minimum = 1000000, sender = sync }) })

-- Whatever fails, the one slot is free for the next time.
function scenarios.limits()
  collectgarbage()
  assert(limited.slots:state("all") == 0)
  local response <close> = got(limited:send({ url = url, stream = true }))
  got(response:annotated(nil, { note = 1 }):read(1))
  assert(limited.slots:state("all") == 1)
  collectgarbage()
  assert(limited.slots:state("all") == 0)
  assert(#got(limited:send({ url = url })).body == 28)
  viesti.run(function()
    local tasks <close> = limited:with_sender(viesti.AsyncSender({ timeout = 5 }))
    local task <close> = viesti.spawn(function() return got(tasks:send({ url = url })) end)
    assert(got(tasks:send({ url = url })) and got(task:join()))
  end)
  assert(limited.slots:state("all") == 0)
end

local function upload(sender)
  local left = 2
  local response = got(sender:send({ method = "PUT", url = url, length = 2000,
    content = function()
      left = left - 1
      return left >= 0 and ("x"):rep(1000) or nil
    end }))
  assert(response.status_code == 200)
end

function scenarios.upload()
  upload(sync)
  upload(async)
end

function scenarios.tasks()
  local sender <close> = viesti.AsyncSender({ timeout = 5 })
  local first, second = viesti.run(function()
    local task = viesti.spawn(function() return got(sender:send({ url = url })) end)
    local response = got(sender:send({ url = url, headers = { A = "b" } }))
    viesti.sleep(0)
    return response, got(task:join())
  end)
  assert(first.status_code == 200 and second.status_code == 200)
end

function scenarios.cache()
  local cache = viesti.CachingSender({ sender = sync })
  local request = viesti.Request({ url = url, headers = { Accept = "*/*" } })
  local first = got(cache:send(request))
  local second = got(cache:send(request))
  assert(first.body == second.body and #second.body == 28)
end

local keyed = viesti.CachingSender({ sender = sync, partition = "a" })

function scenarios.keyed_cache()
  for _ = 1, 2 do
    local cache = got(keyed:send({ url = url })).cache
    assert(cache.forwarded == "bypass" or cache.key == "a\n" .. url)
  end
  keyed:clear()
end

function scenarios.failure()
  local response, err = sync:send({ url = "http://127.0.0.1:1/" })
  assert(response == nil)
  if err.kind == "out_of_memory" then
    error(err)
  end
  assert(err.kind == "connect" and err.request.url == "http://127.0.0.1:1/")
  assert(tostring(err):find("^connect: .*GET http"))
  assert(tostring(viesti.Error("script", "x")) == "script: x")
end

function scenarios.cancel()
  viesti.run(function()
    local sender <close> = viesti.AsyncSender({ timeout = 5 })
    local closed = 0
    local function task(wait)
      return viesti.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        wait()
      end)
    end
    local sends <close> = task(function() got(sender:send({ url = url })) end)
    local sleeps <close> = task(function() viesti.sleep(60) end)
    viesti.sleep(0)
    for _, waiting in ipairs({ sends, sleeps }) do
      assert(waiting:cancel() or waiting:join())
    end
    assert(closed == 2 and select(2, sleeps:join()).kind == "cancelled")
  end)
end

function scenarios.values()
  local request = viesti.Request({ method = "POST", url = url, params = { a = "b c" },
    data = { d = "e" } })
  local copy = request:with({ headers = { A = "b" }, secret_headers = { "A" } })
    :with({ params = { f = 1 } })
  assert(copy.url == url .. "?a=b%20c&f=1" and copy.body == "d=e")
  local response = viesti.Response({ url = url, headers = { A = "b" }, body = "x" })
  assert(#response:annotated(true, { history = {} }).attempts == 0)
  assert(tostring(response.headers) == "A: b\n" and response.body == "x")
end

function scenarios.cookies()
  local jar <close> = viesti.Session({ cookies = true })
  assert(jar:add_cookie("Set-Cookie: a=b; domain=127.0.0.1"))
  assert(#jar:cookies() == 1)
end

return scenarios
