--- Large bodies, which a store that can keeps apart from their entries, in pieces: written while a
--- response streams through, read while one streams out of the cache. No more than a piece or two
--- is in memory.
local core = require "viesti.core"

local bodies = {}

local PIECE = 256 * 1024

-- An entry names its body by how long it is and what the store calls it. A piece carries a checksum
-- of itself and its place, so that none is taken for another.

local function mark_of(name, number)
  return ("%s %d "):format(name, number)
end

local function seal(name, number, piece)
  return string.pack("<I4", core.checksum(mark_of(name, number), piece)) .. piece
end

-- The piece, or nil: it is damaged, or gone.
local function unseal(name, number, sealed)
  if type(sealed) ~= "string" or #sealed < 4 then
    return nil
  end
  local piece = sealed:sub(5)
  return core.checksum(mark_of(name, number), piece) == string.unpack("<I4", sealed) and piece
    or nil
end

---@class viesti.bodies.Writer
local Writer = {}
Writer.__index = Writer

local function new_writer(far, expected)
  return setmetatable({ far = far, expected = expected, parts = {}, held = 0, length = 0,
    number = 0 }, Writer)
end

-- Hands the store what is held. Where it takes no more, all is dropped.
local function flush(self, piece)
  self.name = self.name or self.far:call("begin_body", self.expected)
  self.number = self.number + 1
  local written = self.name and not self.dropped and self.far:call("write_body", self.name,
    self.number, seal(self.name, self.number, piece))
  if not written or self.dropped then -- closed meanwhile
    self:drop()
  end
end

function Writer:drop()
  if self.name then
    self.far:call("drop_body", self.name)
  end
  self.dropped, self.parts, self.name = true, {}, nil
end

