-- What a chain does, shown against a real nginx: each line with its time and with the number of
-- requests that the server counted. Run by `make demo`.
local nginx = require "spec.support.nginx"
local viesti = require "viesti"

local CONCURRENT = 200

local server <close> = nginx.start { files = { ["data.json"] = '{ "message": "hello" }' } }

local function chain(concrete)
  return viesti.chain {
    viesti.Client {},
    viesti.CachingSender { max_size = 1000 },
    viesti.RetryingSender { retries = 3, backoff = { base = 1, jitter = "none" } },
    concrete,
  }
end

local sync = chain(viesti.SyncSender { timeout = 10 })
local async = chain(viesti.AsyncSender { timeout = 10 })

local function get(client, path)
  return assert(client:send { url = server.url .. path })
end

local function show(what, action)
  local requests, start = server:requests(), sync:now()
  local outcome = action()
  local seconds = sync:now() - start
  print(("  %-44s %9.1f ms %6d   %s"):format(
    what, seconds * 1000, server:requests() - requests, outcome))
  return seconds
end

local function outcome(response)
  local attempts = #response.attempts > 1 and (", %d attempts"):format(#response.attempts) or ""
  local source = response.from_cache and " from cache" or ""
  return response.status_code .. source .. attempts
end

local function show_get(what, client, path)
  return show(what, function()
    return outcome(get(client, path))
  end)
end

local function heading(client)
  print("\n" .. tostring(client) .. "\n")
  print(("  %-44s %12s %6s   %s"):format("", "time", "wire", "answer"))
end

local function all_succeeded(responses)
  for _, response in ipairs(responses) do
    assert(response:is_success(), tostring(response))
  end
  return ("%d x 200"):format(#responses)
end

local paths = {}
for index = 1, CONCURRENT do
  paths[index] = "/delay/10ms?request=" .. index
end

print(("viesti %s over libcurl %s, against nginx on %s"):format(
  viesti.VERSION, viesti.CURL_VERSION, server.url))

heading(sync)
show_get("cold request", sync, "/cache/max-age/data.json")
show_get("the same again: a cache hit", sync, "/cache/max-age/data.json")
get(sync, "/cache/short/data.json")
sync:sleep(1.5)
show_get("stale after a second: revalidated by a 304", sync, "/cache/short/data.json")
get(sync, "/limited")
show_get("429, waited out as Retry-After asks", sync, "/limited")
get(sync, "/flaky")
show_get("503, retried after a wait", sync, "/flaky")
local one_by_one = show(CONCURRENT .. " requests of 10 ms, one by one", function()
  local responses = {}
  for index, path in ipairs(paths) do
    responses[index] = get(sync, path)
  end
  return all_succeeded(responses)
end)

heading(async)
local at_once = show(CONCURRENT .. " requests of 10 ms, all at once", function()
  return all_succeeded((viesti.map(paths, function(path)
    return get(async, path)
  end, { concurrency = CONCURRENT })))
end)
show(CONCURRENT .. " cache hits at once, after one cold request", function()
  get(async, "/cache/max-age/data.json")
  return all_succeeded((viesti.map(paths, function()
    return get(async, "/cache/max-age/data.json")
  end, { concurrency = CONCURRENT })))
end)

print(("\nAll at once is %.0f times as fast as one by one.\n"):format(one_by_one / at_once))
sync:close()
async:close()
