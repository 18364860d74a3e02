--- Numbers as they go over the wire.
local core = require "viesti.core"

--- The shortest decimal text that reads back as the same number; whole numbers have no point.
---@type fun(number: number): string
return core.number_text