function Writer:add(bytes)
  if self.dropped then
    return
  end
  self.length, self.held = self.length + #bytes, self.held + #bytes
  self.parts[#self.parts + 1] = bytes
  if self.held < PIECE then
    return
  end
  local held = table.concat(self.parts)
  local position = 1
  while #held - position + 1 >= PIECE and not self.dropped do
    flush(self, held:sub(position, position + PIECE - 1))
    position = position + PIECE
  end
  self.parts, self.held = { held:sub(position) }, #held - position + 1
end

-- Makes the entry of `line` one with this body; false where the store does not have it.
function Writer:finish(line)
  if not self.name and not self.dropped then
    line.entry, line.body = core.entry_with_body(line.entry, table.concat(self.parts), false), nil
    return line.entry ~= nil
  elseif not self.dropped and self.held > 0 then
    flush(self, table.concat(self.parts))
  end
  if self.dropped then
    return false
  end
  line.body = ("%d %s"):format(self.length, self.name)
  line.entry = core.entry_with_body(line.entry, line.body, true)
  return line.entry ~= nil
end

local function begin(self)
  self.busy = true
  return self
end

local function end_turn(self)
  self.busy = false
end

-- A class of what bodies pass through: with one reader at a time, whatever he has to wait for.
local function new_passage()
  local class = { begin = begin, __close = end_turn }
  class.__index = class
  return class
end

---@class viesti.bodies.Recording
local Recording = new_passage()

-- How long the body is to be, nil where its head does not say that: of what was decoded it says the
-- length before.
local function length_of(response)
  local said = not response.encoding and response.headers["Content-Length"]
  return said and math.tointeger(tonumber(said)) or nil
end

-- Nothing of the body is seen before it ended as it should; what it replaces is there till then.
local function keep(self, response)
  local line, length = self.line, self.writer.length
  if response.complete ~= true or (self.writer.expected or length) ~= length then
    return self.writer:drop()
  end
  line.seconds = line.seconds - (core.now() - self.begun)
  if self.writer:finish(line) then
    self.replaced[#self.replaced + 1] = line
  end
  self.far:apply(self.replaced, self.generation)
end

-- It may come through another cache's store.
local function take_inner(self, response, most, loops)
  if self.inner then
    return self.inner:take(response, most, loops)
  end
  return core.take_bytes(response, most, loops)
end

function Recording:take(response, most, loops)
  local bytes, err = take_inner(self, response, most, loops)
  if self.ended then
    return bytes, err
  elseif bytes then
    self.writer:add(bytes)
    return bytes
  end
  self.ended = true
  if err then
    self.writer:drop()
  else
    keep(self, response)
  end
  return nil, err
end

function Recording:close()
  if self.inner then
    self.inner:close()
  end
  if not self.ended then
    self.ended = true
    self.writer:drop()
  end
end

-- Takes the lines that remove what the one at `index` replaces off the list, and that one.
local function take_off(lines, index)
  local line, replaced = table.remove(lines, index), {}
  for place = index - 1, 1, -1 do
    if lines[place].kind == "remove" and lines[place].key == line.key then
      table.insert(replaced, 1, table.remove(lines, place))
    end
  end
  return line, replaced
end

--- Has the body of a streamed response stored while it is read, if the list of what is to be done
--- in the store has its head.
---@return viesti.Response
function bodies.record(far, response, lines, generation)
  for index, line in ipairs(lines) do
    if line.body == "" then
      local recording = setmetatable({ far = far, generation = generation, begun = core.now(),
        writer = new_writer(far, length_of(response)) }, Recording)
      recording.line, recording.replaced = take_off(lines, index)
      response, recording.inner = core.with_passage(response, recording)
      return response
    end
  end
  return response
end

---@class viesti.bodies.Reading
local Reading = new_passage()

-- The next piece, nil at the end; false: it cannot be had, or is gone, and the rest is of no use.
local function next_piece(self)
  if self.left == 0 then
    return nil
  end
  self.number = self.number + 1
  local done, sealed = self.far:try("read_body", self.token, self.number)
  local piece = unseal(self.token, self.number, sealed)
  if not piece or #piece > self.left or #piece == 0 then
    if done then
      self.far:call("drop_body", self.token)
    end
    return false
  end
  self.left = self.left - #piece
  return piece
end

function Reading:take(response, most)
  local piece = self.piece
  if piece == nil then
    piece = next_piece(self)
  end
  if piece == nil then
    core.passed(response)
    return nil
  elseif not piece then
    self.piece = false
    local err = core.error("truncated",
      "the stored body was dropped or damaged while it was read", self.request)
    core.passed(response, err)
    return nil, err
  end
  self.piece = nil
  if most and most < #piece then
    self.piece = piece:sub(most + 1)
    piece = piece:sub(1, most)
  end
  return piece
end

function Reading:close()
  self.piece = nil
end

local function new_reading(far, name, request)
  local length, token = name:match "^(%d+) (.+)$"
  return setmetatable({ far = far, token = token, number = 0, request = request,
    left = length and math.tointeger(tonumber(length)) or 1 }, Reading)
end

--- The response with its body as a stream out of the store, if that is where it stands.
---@return viesti.Response
function bodies.open(far, response, request)
  local name = core.apart_body(response)
  return name and (core.with_passage(response, new_reading(far, name, request))) or response
end

-- All of a body; nil: it is gone.
local function read_all(far, name)
  if not far.keeps_bodies then
    return nil
  end
  local reading, pieces = new_reading(far, name), {}
  local piece = next_piece(reading)
  while piece do
    pieces[#pieces + 1] = piece
    piece = next_piece(reading)
  end
  return piece == nil and table.concat(pieces) or nil
end

--- The response with all of its body, wherever that stands; nil: it is gone.
---@return viesti.Response?
function bodies.fill(far, response)
  local name = core.apart_body(response)
  if not name then
    return response
  end
  local body = read_all(far, name)
  return body and core.with_body(response, body)
end

-- The entry with its body in it; nil: that is gone.
local function whole(far, entry, name)
  local body = read_all(far, name)
  return body and core.entry_with_body(entry, body, false)
end

--- Whether the body of any of these entries stands apart.
---@param entries string[]
---@return boolean
function bodies.any_apart(entries)
  for _, entry in ipairs(entries) do
    if type(entry) == "string" and core.entry_body(entry) then
      return true
    end
  end
  return false
end

--- The entries for those who need bodies in them: those that stand apart are read, and entries
--- whose body is gone left out.
---@param entries string[]
---@return string[]
function bodies.gather(far, entries)
  local gathered = entries
  for index, entry in ipairs(entries) do
    local name = type(entry) == "string" and core.entry_body(entry)
    if name and gathered == entries then
      gathered = table.move(entries, 1, index - 1, 1, {})
    end
    if gathered ~= entries then
      gathered[#gathered + 1] = name and whole(far, entry, name) or not name and entry or nil
    end
  end
  return gathered
end

--- Puts the body of an entry apart, where it is large; false where the store does not take it.
---@return boolean
function bodies.split(far, line)
  if line.body or #line.entry <= PIECE then
    return true
  end
  local body = core.entry_body(line.entry, true)
  if not body then
    return true
  end
  local writer = new_writer(far, #body)
  for first = 1, #body, PIECE do
    writer:add(body:sub(first, first + PIECE - 1))
  end
  return writer:finish(line)
end

--- Drops the body of an entry that is not put after all.
function bodies.drop(far, line)
  local token = bodies.token(line.body)
  if token then
    far:call("drop_body", token)
  end
end

--- Reads a response to its end for the sake of what is stored of it; ends it if that is nothing.
function bodies.drain(response)
  local _ <close> = response
  while response.cache.stored and response:read() do end
end

--- What a store calls the body that an entry names.
---@param name string?
---@return string?
function bodies.token(name)
  return name and name:match "^%d+ (.+)$"
end

return bodies
