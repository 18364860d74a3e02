--- chain{ outermost, ..., concrete }: the chain that nested construction would build.
local class = require "viesti.base.class"
local innermost = require "viesti.senders.innermost"
local core = require "viesti.core"
local format = require "viesti.base.format"
local Sender = require "viesti.senders.sender"
local tables = require "viesti.base.tables"

local function refuse(sentence, ...)
  error(core.place() .. "chain" .. sentence:format(...), 0)
end

local function check(senders)
  if not tables.is_list(senders) or #senders == 0 then
    refuse(" needs a list of senders, outermost first, without gaps or names")
  end
  for index, sender in ipairs(senders) do
    if not class.is(sender, Sender) then
      refuse(": item %d must be a sender, got %s", index, format.given(sender))
    elseif index < #senders and not sender.with_sender then
      refuse(": %s is item %d of %d, but it takes no inner sender; it must be the last",
        sender.name, index, #senders)
    elseif index < #senders and (sender._given.sender or sender.is_composed) then
      refuse(": %s is item %d of %d, but it was given an inner sender of its own",
        sender.name, index, #senders)
    end
  end
  local circle = innermost.circle(senders[#senders])
  if circle then
    refuse(": item %d, %s", #senders, circle)
  end
end

--- Builds a chain from a list of senders, outermost first. Each but the last is put over the next
--- one; those given stay as they are.
---@param senders viesti.Sender[]
---@return viesti.Sender
return function(senders)
  check(senders)
  local built = senders[#senders]
  for index = #senders - 1, 1, -1 do
    built = senders[index]:with_sender(built)
  end
  return built
end
