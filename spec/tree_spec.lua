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

describe("src", function()
  -- What each room may include, itself aside.
  local below = {
    message = {},
    transport = { message = true },
    cache = { message = true },
    stores = { message = true, cache = true },
    binding = { message = true, transport = true, cache = true, stores = true },
    embed = { message = true, transport = true, cache = true, stores = true, binding = true },
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
    local state = {}
    local function visit(path, trail)
      assert.is_not.equal("open", state[path], trail .. " > " .. path)
      if state[path] then
        return
      end
      state[path] = "open"
      for _, name in ipairs(includes[path]) do
        if includes[name] then
          visit(name, trail .. " > " .. path)
        end
      end
      state[path] = "done"
    end
    for path in pairs(includes) do
      visit(path, "")
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
  -- What each room may require, itself and the core aside.
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
    chains = "base message senders layers",
  }

  local function room_of(module)
    return module:match("^viesti%.(%l+)%.")
  end

  it("has arrows between its rooms that run down", function()
    each_file("lua/viesti", "%.lua$", function(path, text)
      local room = room_of(path:gsub("^lua/", ""):gsub("/", "."))
      for module in text:gmatch('require%s*%(?%s*"([^"]+)"') do
        local other = room_of(module)
        if below[room] and other and other ~= room then
          assert.is_truthy((" " .. below[room] .. " "):find(" " .. other .. " ", 1, true),
            ("%s requires %s"):format(path, module))
        end
      end
    end)
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
