-- C programs against the library that the specs run with, built as a user would build them:
--
--   local program <close> = c_program.build "examples/c/get.c"
--   local ok, output = program:run(url)

local process = require "spec.support.process"

local c_program = {}

local STANDARD = { c = "-std=c11", cc = "-x c++ -std=c++11 -fno-exceptions" }

local Program = {}
Program.__index = Program

-- The command that runs the program with such arguments, under the same sanitizer as we do.
function Program:command(...)
  local words = { os.getenv "RUN_UNDER" or "", self.path }
  for _, argument in ipairs { ... } do
    words[#words + 1] = process.quote(argument)
  end
  return table.concat(words, " ")
end

-- Runs it; returns whether it ended well, and what it printed.
function Program:run(...)
  local pipe = assert(io.popen(self:command(...) .. " 2>&1"))
  local output = pipe:read "a"
  return pipe:close(), output
end

function Program:close()
  os.remove(self.path)
  if self.written then
    os.remove(self.written)
  end
end

Program.__close = Program.close

-- Compiles a source of ours, or a text that is C (or, with `language` "cc", C++). One that is built
-- `apart` is not linked with the library.
function c_program.build(source, language, apart)
  local program = setmetatable({ path = os.tmpname() }, Program)
  if source:find "\n" then
    program.written = program.path .. "." .. (language or "c")
    local file <close> = assert(io.open(program.written, "w"))
    file:write(source)
  end
  local build, sanitize = os.getenv "BUILD" or "build", os.getenv "SANITIZE" or ""
  process.run(table.concat({
    os.getenv "CC" or "cc", STANDARD[language or "c"], "-Wall -Wextra -Werror -Isrc",
    "-o", program.path, program.written or source, "-x none",
    apart and "-ldl" or build .. "/libviesti.so",
    "-Wl,-rpath," .. build, "-lpthread", sanitize ~= "" and "-fsanitize=" .. sanitize or "",
  }, " "))
  return program
end

return c_program
