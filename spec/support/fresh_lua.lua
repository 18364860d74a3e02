-- Runs a script in a Lua interpreter of its own, which sees the same modules as we do and runs
-- under the same sanitizer, with further variables in its environment if given by name. Returns
-- what it printed, to stderr too; raises if it fails.

local process = require("spec.support.process")

return function(script, variables)
  local words = {
    "env",
    process.quote("LUA_PATH_5_4=" .. package.path),
    process.quote("LUA_CPATH_5_4=" .. package.cpath),
  }
  for name, value in pairs(variables or {}) do
    words[#words + 1] = process.quote(name .. "=" .. value)
  end
  return process.run(("%s %s %s -e %s"):format(table.concat(words, " "),
    os.getenv("RUN_UNDER") or "", process.interpreter(), process.quote(script)))
end
