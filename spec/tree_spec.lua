-- Promises about the source itself, which no test of behaviour would see broken.

local lfs = require("lfs")
local viesti = require("viesti")

local function each_file(directory, ending, visit)
  for name in lfs.dir(directory) do
    local path = directory .. "/" .. name
    if not name:find("^%.") and lfs.attributes(path, "mode") == "directory" then
      each_file(path, ending, visit)
    elseif name:find(ending) then
      local file <close> = assert(io.open(path))
      visit(path, file:read("a"))
    end
  end
end

local function is_extending(class)
  while type(class) == "table" and class ~= viesti.ExtendingSender do
    class = class.super
  end
  return class ~= nil and type(class) == "table"
end

describe("an extending sender", function()
  local senders = {}

  setup(function()
    for _, room in ipairs({ "lua/viesti/senders", "lua/viesti/layers" }) do
      each_file(room, "%.lua$", function(path, text)
        local module = require(path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", "."))
        if is_extending(module) then
          senders[module.name] = text
        end
      end)
    end
  end)

  it("is what retries, caches, and stands outermost", function()
    for _, name in ipairs({ "ExtendingSender", "RetryingSender", "CachingSender", "Client" }) do
      assert.is_truthy(senders[name], name)
    end
  end)

  -- Only the base, which delegates it, and Client, which replaces the sender inside, know of it.
  it("never asks whether it is asynchronous in order to send", function()
    for name, text in pairs(senders) do
      if name == "ExtendingSender" or name == "Client" then
        local send = assert(text:match("\nfunction [%w_]+:send%(.-\nend"), name .. " has no send")
        assert.is_nil(send:find("async"), name .. " branches in its send")
      else
        assert.is_nil(text:find("is_async"), name .. " knows of is_async")
      end
    end
  end)

  it("has one send and no twin of it", function()
    for name, text in pairs(senders) do
      local count = select(2, text:gsub("function [%w_]+[:.]send[%w_]*%(", ""))
      assert.is_true(count <= 1, name .. " has " .. count)
      assert.is_nil(text:find("[%w_]*send_%a*sync") or text:find("async_send"), name)
    end
  end)

  it("waits by the sender inside alone", function()
    for name, text in pairs(senders) do
      for _, other in ipairs({ "core%.sleep", "core%.block", "core%.park", "coroutine%." }) do
        assert.is_nil(text:find(other), name .. " waits by itself")
      end
    end
  end)
end)

-- The files of a circle, one behind the other, in what each of them needs; nil: there is none.
local function circle_in(needs)
  local state = {}
  local function visit(one, trail)
    trail = trail .. " > " .. one
    if state[one] == "open" then
      return trail
    elseif state[one] == "done" then
      return nil
    end
    state[one] = "open"
    for _, other in ipairs(needs[one]) do
      local circle = needs[other] and visit(other, trail)
      if circle then
        return circle
      end
    end
    state[one] = "done"
  end
  for one in pairs(needs) do
    local circle = visit(one, "")
    if circle then
      return circle
    end
  end
end

describe("src", function()
  -- What each room may include, itself aside.
  local below = {
    message = {},
    transport = { message = true },
    cache = { message = true },
    stores = { message = true },
    binding = { message = true, transport = true, cache = true },
    embed = { message = true, transport = true, cache = true, binding = true },
  }
  local without_lua = { message = true, transport = true, cache = true }
  local includes = {}

  setup(function()
    each_file("src", "%.[ch]$", function(path, text)
      local list = {}
      for name in text:gmatch('#%s*include%s*[<"]([^>"]+)[>"]') do
        list[#list + 1] = name
      end
      includes[path:gsub("^src/", "")] = list
    end)
  end)

  local function room_of(path)
    return path:match("^(.-)/")
  end

  it("has the rooms of the core", function()
    local seen = {}
    for path in pairs(includes) do
      seen[room_of(path) or "."] = true
    end
    assert.is_true(seen.message and seen.transport and seen.cache and seen.binding)
  end)

  it("keeps Lua out of message, transport and cache", function()
    for path, list in pairs(includes) do
      for _, name in ipairs(without_lua[room_of(path)] and list or {}) do
        assert.is_nil(name:find("^lua") or name:find("^lauxlib"), path .. " includes " .. name)
      end
    end
  end)

  it("has arrows that run down: transport and cache know messages, and not each other", function()
    for path, list in pairs(includes) do
      local room = room_of(path)
      for _, name in ipairs(list) do
        local other = includes[name] and room_of(name)
        if room and other and other ~= room then
          assert.is_true(below[room] and below[room][other],
            ("%s includes %s"):format(path, name))
        end
      end
    end
  end)

  it("has no two files that include each other, directly or in a circle", function()
    assert.is_nil(circle_in(includes))
  end)

  it("shows nobody but the rooms above it what C programs include", function()
    for path, list in pairs(includes) do
      for _, name in ipairs(list) do
        assert.is_true(name ~= "viesti.h" or room_of(path) == "embed", path)
      end
    end
  end)

  it("finds every header of its own", function()
    for path, list in pairs(includes) do
      for _, name in ipairs(list) do
        if below[room_of(name) or ""] then
          assert.is_truthy(includes[name], ("%s includes %s"):format(path, name))
        end
      end
    end
  end)
end)

describe("lua/viesti", function()
  -- What each room may require, itself and the core aside. What stands in none is for programs.
  local below = {
    base = "",
    message = "base",
    transport = "base",
    tasks = "base",
    loops = "base",
    retrying = "base message",
    limits = "base message",
    downloads = "base message",
    tracing = "base message",
    testing = "base message",
    senders = "base message transport tracing testing",
    cache = "base message transport senders",
    layers = "base message tasks retrying limits tracing senders cache",
    chains = "base message transport tasks retrying limits tracing testing senders cache layers",
    redis = "base cache limits stores", -- the last in C
    command = "base message limits downloads tracing senders cache",
  }
  local needs = {}

  local function room_of(module)
    return module:match("^viesti%.(%l+)%.") or module == "viesti.testing" and "testing"
      or module == "viesti.command" and "command" or nil
  end

  setup(function()
    each_file("lua/viesti", "%.lua$", function(path, text)
      local module = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
      local list = {}
      for name in text:gsub("%-%-[^\n]*", ""):gmatch('require%s*%(?%s*"([^"]+)"') do
        list[#list + 1] = name
      end
      if not module:find("^viesti%.types%.") then -- which no program runs
        needs[module] = list
      end
    end)
  end)

  it("has arrows between its rooms that run down", function()
    for module, list in pairs(needs) do
      local room = room_of(module)
      for _, name in ipairs(room and list or {}) do
        local other = room_of(name)
        assert.is_truthy(below[room], "nobody says what stands below " .. room)
        assert.is_true(other == nil or other == room or (" " .. below[room] .. " "):find(" "
          .. other .. " ", 1, true) ~= nil, ("%s requires %s"):format(module, name))
      end
    end
  end)

  it("is itself required by stores of their own alone, and by the command", function()
    for module, list in pairs(needs) do
      local stands_above = module:find("^viesti%.redis") or module:find("^viesti%.command")
        or module == "viesti.sqlite"
      for _, name in ipairs(stands_above and {} or list) do
        assert.is_true(name ~= "viesti", module .. " requires viesti")
      end
    end
  end)

  it("has no two modules that require each other, directly or in a circle", function()
    assert.is_nil(circle_in(needs))
  end)

  it("requires nothing of the tests, the tools and the measurements", function()
    for module, list in pairs(needs) do
      for _, name in ipairs(list) do
        assert.is_nil(name:find("^spec%.") or name:find("^tools%.") or name:find("^bench%."),
          ("%s requires %s"):format(module, name))
      end
    end
  end)

  it("keeps no module outside of a room but those that programs require", function()
    local public = { ["init.lua"] = true, ["sqlite.lua"] = true, ["redis.lua"] = true }
    for name in lfs.dir("lua/viesti") do
      assert.is_true(public[name] or not name:find("%.lua$"), name)
    end
  end)
end)

describe("a fuzz target", function()
  local guide = assert(io.open("CONTRIBUTING.md")):read("a")
  local table_of_targets = guide:match("\n## Fuzzing\n(.-)\n## ")

  for name in lfs.dir("spec/fuzz") do
    local target = name:match("^fuzz_([%w_]+)%.%w+$")
    if target then
      it(target .. " stands in the table of CONTRIBUTING.md, and has a small corpus", function()
        assert.is_truthy(table_of_targets:find("`" .. target .. "`", 1, true))
        local count, bytes = 0, 0
        each_file("spec/fuzz/corpus/" .. target, "^[^.]", function(_, text)
          count, bytes = count + 1, bytes + #text
        end)
        assert.is_true(count > 0 and count < 150 and bytes < 200 * 1024,
          ("%d files, %d bytes"):format(count, bytes))
      end)
    end
  end
end)
