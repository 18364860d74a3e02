-- Child processes that end with the process that started them: the launcher reads a pipe whose
-- other end only the starter holds, and ends its child at the first line or at the pipe's end.

local process = {}

local Process = {}
Process.__index = Process

-- A test process may run under a preloaded sanitizer. exec also spares the shell's leak report.
local clean_exec = "unset LD_PRELOAD ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; exec "

function process.quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- Runs one simple command and returns what it printed, without the last line end.
function process.run(command)
  local pipe <close> = assert(io.popen(clean_exec .. command .. " 2>&1", "r"))
  local output = pipe:read("a"):gsub("\n$", "")
  if not pipe:close() then
    error(("%s: %s"):format(command, output), 2)
  end
  return output
end

function process.interpreter()
  return os.getenv("LUA") or "lua5.4"
end

-- The command that runs a Lua module of ours as a program, seeing the same modules as we do.
function process.lua_command(module, ...)
  local words = {
    "env",
    process.quote("LUA_PATH_5_4=" .. package.path),
    process.quote("LUA_CPATH_5_4=" .. package.cpath),
    process.interpreter(),
    process.quote(assert(package.searchpath(module, package.path))),
  }
  for _, argument in ipairs({ ... }) do
    words[#words + 1] = process.quote(argument)
  end
  return table.concat(words, " ")
end

-- The command that runs a script in a Lua interpreter of its own, which sees the same modules as we
-- do and runs under the same sanitizer. `prefix`: a command that starts the interpreter.
function process.script_command(script, prefix)
  return ("env %s %s %s %s %s -e %s"):format(
    process.quote("LUA_PATH_5_4=" .. package.path),
    process.quote("LUA_CPATH_5_4=" .. package.cpath), prefix or "", os.getenv("RUN_UNDER") or "",
    process.interpreter(), process.quote(script))
end

-- A pipe from such a script, which runs beside us.
function process.popen_script(script)
  return assert(io.popen(clean_exec .. process.script_command(script) .. " 2>&1"))
end

function process.temporary_directory()
  return process.run([[mktemp -d "${TMPDIR:-/tmp}/viesti.XXXXXXXX"]])
end

-- command: shell text that ends in an exec, so that the child is what the kill hits.
-- directory: the child's own; what the child prints lands there, and it is removed at the end.
function process.start(directory, command)
  local launch = process.lua_command("spec.support.launcher", directory, command)
  local redirect = (" >%s 2>&1"):format(process.quote(directory .. "/output"))
  return setmetatable({
    directory = directory,
    pipe = assert(io.popen(clean_exec .. launch .. redirect, "w")),
  }, Process)
end

function Process:output()
  local file <close> = io.open(self.directory .. "/output", "r")
  return file and file:read("a") or ""
end

-- Returns when the child is gone and its directory removed. Further calls do nothing.
function Process:stop()
  local pipe = self.pipe
  self.pipe = nil
  if pipe then
    -- Not the pipe's end alone: a forked copy of this process may still hold it.
    pipe:write("stop\n")
    pipe:close()
  end
end

Process.__close = Process.stop

return process
