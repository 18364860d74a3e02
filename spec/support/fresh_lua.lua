-- Runs a script in a Lua interpreter of its own, which sees the same modules as we do and runs
-- under the same sanitizer. Returns what it printed, to stderr too; raises if it fails. `before`:
-- shell commands that come first, such as a limit.

local process = require("spec.support.process")

return function(script, before)
  local command = ("env %s %s %s %s -e %s"):format(
    process.quote("LUA_PATH_5_4=" .. package.path),
    process.quote("LUA_CPATH_5_4=" .. package.cpath), os.getenv("RUN_UNDER") or "",
    process.interpreter(), process.quote(script))
  if before then
    command = "sh -c " .. process.quote(before .. "; exec " .. command)
  end
  return process.run(command)
end
