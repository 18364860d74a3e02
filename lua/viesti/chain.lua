--- chain{ outermost, ..., concrete }: the chain that nested construction would build.
local class = require "viesti.class"
local format = require "viesti.format"
local Sender = require "viesti.senders.sender"
local tables = require "viesti.tables"

local function check(senders)
  if not tables.is_list(senders) or #senders == 0 then
    error("chain needs a list of senders, outermost first, without gaps or names", 3)
  end
  for index, sender in ipairs(senders) do
    if not class.is(sender, Sender) then
      error(("chain: item %d must be a sender, got %s"):format(index, format.given(sender)), 3)
    elseif index < #senders and not sender.with_sender then
      error(("chain: %s is item %d of %d, but it takes no inner sender; it must be the last")
        :format(sender.name, index, #senders), 3)
    elseif index < #senders and sender._given.sender then
      error(("chain: %s is item %d of %d, but it was given an inner sender of its own")
        :format(sender.name, index, #senders), 3)
    end
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
