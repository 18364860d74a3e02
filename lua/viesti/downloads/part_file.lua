--- The file that a download grows in, `path.part`, and the note beside it, `path.part.json`, that
--- says what its bytes are a part of. One download at a time has it; it becomes `path` when it is
--- whole.
local core = require "viesti.core"
local format = require "viesti.base.format"
local json = require "viesti.message.json"
local ranges = require "viesti.downloads.ranges"

---@class viesti.PartFile
---@field size integer bytes that are there
---@field validator string? tells whether they are still a part of the same; nil: not to be added to
---@field total integer? bytes of the whole, as far as is known
local PartFile = {}
PartFile.__index = PartFile

local LONGEST_NOTE = 64 * 1024
local OWNER_WRITES = tonumber("600", 8) -- what goes on is opened again

local function read_note(name)
  local file <close> = io.open(name, "rb")
  local note = file and json.decode(file:read(LONGEST_NOTE) or "")
  return type(note) == "table" and note or {}
end

-- What the note says holds only as far as it can be true: anybody may have written it.
local function recall(self)
  local note = read_note(self.note_name)
  local total = note.total
  if note.url == self.url and ranges.is_validator(note.validator) and (total == nil
      or math.type(total) == "integer" and total >= self.size) then
    self.validator, self.total = note.validator, total
  end
end

--- The part of `path`, or of the file that a link there leads to, for a download from `url`; or
--- nil and why it cannot be written. Without `resumes` it is begun anew, and not left for others.
---@return viesti.PartFile? part, string? reason
function PartFile.open(path, url, resumes)
  local target, what, mode = core.file_target(path)
  if not target then
    return nil, what
  elseif what == "other" then
    return nil, format.value(path) .. " is no regular file"
  end
  local name = target .. ".part"
  local file, reason = core.open_locked(name)
  if not file then
    return nil, reason
  elseif mode then
    core.set_mode(file, mode | OWNER_WRITES)
  end
  file:setvbuf "no" -- what is counted is in the file, however the process ends
  local self = setmetatable({
    file = file, path = target, mode = mode, url = url, name = name, note_name = name .. ".json",
    size = file:seek "end", resumes = resumes,
  }, PartFile)
  if resumes and self.size > 0 then
    recall(self)
  end
  return self
end

--- The name of what an interrupted download of `path` has left to go on with; nil: nothing.
---@param path string
---@return string?
function PartFile.left(path)
  local target = core.file_target(path)
  local note <close> = target and io.open(target .. ".part.json", "rb") or nil
  return note and target .. ".part"
end

--- Where to go on: behind the bytes that are there, or from the start.
function PartFile:offset()
  return self.validator and self.size or 0
end

--- Its bytes are a part of nothing that is still to be had.
function PartFile:forget()
  self.validator, self.total = nil, nil
end

-- The note is written while the file is empty: at no moment does it speak of other bytes.
local function write_note(self)
  local note = { url = self.url, validator = self.validator, total = self.total }
  return core.write_private(self.note_name, (assert(json.encode(note))))
end

--- Empty again, for what `validator` and `total` (nil if unknown) describe.
---@return boolean? done, string? reason
function PartFile:begin(validator, total)
  self.changed = true
  self.validator, self.total = self.resumes and validator or nil, total
  local done, reason = core.truncate_file(self.file)
  if not done then
    return nil, ("%s: %s"):format(self.name, reason)
  end
  self.size = 0
  if self.validator then
    return write_note(self)
  end
  os.remove(self.note_name)
  return true
end

---@return boolean? done, string? reason
function PartFile:append(bytes)
  self.changed = true
  local written, reason = self.file:write(bytes)
  if not written then
    return nil, ("%s: %s"):format(self.name, reason)
  end
  self.size = self.size + #bytes
  return true
end

--- It is whole: gives it its name, when it is safely on the disk.
---@return boolean? done, string? reason
function PartFile:finish()
  local done, reason = core.sync_file(self.file)
  if done and self.mode then
    done, reason = core.set_mode(self.file, self.mode)
  end
  if done then
    done, reason = os.rename(self.name, self.path)
  else
    self:forget() -- who knows what is in it
  end
  if not done then
    return nil, ("%s: %s"):format(self.path, reason)
  end
  os.remove(self.note_name)
  self.finished = true
  return true
end

-- What cannot be added to is not left behind, but for what was there before and is as it was. The
-- file is closed last, since that lets others in.
function PartFile:__close()
  if not self.finished and (self.size == 0 or self.changed and not self.validator) then
    os.remove(self.note_name)
    os.remove(self.name)
  end
  self.file:close()
end

return PartFile
