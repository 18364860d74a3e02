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
