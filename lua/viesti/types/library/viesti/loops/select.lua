---@meta viesti.loops.select
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.loops.select
local select = {}

--- Lets `socket.select` drive viesti's loop while it waits for the sockets in its lists. It then
--- also returns, as if its time were up, when viesti's loop had something to do. Without any list
--- it only waits, as ever. Code that had `socket.select` in a local variable before is not reached.
---@return viesti.loops.select.Attachment
function select.attach() end

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.select.Attachment
local Attachment = {}

--- Puts `socket.select` back. Tasks that are under way stay where they are. Closing again does
--- nothing.
function Attachment:close() end

return select
