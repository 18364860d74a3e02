--- Chain files: Lua source that returns a chain, in a file or a text.
local class = require "viesti.base.class"
local innermost = require "viesti.senders.innermost"
local format = require "viesti.base.format"
local new_edition = require "viesti.chains.edition"
local sandbox = require "viesti.chains.sandbox"
local Sender = require "viesti.senders.sender"
local untrusted = require "viesti.chains.untrusted"
local warnings = require "viesti.base.warnings"

---@class viesti.ChainFile
---@field path string? nil: it is a text
---@field name string as for Lua's load
---@field text string? as it was last read; nil: it could not be read
---@field warns boolean? false: it is not told of names that mean nothing
local ChainFile = {}
ChainFile.__index = ChainFile

local MOST_UNTRUSTED = 64 * 1024 + 1 -- bytes; one more than there may be

local function read(self)
  if not self.path then
    return self.text
  end
  local file <close>, reason = io.open(self.path, "rb")
  if not file then
    return nil, reason
  end
  local text
  text, reason = file:read(self.trusted and "a" or MOST_UNTRUSTED)
  return text or not reason and "" or nil, reason and ("%s: %s"):format(self.path, reason)
end

--- Whether the file has another text than it had when it was last read. One that cannot be read is
--- another than one that could, and the other way round.
---@return boolean changed, boolean is_there
function ChainFile:has_changed()
  local text = read(self)
  return text ~= self.text, text ~= nil
end

-- `return CachingSender {}, SyncSender {}` is no chain, and would pass for its first layer.
local function only(self, count, value)
  if count > 1 then
    error(("%s: it returns %d values; layers are put over each other with chain { ... }"):format(
      self.title, count), 0)
  end
  return value
end

local PRECOMPILED = "^\27" -- what string.dump and luac write begins so

-- As in Lua's own files, a byte order mark is none of the text, and a first line for the shell
-- counts as empty.
local function returned(self, edition)
  local text = self.text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
  if text:find(PRECOMPILED) then
    error("it is precompiled, and a chain file is a text", 0)
  end
  local env = sandbox.environment(edition, self.additions)
  if not self.trusted then
    return only(self, untrusted.run(text, self.name, env, self.additions, edition))
  end
  local chunk, wrong = load(text, self.name, "t", env)
  local results = table.pack((chunk or error(wrong, 0))())
  return only(self, results.n, results[1])
end

--- What to say of the names that the file has read and that mean nothing.
---@param edition viesti.Edition
---@return string[] sentences
function ChainFile:missing(edition)
  local sentences = {}
  for _, missing in ipairs(edition.missing) do
    local hint = sandbox.hint(missing.name, self.additions, self.trusted)
    sentences[#sentences + 1] = ("%s%s is nil%s"):format(missing.place, format.given(missing.name),
      hint and ": " .. hint or ", for nothing has that name")
  end
  return sentences
end

local function run(self, edition)
  local chain = returned(self, edition)
  for _, sentence in ipairs(self.warns and self:missing(edition) or {}) do
    warnings.ChainFileWarning:emit(sentence)
  end
  return chain
end

-- What Lua says of a value that is not there, with what may have been meant.
local function with_hint(self, raised)
  local kind, name = raised:match "a nil value %((%l+) '([^']*)'%)$"
  local hint
  if kind == "global" then
    hint = sandbox.hint(name, self.additions, self.trusted)
  elseif not self.trusted and (kind == "field" or kind == "method") then
    hint = untrusted.hint(name)
  end
  return hint and ("%s: %s"):format(raised, hint) or raised
end

-- A path that is not there was taken for a text, where it does not end with ".lua".
local function is_like_a_path(text)
  return text:find "^[^%s%c(){}\"']+$" ~= nil
end

local function in_words(self, raised)
  local from, sentence = self.title .. ":", format.raised(raised)
  local has_place = sentence:find "^[^\n]*:%d+: " or sentence:sub(1, #from) == from
  sentence = with_hint(self, has_place and sentence or from .. " " .. sentence)
  if not self.path and is_like_a_path(self.text) then
    return ("there is no file %s, and as the text of a chain it is wrong: %s"):format(
      format.given(self.text), sentence)
  end
  return sentence
end

-- What is wrong with what the file returned; nil: it is a chain.
local function why_no_chain(self, returned_value)
  if not class.is(returned_value, Sender) then
    return ("%s must return a sender, such as chain { ... }, it returned %s"):format(self.title,
      format.given(returned_value))
  end
  local circle = innermost.circle(returned_value)
  return circle and ("%s: %s"):format(self.title, circle)
end

--- Reads and runs it. Returns an edition with its chain, which takes over what the one `before` has
--- named alike; or nil and what is wrong, in a sentence.
---@param before? viesti.Edition
---@return viesti.Edition? edition, string? reason
function ChainFile:run(before)
  local text, wrong = read(self)
  self.text = text
  if not text then
    return nil, wrong
  end
  local edition = new_edition(before)
  local ok, chain = pcall(run, self, edition)
  wrong = not ok and in_words(self, chain) or why_no_chain(self, chain)
  if wrong then
    edition:finish()
    return nil, wrong
  end
  edition:settle(chain)
  return edition
end

-- In sentences.
local function what_it_is(path, name)
  return name and name:gsub("^[=@]", "") or path or "the chain"
end

--- One that has not been read yet.
---@param source { path: string? , text: string?, name: string? } a path or a text
---@param additions? table<string, any>
---@param trusted boolean
---@return viesti.ChainFile
return function(source, additions, trusted)
  local path, name = source.path, source.name
  return setmetatable({ path = path, text = source.text, additions = additions,
    name = name or path and "@" .. path or "=chain", title = what_it_is(path, name),
    trusted = trusted, warns = true }, ChainFile)
end
