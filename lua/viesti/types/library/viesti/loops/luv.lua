---@meta viesti.loops.luv
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.loops.luv
local luv = {}

--- Lets the luv loop drive viesti's: tasks run, and requests proceed, while `uv.run` does. It keeps
--- `uv.run` from returning until it is closed.
---@return viesti.loops.luv.Attachment
function luv.attach() end

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.luv.Attachment
local Attachment = {}

--- Detaches viesti; `uv.run` then returns when nothing else is left. Tasks that are under way stay
--- where they are. Closing again does nothing.
function Attachment:close() end

return luv
