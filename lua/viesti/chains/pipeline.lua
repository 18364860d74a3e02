--- Pipeline: the chain of a chain file, whatever that says at present: `pipeline:reload()` reads it
--- again. It prints and describes itself as its chain does.
local core = require "viesti.core"
local ExtendingSender = require "viesti.senders.extending"
local Request = require "viesti.message.request"

---@class viesti.Pipeline: viesti.ExtendingSender
---@field sender viesti.Sender the chain
local Pipeline = ExtendingSender:extend "Pipeline"

local function take(self, edition)
  local chain = edition.chain
  self.edition = edition
  self.sender, self.is_async, self.time_source = chain, chain.is_async, self.clock or chain
end

function Pipeline:send(request)
  request = request or Request.from(request) -- which says what is missing
  if self.closed then
    return nil, core.error("closed", "the pipeline is closed", Request.from(request), "no")
  end
  return self.edition:send(request)
end

-- From the next request on it goes by that file. Where that is broken, nothing changes.
local function go_by(self, file)
  if self.closed then
    return nil, "the pipeline is closed"
  end
  local edition, reason = file:run(self.edition)
  if not edition then
    return nil, reason
  elseif self.closed then -- meanwhile
    edition:finish()
    return nil, "the pipeline is closed"
  end
  local before = self.edition
  self.file = file
  take(self, edition)
  before:retire()
  return true
end

-- Each time anew, for those around it: another edition may tell another time.
function Pipeline:now()
  return Pipeline.super.now(self)
end

--- Reads the file again, and from the next request on goes by what it says. Requests under way
--- finish on the chain they are in, which is closed with the last of them. Stores, limits and
--- sessions that the file names again with the same options are kept. Where it is broken, nothing
--- changes.
---@return true? done, string? reason nil and what is wrong with the file
function Pipeline:reload()
  return go_by(self, self.file)
end

--- Whether the file says something else than when it was last read, by `load` or `reload`, or is
--- there no longer; also where that failed, so that what is broken is tried once.
---@return boolean
function Pipeline:changed()
  return (self.file:has_changed())
end

--- Closes all that the file has made: requests under way end with the error `closed`. What the host
--- gave to it stays open.
function Pipeline:close()
  self.closed = true
  self.edition:finish_all()
end

-- Over another sender it would be another chain than the file's: it is the chain.
function Pipeline:with_sender(sender)
  return sender
end

function Pipeline:describe()
  return self.sender:describe()
end

Pipeline.__tostring = function(self)
  return tostring(self.sender)
end

--- The pipeline of a file: a new one, or one that has gone by another file before; or nil and what
--- is wrong with the file, in a sentence.
---@param file viesti.ChainFile
---@param pipeline? viesti.Pipeline
---@return viesti.Pipeline? pipeline, string? reason
function Pipeline.open(file, pipeline)
  if pipeline then
    local done, wrong = go_by(pipeline, file)
    return done and pipeline or nil, wrong
  end
  local edition, reason = file:run()
  if not edition then
    return nil, reason
  end
  local self = Pipeline { sender = edition.chain }
  self.file, self.closed = file, false
  take(self, edition)
  return self
end

return Pipeline
