---@meta viesti.loops.cqueues
-- Made from the declarations in the code by `make docs`. For editors: not to be run.

---@class viesti.loops.cqueues
local cqueues = {}

--- Lets a controller drive viesti's loop: tasks run, and requests proceed, while it is stepped. It
--- keeps `controller:loop()` from returning until it is closed.
---@param controller userdata what cqueues.new returns
---@return viesti.loops.cqueues.Attachment
function cqueues.attach(controller) end

--- What attach returns. A to-be-closed variable that holds it is closed with its block.
---@class viesti.loops.cqueues.Attachment
local Attachment = {}

--- Detaches viesti; `controller:loop` then returns when its own coroutines are done. Tasks that are
--- under way stay where they are. Closing again does nothing.
function Attachment:close() end

return cqueues
