-- Examples of the documentation run as programs, one after the other, in a folder of their own.
--
--   local folder <close> = example_folder.new(stand_ins)
--   folder:run(example)        raises what it printed, where that is not what it says
--
-- A Lua example is a program that has `viesti`; one with a name is only written down, for those
-- behind it. In a dialogue with the shell `lua5.4` and `viesti` are ours.

local c_program = require "spec.support.c_program"
local command = require "spec.support.command"
local pages = require "spec.support.pages"
local process = require "spec.support.process"

local example_folder = {}

local Folder = {}
Folder.__index = Folder

-- Modules that stand in the folder are found there.
local here = [[env LUA_INIT_5_4='package.path = "./?.lua;" .. package.path']]

-- stand_ins: names that pages use, and what is there instead, as pairs.
function example_folder.new(stand_ins)
  local folder = setmetatable({ path = process.temporary_directory(), stand_ins = stand_ins },
    Folder)
  process.run("mkdir " .. process.quote(folder.path .. "/.bin"))
  for name, line in pairs { ["lua5.4"] = command.interpreter(here), viesti = command.line {} } do
    folder:write(".bin/" .. name, ('#!/bin/sh\nPATH=%s\nexec %s "$@"\n'):format(
      process.quote(os.getenv "PATH"), line))
    process.run("chmod +x " .. process.quote(folder.path .. "/.bin/" .. name))
  end
  return folder
end

function Folder:__close()
  process.run("rm -r " .. process.quote(self.path))
end

local function replaced(text, from, to)
  return (text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%"))))
end

-- Puts what we have in the place of what pages name; or, of what is printed, back.
function example_folder.placed(stand_ins, text, back)
  for _, pair in ipairs(stand_ins) do
    text = replaced(text, pair[back and 2 or 1], pair[back and 1 or 2])
  end
  return text
end

function Folder:write(name, text)
  local file <close> = assert(io.open(self.path .. "/" .. name, "wb"))
  file:write(text)
end

function Folder:read(name)
  local file <close> = assert(io.open(self.path .. "/" .. name, "rb"))
  return file:read "a"
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  return lines
end

-- in_order: else only each promised line has to be there, since two outputs mix as they like.
local function expect(promised, text, what, in_order)
  local lines = lines_of(text)
  local good = #lines == #promised
  for index, promise in ipairs(promised) do
    local found = false
    for place = in_order and index or 1, in_order and index or #lines do
      found = found or lines[place] ~= nil and pages.keeps(promise, lines[place])
    end
    good = good and found
  end
  if not good then
    error(("%s\nsays that it prints\n%s\nand prints\n%s"):format(what,
      table.concat(promised, "\n"), text), 0)
  end
end

-- What runs in the folder prints, with the pages' own names for things.
function Folder:shell(text)
  local result = command.shell("PATH=$PWD/.bin:$PATH\n" .. text, self.path)
  return self:placed(result.out .. result.err, true)
end

function Folder:placed(text, back)
  return example_folder.placed(self.stand_ins, text, back)
end

local runners = {}

function runners.lua(self, text)
  self:write("example.lua", 'local viesti = require "viesti"; ' .. self:placed(text))
  expect(pages.promised(text, "-->"), self:shell "lua5.4 example.lua 2>&1", text, true)
end

function runners.console(self, text)
  for _, step in ipairs(pages.dialogue(text)) do
    expect(step.printed, self:shell(self:placed(step.typed)), step.typed)
  end
end

function runners.c(self, text)
  local program <close> = c_program.build(self:placed(text))
  local _, output = program:run()
  expect(pages.promised(text, "//->"), self:placed(output, true), text, true)
end

function Folder:run(example)
  if example.name then
    self:write(example.name, self:placed(example.text))
  elseif runners[example.language] then
    runners[example.language](self, example.text)
  end
end

return example_folder
