-- Runs the command viesti as it stands in the source tree, under the sanitizer that we run under.
--
--   local result = command.run({ "-f", url })       result.code, result.out, result.err
--   command.run({ "-" }, { stdin = "http://…\n", folder = where, prefix = "env …",
--     after = "| head" })
--   local screen, code = command.on_terminal({ "-o", path, url })

local lfs = require("lfs")
local process = require("spec.support.process")

local command = {}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function quoted(words)
  local list = {}
  for index, word in ipairs(words) do
    list[index] = process.quote(word)
  end
  return table.concat(list, " ")
end

-- The paths of ours, as others than we see them.
local function absolute(paths)
  return (paths:gsub("[^;]+", function(path)
    return path:find("^/") and path or lfs.currentdir() .. "/" .. path
  end))
end

-- The shell text that starts a Lua interpreter, which sees our modules from any folder.
function command.interpreter(prefix)
  return table.concat({
    "env", process.quote("LUA_PATH_5_4=" .. absolute(package.path)),
    process.quote("LUA_CPATH_5_4=" .. absolute(package.cpath)),
    prefix or "", os.getenv("RUN_UNDER") or "", process.interpreter(),
  }, " ")
end

-- The shell text that runs the command, with these arguments.
function command.line(arguments, prefix)
  return table.concat({ command.interpreter(prefix),
    process.quote(lfs.currentdir() .. "/bin/viesti"), quoted(arguments) }, " ")
end

local clean = "unset LD_PRELOAD ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; "

-- Runs shell text; what it writes to standard error is told apart.
function command.shell(text, folder)
  local err = os.tmpname()
  local pipe = assert(io.popen(("%scd %s && { %s\n} 2>%s"):format(clean,
    process.quote(folder or "."), text, err)))
  local out = pipe:read("a")
  local _, _, code = pipe:close()
  local result = { code = code, out = out, err = read(err) }
  os.remove(err)
  return result
end

-- choices: stdin (its text; else there is nothing), folder, prefix, after (shell text behind it).
function command.run(arguments, choices)
  choices = choices or {}
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(choices.stdin or "")
  file:close()
  local result = command.shell(("%s <%s %s"):format(command.line(arguments, choices.prefix), path,
    choices.after or ""), choices.folder)
  os.remove(path)
  return result
end

-- What a terminal of 80 columns shows, byte by byte, and the exit code. `after`: redirections.
function command.on_terminal(arguments, after)
  local text = "stty cols 80; " .. command.line(arguments) .. " " .. (after or "")
  local result = command.shell(("script -qec %s /dev/null </dev/null"):format(process.quote(text)))
  return result.out, result.code
end

return command
