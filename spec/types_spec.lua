local core = require "viesti.core"
local declarations = require "spec.support.declarations"
local edition = require "viesti.chains.edition"
local internal = dofile "tools/internal.lua"
local optional = require "viesti.base.optional"
local option_types = require "spec.support.option_types"
local process = require "spec.support.process"
local redis = require "viesti.redis"
local sandbox = require "viesti.chains.sandbox"
local sqlite = require "viesti.sqlite"
local stubs = require "spec.support.stubs"
local tables = require "viesti.base.tables"
local viesti = require "viesti"

local sorted = tables.sorted_keys

local FOLDERS = { "library", "chain_file" }

local function files_below(folder)
  local list = {}
  local names <close> = assert(io.popen(("cd %s && find %s -name '*.lua' | LC_ALL=C sort"):format(
    folder, table.concat(FOLDERS, " "))))
  for name in names:lines() do
    list[#list + 1] = name
  end
  return list
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do
    set[name] = true
  end
  return set
end

local upvalue = declarations.upvalue

describe("the stubs for editors", function()
  local known

  setup(function()
    known = {}
    for _, name in ipairs(files_below "lua/viesti/types") do
      stubs.read("lua/viesti/types/" .. name, known)
    end
  end)

  it("are what the declarations and annotations in the code say (make docs writes them)", function()
    local folder = os.tmpname()
    os.remove(folder)
    finally(function() os.execute(("rm -rf '%s'"):format(folder)) end)
    process.run(("%s %s tools/stubs %s"):format(os.getenv "RUN_UNDER" or "", process.interpreter(),
      folder))
    local names = files_below(folder)
    assert.same(files_below "lua/viesti/types", names)
    for _, name in ipairs(names) do
      local made, kept = read(folder .. "/" .. name), read("lua/viesti/types/" .. name)
      local line_of, number = kept:gmatch "[^\n]*", 0
      for line in made:gmatch "[^\n]*" do
        number = number + 1
        assert.equal(line, line_of(), ("%s:%d"):format(name, number))
      end
      assert.equal(#made, #kept, name)
    end
  end)

  it("are Lua, and name no type that there is not", function()
    for _, name in ipairs(files_below "lua/viesti/types") do
      assert.is_truthy(loadfile("lua/viesti/types/" .. name))
    end
    assert.is_truthy(next(known.names))
    for name, where in pairs(known.names) do
      assert.is_truthy(known.classes[name] or known.aliases[name], where .. ": " .. name)
    end
  end)

  describe("of a module", function()
    -- What a table has, and what its class in the stubs has, but for what is viesti's own affair.
    local function assert_same_names(object, class_name)
      local class = assert(known.classes[class_name], class_name)
      local names = set_of(stubs.members(known, class, "fields"))
      for _, name in ipairs(stubs.members(known, class, "methods")) do
        names[name] = true
      end
      assert.same(sorted(object), sorted(names), class_name)
    end

    it("have every name in it and no other", function()
      local names = set_of(sorted(viesti))
      for name in pairs(optional.MODULES) do
        names[name] = true
      end
      assert_same_names(names, "viesti")
      assert_same_names(viesti.policies, "viesti.Policies")
      assert_same_names(viesti.testing, "viesti.Testing")
      for _, name in ipairs { "cqueues", "luv", "select" } do
        assert_same_names(require("viesti.loops." .. name), "viesti.loops." .. name)
      end
    end)

    it("say which of them are functions, and how they are called", function()
      for name, value in pairs(viesti) do
        local method = known.classes.viesti.methods[name]
        assert.equal(type(value) == "function", method ~= nil, name)
        local info = method and debug.getinfo(value, "u")
        if info and debug.getinfo(value, "S").what == "Lua" and not info.isvararg then
          local count = select(2, method.list:gsub("[^, ]+", ""))
          assert.equal(info.nparams, count, name)
        end
      end
    end)

    it("have the names that a chain file finds and no other", function()
      local env = sandbox.environment(edition(), {})
      local found = {}
      for _, list in ipairs { viesti, optional.MODULES } do
        for name in pairs(list) do
          found[name] = env[name] ~= nil or nil
        end
      end
      assert.is_true(found.chain and found.sqlite)
      assert.same(sorted(found), sorted(known.globals))
    end)
  end)

  describe("of a class", function()
    local needed

    setup(function()
      needed = declarations.needed()
    end)

    teardown(function()
      os.remove(needed.Har.path)
    end)

    local function own_methods(Class)
      local names, hidden = {}, set_of(internal[Class.name])
      while Class do
        for _, name in ipairs(internal[Class.name] or {}) do
          assert.equal("function", type(Class[name]), Class.name .. ":" .. name)
          hidden[name] = true
        end
        for name, value in pairs(Class) do
          if type(value) == "function" and not name:find "^__" then
            names[name] = true
          end
        end
        Class = rawget(Class, "super")
      end
      for name in pairs(hidden) do
        names[name] = nil
      end
      return names
    end

    it("have every method that it has and no other", function()
      for short_name, Class in pairs(declarations.classes()) do
        local class_name = "viesti." .. short_name
        if Class.extend then
          local class = known.classes[class_name]
          local names = own_methods(Class)
          names.send = names.send or Class == viesti.Sender or nil -- which each has to define
          assert.same(sorted(names), stubs.members(known, class, "methods"), class_name)
        else
          local class, names = known.classes[class_name .. ".Class"], set_of(sorted(Class))
          for _, name in ipairs(internal[Class.name] or {}) do
            names[name] = nil
          end
          names.name, names.options = nil, nil
          assert.same(sorted(names), sorted(class.methods), class_name)
        end
      end
    end)

    it("have no field that its objects lack, unless it may be nil", function()
      local count = 0
      for short_name, Class in pairs(declarations.classes()) do
        local class_name = "viesti." .. short_name
        if Class.extend and not (Class.missing and Class:missing()) then
          local object = Class(needed[Class.name] or {})
          local class = known.classes[class_name]
          for _, name in ipairs(stubs.members(known, class, "fields")) do
            local alternatives = {}
            for _, one in ipairs(stubs.member(known, class, "fields", name).type) do
              alternatives[one.name or one.kind] = true
            end
            count = count + 1
            assert.is_true(object[name] ~= nil or alternatives["nil"] or alternatives.any
              or false, class_name .. "." .. name)
          end
          if object.close then
            object:close()
          end
        end
      end
      assert.is_true(count > 100)
    end)

    local function assert_same_options(owner, declaration)
      local class = known.classes[owner]
      local names = {}
      for _, spec in ipairs(declaration) do
        local field = assert(stubs.member(known, class, "fields", spec.name),
          owner .. "." .. spec.name)
        names[spec.name] = true
        assert.equal(not spec.required, field.optional, owner .. "." .. spec.name)
        if spec.fields then
          assert_same_options(field.type[1].name, spec.fields)
        else
          option_types.assert_same(owner, spec, field.type)
        end
      end
      assert.same(sorted(names), stubs.members(known, class, "fields"), owner)
    end

    it("have every option with its type, and whether it has to be given", function()
      for name, list in pairs(declarations.lists()) do
        if #list > 0 then
          assert_same_options(("viesti.%s.Options"):format(name), list)
        end
      end
    end)

    it("can be called with a table of options, or with all of them in their order", function()
      for short_name, Class in pairs(declarations.classes()) do
        local name = "viesti." .. short_name
        local calls = (known.classes[name .. ".Class"] or known.classes[name]).calls
        if not (Class.missing and Class:missing()) then
          assert.equal(2, #calls, name)
          assert.equal(name .. ".Options", calls[1].parameters[1].type[1].name)
          local positions = {}
          for _, spec in ipairs(Class.options) do
            positions[#positions + 1] = not spec.by_name and spec.name or nil
          end
          for index, parameter in ipairs(calls[2].parameters) do
            assert.equal(positions[index], parameter.name)
          end
          assert.equal(#positions, #calls[2].parameters, name)
        end
      end
    end)
  end)

  describe("of an object", function()
    local function assert_same_methods(class_name, methods)
      local names = {}
      for name, value in pairs(methods) do
        if type(name) == "string" and type(value) == "function" and not name:find "^__" then
          names[name] = true
        end
      end
      for _, name in ipairs(internal[class_name:match "%w+$"] or {}) do
        assert.is_truthy(names[name] or rawget(rawget(viesti, class_name:match "%w+$") or {}, name),
          class_name .. ": " .. name)
        names[name] = nil
      end
      local found = set_of(stubs.members(known, known.classes[class_name], "methods"))
      for name in pairs((known.classes[class_name .. ".Class"] or { methods = {} }).methods) do
        found[name] = true -- which the methods of objects stand beside
      end
      assert.same(sorted(names), sorted(found), class_name)
    end

    it("of the core's have every method and no other", function()
      for _, name in ipairs { "Request", "Response", "Headers", "Session", "Store", "Task", "Loop",
        "Error", "Multipart" } do
        assert_same_methods("viesti." .. name, core[name])
      end
    end)

    it("that is a store, an attachment or a warning has every method and no other", function()
      local path = os.tmpname()
      local file, server = sqlite { path = path }, redis {}
      local tiered = viesti.tiered { viesti.Store(), server }
      finally(function()
        file:close()
        server:close()
        os.execute(("rm -f '%s'*"):format(path))
      end)
      assert_same_methods("viesti.Sqlite", getmetatable(file))
      assert_same_methods("viesti.Redis", getmetatable(server))
      assert_same_methods("viesti.Tiered", getmetatable(tiered))
      assert_same_methods("viesti.WarningCategory", getmetatable(viesti.TaskWarning))
      for _, name in ipairs { "cqueues", "luv", "select" } do
        assert_same_methods(("viesti.loops.%s.Attachment"):format(name),
          upvalue(require("viesti.loops." .. name).attach, "Attachment"))
      end
    end)

    it("that is a pipeline, or a clock, has what its stub has and no more", function()
      local pipeline <close> = assert(viesti.load "return SyncSender {}")
      local Pipeline = getmetatable(pipeline)
      local names = stubs.members(known, known.classes["viesti.Pipeline"], "methods")
      for _, name in ipairs(names) do
        assert.equal("function", type(pipeline[name]), name)
      end
      for name, value in pairs(Pipeline) do
        local is_public = type(value) == "function" and not name:find "^__" and name ~= "open"
        assert.is_true(not is_public or set_of(names)[name], name)
      end
      local clock = known.classes["viesti.TestClock"]
      assert.same(sorted(viesti.testing.clock()), stubs.members(known, clock, "fields"))
    end)

    -- The names that the core's __index compares with.
    local function fields_in(path, pattern)
      local names = {}
      for name in read(path):gmatch(pattern) do
        names[name] = true
      end
      return names
    end

    it("of the core's have the fields that the core knows", function()
      local of_request = fields_in("src/binding/request.c", 'strcmp%(key, "([%w_]+)"%)')
      for _, spec in ipairs(viesti.Request.options) do
        of_request[spec.name] = true
      end
      of_request.omitted = true
      assert.same(sorted(of_request),
        stubs.members(known, known.classes["viesti.Request"], "fields"))
      local of_response = fields_in("src/binding/response_fields.c", '{"([%w_]+)", FIELD_')
      for _, name in ipairs { "history", "hedged", "give_up" } do -- which layers add
        of_response[name] = true
      end
      assert.same(sorted(of_response),
        stubs.members(known, known.classes["viesti.Response"], "fields"))
    end)

    it("that says why there is no response has its fields, and a kind that there is", function()
      local request = viesti.Request { url = "http://a.example" }
      local err = viesti.Error { kind = "timeout", message = "x", request = request, sent = "no" }
      local fields = known.classes["viesti.Error"].fields
      for name in pairs(err) do
        assert.is_truthy(fields[name], name)
      end
      local kinds = {}
      for _, one in ipairs(known.aliases["viesti.ErrorKind"]) do
        kinds[one.value] = true
        assert(viesti.Error(one.value, "x"))
      end
      local section = read("docs/reference.md"):match "## The kinds of error\n(.*)$"
      local told = {}
      for name in section:gmatch "\n| `([%w_]+)`" do
        told[name] = true
      end
      assert.same(sorted(told), sorted(kinds))
    end)
  end)
end)

describe("the reader of stubs", function()
  it("takes types apart, and refuses what is none", function()
    assert.same({ { kind = "literal", value = "a" }, { kind = "name", name = "nil" } },
      stubs.type '"a"|nil')
    assert.equal("function", stubs.type("(fun(a?: integer, ...: any): string?, any)|nil")[1].kind)
    for _, wrong in ipairs { "integer|", "string[", "fun(a: )", "{ a: }", "table<string", "a b",
      "fun(token: fun(): any, b?: integer)", "'x'", "" } do
      assert.is_false((pcall(stubs.type, wrong)), wrong)
    end
  end)
end)
