-- A file of cookies, and a Set-Cookie field: what is taken is a cookie to libcurl, too, and is read
-- back from what is written; what is not taken is said in a sentence with its line.
--
-- The input: the file. Its lines are taken for Set-Cookie fields as well.

local Session = require "viesti.transport.session"
local cookies = require "viesti.transport.cookies"
local core = require "viesti.core"
local promise = require "spec.fuzz.promise"

local URL = "https://www.example.org/a/b"
local MOST_FIELDS = 20

local function check_file(session, text)
  local lines, reason = cookies.read_file(text)
  if not lines then
    promise.sentence(reason)
    assert(reason:find "^line %d+: ", "it does not say which line")
    return
  end
  local written = table.concat(lines, "\n")
  local again = assert(cookies.read_file(written))
  promise.same(written, table.concat(again, "\n"), "the lines read again")
  for _, line in ipairs(lines) do
    core.add_cookie(session, line)
  end
end

local function check_fields(session, text)
  local count = 0
  for line in text:gmatch "[^\n]+" do
    count = count + 1
    for _, url in ipairs { URL, false } do
      local done, reason = session:add_cookie(line, url or nil)
      if not done then
        promise.sentence(reason)
      end
    end
    if count == MOST_FIELDS then
      return
    end
  end
end

return function(text)
  local session <close> = Session { cookies = true }
  check_file(session, text)
  check_fields(session, text)
  local kept = session:cookies()
  for _, line in ipairs(kept) do
    assert(not line:find "[\r\n]" and line:find "^[^\t]+\t", "no line of a cookie file")
  end
  local again <close> = Session { cookies = true }
  for _, line in ipairs(assert(cookies.read_file(table.concat(kept, "\n")))) do
    core.add_cookie(again, line)
  end
  promise.same(#kept, #again:cookies(), "cookies read from what was saved")
end
