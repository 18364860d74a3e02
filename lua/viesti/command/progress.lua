--- The bar on a terminal: how far the one request is, or how many of many are done.
local core = require "viesti.core"
local units = require "viesti.command.units"

---@class viesti.command.Progress
local Progress = {}
Progress.__index = Progress

local PAUSE = 0.1 -- seconds between two drawings
local BAR = 30
local LINE_START, ERASE = "\r", "\27[K"

local function bar(part)
  local full = math.floor(BAR * math.min(1, part))
  return ("[%s%s] %3d%%"):format(("="):rep(full), (" "):rep(BAR - full), math.floor(part * 100))
end

local function line_of(self)
  local seconds = math.max(core.now() - self.started, 0.001)
  local amount = ("%s  %s/s"):format(units.bytes(self.bytes), units.bytes(self.bytes // seconds))
  if self.count == 1 then
    return self.total and self.total > 0 and bar(self.bytes / self.total) .. "  " .. amount
      or amount
  end
  return ("%s  %d of %d%s  %s"):format(bar(self.done / self.count), self.done, self.count,
    self.failed > 0 and (", %d failed"):format(self.failed) or "", amount)
end

local function draw(self, at_once)
  local now = core.now()
  if at_once or now - self.drawn >= PAUSE then
    self.drawn = now
    self.file:write(LINE_START, line_of(self):sub(1, self.width - 1), ERASE)
    self.shown = true
  end
end

--- So many bytes more have come, of `total` of that body, if it is known.
function Progress:add(bytes, total)
  self.bytes, self.total = self.bytes + bytes, total
  draw(self)
end

--- One more request is done.
function Progress:finish(failed)
  self.done = self.done + 1
  self.failed = self.failed + (failed and 1 or 0)
  draw(self, self.done == self.count)
end

--- Takes the bar away, so that something else can be said.
function Progress:hide()
  if self.shown then
    self.file:write(LINE_START, ERASE)
    self.shown = false
  end
end

Progress.__close = Progress.hide

-- The same without anything to see.
local Nothing = { __close = function() end }
Nothing.__index = Nothing
function Nothing.add() end
function Nothing.finish() end
function Nothing.hide() end

--- For `count` requests. `width`: the terminal's columns; nil: there is none.
---@param file file*
---@param count integer
---@param width integer?
return function(file, count, width)
  if not width then
    return setmetatable({}, Nothing)
  end
  file:setvbuf "no"
  return setmetatable({ file = file, count = count, width = width, started = core.now(), drawn = 0,
    bytes = 0, done = 0, failed = 0, shown = false }, Progress)
end
