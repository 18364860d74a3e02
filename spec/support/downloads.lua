-- What the specs of downloads share: a body and the answers that carry it or parts of it, and a
-- place to download to.
--
--   local place = downloads.place(server)      an empty folder; the file is place.path
--   place:fetch(sender, choices)               downloads server's /x to it

local assert = require("luassert")
local process = require("spec.support.process")
local viesti = require("viesti")

local downloads = { TAG = '"v1"' }

-- Bytes whose order shows.
local numbers = {}
for number = 1, 2000 do
  numbers[number] = ("%05d"):format(number)
end
downloads.BODY = table.concat(numbers)

local BODY = downloads.BODY

-- An answer to the letter; with `cut`, the connection is closed after that many bytes of the body.
function downloads.answer(status, fields, body, cut)
  local lines = { ("HTTP/1.1 %d Status"):format(status) }
  for name, value in pairs(fields) do
    lines[#lines + 1] = name .. ": " .. value
  end
  if not fields["Content-Length"] then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return { raw = table.concat(lines, "\r\n") .. "\r\n\r\n" .. body:sub(1, cut or -1),
    close = cut and true }
end

function downloads.whole(tag, cut)
  return downloads.answer(200, { ETag = tag }, BODY, cut)
end

-- The bytes from one position to another, or to the last, of a total that is the real one or said.
function downloads.part(first, last, tag, total)
  last = last or #BODY - 1
  return downloads.answer(206, { ETag = tag, ["Content-Range"] =
    ("bytes %d-%d/%s"):format(first, last, total or #BODY) }, BODY:sub(first + 1, last + 1))
end

-- The answer where nothing follows.
function downloads.nothing(total, tag)
  return downloads.answer(416, { ["Content-Range"] = "bytes */" .. total, ETag = tag }, "")
end

function downloads.read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read("a")
end

function downloads.write(name, text)
  local file <close> = assert(io.open(name, "wb"))
  file:write(text)
end

local Place = {}
Place.__index = Place

function downloads.place(server)
  local folder = process.temporary_directory()
  return setmetatable({ server = server, folder = folder, path = folder .. "/file" }, Place)
end

function Place:remove()
  process.run("rm -r " .. process.quote(self.folder))
end

-- The names of the files in it.
function Place:files()
  return (process.run("ls -A " .. process.quote(self.folder)):gsub("\n", " "))
end

function Place:fetch(sender, choices)
  local given = { sender = sender, request = { url = self.server.url .. "/x" }, path = self.path }
  for name, value in pairs(choices or {}) do
    given[name] = value
  end
  return viesti.download(given)
end

-- The same, when it must work.
function Place:fetched(sender, choices)
  assert.equal(#BODY, self:fetch(sender, choices))
  assert.is_true(BODY == downloads.read(self.path))
  assert.equal("file", self:files())
end

-- Leaves a part of so many bytes, by a download that is cut off; the server forgets it.
function Place:leave(sender, size, tag)
  self.server:route("/x", downloads.whole(tag or downloads.TAG, size))
  local bytes, err = self:fetch(sender)
  assert.same({ nil, "truncated" }, { bytes, err.kind })
  assert.equal("file.part file.part.json", self:files())
  assert.is_true(BODY:sub(1, size) == downloads.read(self.path .. ".part"))
  self.server:reset()
end

-- What the server was asked for so far: "range if validator" each, or false for the whole.
function Place:asked()
  local list = {}
  for index, request in ipairs(self.server:requests()) do
    assert.equal("identity", request.header("Accept-Encoding"))
    local range = request.header("Range")
    list[index] = range and range .. " if " .. request.header("If-Range") or false
  end
  return list
end

return downloads
