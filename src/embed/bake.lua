-- Writes a C file that holds Lua modules, whose files are below `lua`: bake.lua OUTPUT FILE...
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

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function bytes(text)
  local lines = {}
  for position = 1, #text, 20 do
    lines[#lines + 1] = table.concat({ text:byte(position, position + 19) }, ",")
  end
  return table.concat(lines, ",\n")
end

local out <close> = assert(io.open(output, "wb"))
out:write '/* Made by src/embed/bake.lua. */\n#include "embed/baked.h"\n\n'
local list = modules()
for index, module in ipairs(list) do
  local text = read(module.path)
  module.length = #text
  out:write(("static const unsigned char text_%d[] = {\n%s};\n\n"):format(index, bytes(text)))
end
out:write "const vi_baked vi_baked_modules[] = {\n"
for index, module in ipairs(list) do
  out:write(('    {"%s", text_%d, %d},\n'):format(module.name, index, module.length))
end
out:write "    {0, 0, 0},\n};\n"
