-- What is asked for, how often, and what may come of it: a list of cases.
--
--   name      what the origin knows it by (answers.c)
--   share     how many of the requests in a cycle are of this kind; there are some 9,800
--   outcomes  the statuses and kinds of error it may end with, besides those that time brings about
--   method    "GET" unless given
--   distinct  how many URLs there are; nil: each request has its own
--   variants  how many values of X-Variant
--   host      the name that the origin goes by, where a 429 is not to hold back all others
--   act       what is done with it instead of `send` (actions.lua)
--   timeout   seconds, instead of the session's

local cases = {}

-- A machine that has other things to do may keep a healthy request waiting; and then many, until
-- its breaker opens.
local ALWAYS = { timeout = true, deadline = true, circuit_open = true }

local function case(name, share, outcomes, more)
  local made = more or {}
  made.name, made.share, made.method = name, share, made.method or "GET"
  made.label = table.concat({ made.method, name, made.act or made.timeout and "timeout" }, " ")
  made.allowed = setmetatable({}, { __index = ALWAYS })
  for outcome in outcomes:gmatch "%S+" do
    made.allowed[outcome] = true
  end
  cases[#cases + 1] = made
end

-- Two of three go wrong, so that some retries go well and some breakers open.
local function fault(name, share, outcomes, more)
  case(name, share, "200 " .. outcomes, more)
end

-- What must not be sent twice; also where the connection that was kept for it proves to be closed,
-- for that is known too late (reset).
local function fault_to_post(name, share, outcomes, host)
  case(name, share, "201 reset " .. outcomes, { method = "POST", host = host })
end

case("ok", 2200, "200")
case("page", 2000, "200", { distinct = 300 })
case("unique", 600, "200")
case("brief", 300, "200", { distinct = 20 })
case("variant", 300, "200", { distinct = 10, variants = 1000 })
case("validated", 500, "200", { distinct = 40 })
case("large", 10, "200", { distinct = 8 })
case("large", 5, "200", { act = "stream" })
case("large", 5, "200", { act = "close" })
case("large", 5, "200", { act = "drop" })
case("chunked", 60, "200")
case("chunked", 60, "200", { act = "stream" })
case("chunked", 20, "200", { act = "close" })
case("chunked", 20, "200", { act = "drop" })
case("gzip", 150, "200")
case("post", 500, "201 reset", { method = "POST" })
case("missing", 200, "404")
case("moved", 200, "200", { distinct = 300 })
case("loop", 20, "redirect")
case("closing", 300, "200")
case("closing-idle", 300, "200")
case("secure", 300, "200")
case("ok", 50, "200 cancelled", { act = "cancel" })
case("hang", 30, "200 cancelled", { act = "cancel" })
case("hang", 5, "200", { timeout = 0.01 })

fault("reset", 100, "reset")
fault("reset-in-head", 100, "reset truncated")
fault("reset-in-body", 100, "reset truncated")
fault("silent", 100, "empty_reply")
fault("short-head", 100, "truncated")
fault("short-body", 100, "truncated")
fault("short-body", 50, "truncated", { act = "stream" })
fault("short-gzip", 50, "truncated protocol")
fault("short-chunks", 50, "truncated")
fault("bad-chunk", 100, "protocol")
fault("long-body", 50, "")
fault("two-lengths", 50, "protocol")
fault("garbage", 50, "protocol")
fault("endless-head", 20, "too_large")
fault("endless-body", 4, "too_large")
fault("500", 150, "500")
fault("503", 150, "503")
fault("503-later", 50, "503")
fault("429", 40, "429 rate_limited", { host = "limited.test" })
fault("429-later", 20, "429 rate_limited", { host = "closed.test" })
fault("hang", 2, "")
fault("hang-in-body", 2, "")
fault_to_post("reset", 50, "")
fault_to_post("silent", 50, "empty_reply")
fault_to_post("short-body", 50, "truncated")
fault_to_post("500", 50, "500")
fault_to_post("503", 50, "503")
fault_to_post("429", 20, "429 rate_limited", "limited.test")
fault_to_post("hang", 2, "")

-- Which cases can be sent in which way: from C there are no streams, and what blocks is not
-- cancelled.
cases.ways = {}

function cases.ways.from_c(each)
  return not each.act or each.act == "cancel"
end

function cases.ways.in_tasks()
  return true
end

function cases.ways.blocking(each)
  return each.act ~= "cancel"
end

-- The cases of a way in the order in which they come up, over and over: each `share` times, well
-- mixed, and the same in each run.
function cases.cycle(has)
  local list, state = {}, 1
  for _, each in ipairs(cases) do
    for _ = 1, has(each) and each.share or 0 do
      list[#list + 1] = each
    end
  end
  for index = #list, 2, -1 do
    state = (state * 1103515245 + 12345) & 0x7fffffff
    local other = (state >> 8) % index + 1
    list[index], list[other] = list[other], list[index]
  end
  return list
end

function cases.by_label()
  local labels = {}
  for _, each in ipairs(cases) do
    labels[each.label] = each
  end
  return labels
end

-- The part of the URL before the number of the request. `places`: port, and the secure URL.
function cases.base(each, places)
  if each.name == "secure" then
    return places.secure
  end
  return ("http://%s:%d/%s/"):format(each.host or "127.0.0.1", places.port, each.name)
end

return cases
