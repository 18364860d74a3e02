--- The concrete sender at the end of a chain.
local concrete = {}

---@param sender viesti.Sender
---@return viesti.Sender
function concrete.of(sender)
  while sender.sender do
    sender = sender.sender
  end
  return sender
end

--- What is wrong where a layer of the chain stands inside itself; nil: the chain has an end.
---@param sender viesti.Sender
---@return string?
function concrete.circle(sender)
  local seen = {}
  while sender do
    if seen[sender] then
      return ("%s stands inside itself; a chain ends with a sender that has no inner one"):format(
        sender.name)
    end
    seen[sender] = true
    sender = sender.sender
  end
end

--- The outermost layer of the chain that cannot be put over another sender; nil: all can.
---@param sender viesti.Sender
---@return viesti.Sender?
function concrete.stiff_layer(sender)
  while sender.sender do
    if not sender.with_sender then
      return sender
    end
    sender = sender.sender
  end
end

--- The same chain over another one.
---@param sender viesti.Sender
---@param other viesti.Sender
---@return viesti.Sender
function concrete.replaced(sender, other)
  if not sender.sender then
    return other
  end
  return sender:with_sender(concrete.replaced(sender.sender, other))
end

return concrete
