-- Runs a script in a Lua interpreter of its own, which sees the same modules as we do and runs
-- under the same sanitizer. Returns what it printed, to stderr too; raises if it fails. `prefix`: a
-- command that starts the interpreter, such as one that sets a limit.

local process = require("spec.support.process")

return function(script, prefix)
  return process.run(("env %s %s %s %s %s -e %s"):format(
    process.quote("LUA_PATH_5_4=" .. package.path),
    process.quote("LUA_CPATH_5_4=" .. package.cpath), prefix or "", os.getenv("RUN_UNDER") or "",
    process.interpreter(), process.quote(script)))
end
