-- Runs a script in a Lua interpreter of its own, which sees the same modules as we do and runs
-- under the same sanitizer. Returns what it printed, to stderr too; raises if it fails. `prefix`: a
-- command that starts the interpreter, such as one that sets a limit.

local process = require("spec.support.process")

return function(script, prefix)
  return process.run(process.script_command(script, prefix))
end
