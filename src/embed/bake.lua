-- Writes a C file that holds Lua modules, whose files are below `lua`: bake.lua OUTPUT FILE...
-- They are compiled, which makes opening a runtime many times faster, without what is for debuggers
-- alone, which would be a sixth of the library. All releases of Lua 5.4 run what one of them has
-- compiled, and refuse what is of another version or for other machines.
local output = ...

local function modules()
  local list = {}
  for index = 2, #arg do
    local path = arg[index]
    local name = path:match "^lua/(.*)%.lua$":gsub("/", "."):gsub("%.init$", "")
    -- What is for editors, and for the shell.
    if not name:find "^viesti%.types" and not name:find "^viesti%.command" then
      list[#list + 1] = { name = name, path = path }
    end
  end
  return list
end

local function compile(module)
  local file <close> = assert(io.open(module.path, "rb"))
  return string.dump(assert(load(file:read "a", "=" .. module.name, "t")), true)
end

local function bytes(code)
  local lines = {}
  for position = 1, #code, 20 do
    lines[#lines + 1] = table.concat({ code:byte(position, position + 19) }, ",")
  end
  return table.concat(lines, ",\n")
end

local out <close> = assert(io.open(output, "wb"))
out:write '/* Made by src/embed/bake.lua. */\n#include "embed/baked.h"\n\n'
local list = modules()
for index, module in ipairs(list) do
  local code = compile(module)
  module.length = #code
  out:write(("static const unsigned char code_%d[] = {\n%s};\n\n"):format(index, bytes(code)))
end
out:write "const vi_baked vi_baked_modules[] = {\n"
for index, module in ipairs(list) do
  out:write(('    {"%s", code_%d, %d},\n'):format(module.name, index, module.length))
end
out:write "    {0, 0, 0},\n};\n"
