-- A recording: a file that can be read is answered from, and what is recorded of these answers is
-- the same; of a damaged one it is said, in a sentence, where and why.
--
-- The input: the file, or the lines behind its first one.

local Request = require "viesti.message.request"
local cassette = require "viesti.testing.cassette"
local exchange = require "viesti.testing.exchange"
local promise = require "spec.fuzz.promise"
local redaction = require "viesti.tracing.redaction"

local FIRST_LINE = '{"viesti":"cassette","version":1}\n'
local RULES = redaction.new()
local PATH = promise.path()

local function request_of(kept)
  local made, request = pcall(Request, { method = kept.method, url = kept.url,
    content = kept.body, headers = {} })
  return made and request or promise.sentence(request)
end

-- The line of what such a request comes to; nil if that cannot be written.
local function recorded(read, request)
  local response, err = exchange.replay(read, request)
  assert(response or err, "neither a response nor an error")
  if err then
    promise.sentence((tostring(err):gsub("[\r\n]", " "))) -- a message may be the file's
  end
  local line, wrong = exchange.encode(request, response, err, RULES)
  return line or promise.sentence(wrong)
end

local function check_exchange(line)
  local read, wrong = exchange.decode(line)
  if not read then
    return promise.sentence(wrong)
  end
  local request = request_of(read.request)
  if request then
    local first = recorded(read, request)
    local second = first and recorded(assert(exchange.decode(first)), request)
    promise.same(first, second, "recorded again")
  end
end

local function check_file(text)
  promise.write(PATH, text)
  local read, wrong = cassette.read(PATH, RULES)
  os.remove(PATH)
  if not read then
    promise.sentence(wrong)
  end
end

return function(text)
  check_file(text)
  check_file(FIRST_LINE .. text)
  for line in text:gmatch "[^\n]+" do
    check_exchange(line)
  end
end
