local command = require "spec.support.command"
local free_port = require "spec.support.free_port"
local origin = require "spec.support.origin"
local process = require "spec.support.process"
local redis_server = require "spec.support.redis_server"

-- Every example in the documentation is run as it stands, but for its host, and where its Redis is.
local EXAMPLE_HOST = "https://example.org"
local EXAMPLE_REDIS = "redis://127.0.0.1:6379"
local PAGES = { "README.md" }
do
  local list <close> = assert(io.popen "ls docs/*.md")
  for path in list:lines() do
    PAGES[#PAGES + 1] = path
  end
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function blocks(page, language)
  local list, position = {}, 1
  local text = read(page)
  while true do
    local from, to, block = text:find("\n```" .. language .. "\n(.-)\n```", position)
    if not from then
      return list
    end
    list[#list + 1] = block
    position = to
  end
end

describe("the documentation", function()
  local server, redis

  setup(function()
    server, redis = origin.start(), redis_server.start { port = free_port() }
    server:route("/data.json", { headers = { { "Content-Type", "application/json" } },
      body = '{"title":"hello"}' })
    server:route("/fresh.json", { headers = { { "Content-Type", "application/json" },
      { "Cache-Control", "max-age=60" } }, body = '{"title":"hello"}' })
    server:route("/", { body = "hello" })
    server:route("/old.json", { status = 301, headers = { { "Location", "/data.json" } } })
  end)

  teardown(function()
    server:stop()
    redis:stop()
  end)

  -- What stands beside a file of SQLite's goes with it.
  local function temporary_names()
    local names = {}
    finally(function()
      for _, name in ipairs(names) do
        for _, ending in ipairs { "", "-wal", "-shm" } do
          os.remove(name .. ending)
        end
      end
    end)
    return function()
      names[#names + 1] = os.tmpname()
      return names[#names]
    end
  end

  -- Puts our servers in the place of those that the page names; or, of what is printed, back.
  local function placed(text, back)
    local there, here = { EXAMPLE_HOST, EXAMPLE_REDIS },
      { server.url, "redis://127.0.0.1:" .. redis.port }
    for index = 1, #there do
      local from, to = there[index], here[index]
      if back then
        from, to = to, from
      end
      text = text:gsub(from:gsub("%p", "%%%0"), to)
    end
    return text
  end

  local function environment(output)
    local printed = function(...)
      local parts = table.pack(...)
      for index = 1, parts.n do
        parts[index] = tostring(parts[index])
      end
      output[#output + 1] = table.concat(parts, "\t")
    end
    local system = setmetatable({ tmpname = temporary_names() }, { __index = os })
    return setmetatable({ print = printed, os = system, viesti = require "viesti" },
      { __index = _G })
  end

  for _, page in ipairs(PAGES) do
    for number, block in ipairs(blocks(page, "lua")) do
      it(("runs Lua example %d of %s and prints what it says"):format(number, page), function()
        local output = {}
        assert(load(placed(block), "=" .. page, "t", environment(output)))()
        local expected = {}
        for text in block:gmatch "%-%-> ([^\n]+)" do
          expected[#expected + 1] = text
        end
        for index, text in ipairs(expected) do
          assert.equal(text, placed(output[index], true))
        end
      end)
    end
  end

  -- As a user would, against the library that the specs run with.
  local function compile(source, program)
    local build = os.getenv "BUILD" or "build"
    local sanitize = os.getenv "SANITIZE" or ""
    process.run(table.concat({
      os.getenv "CC" or "cc", "-std=c11 -Wall -Wextra -Werror -Isrc -o", program, source,
      build .. "/libviesti.so", "-Wl,-rpath," .. build,
      sanitize ~= "" and "-fsanitize=" .. sanitize or "",
    }, " "))
  end

  local function run(line)
    local pipe = assert(io.popen((os.getenv "RUN_UNDER" or "") .. " " .. line .. " 2>&1"))
    local output = pipe:read "a"
    return pipe:close(), output
  end

  it("compiles and runs the C example of README.md", function()
    local source, program = os.tmpname() .. ".c", os.tmpname()
    local file = assert(io.open(source, "w"))
    file:write("#include <stdio.h>\n#include <viesti.h>\nint main(void) {\n",
      (blocks("README.md", "c")[1]:gsub("https://example.org/", server.url .. "/")),
      "\nreturn 0;\n}\n")
    file:close()
    compile(source, program)
    local ok, output = run(program)
    assert.is_true(ok, output)
    assert.equal("200\n", output)
    os.remove(source)
    os.remove(program)
  end)

  it("compiles and runs examples/c/get.c, which prints status and body", function()
    local program = os.tmpname()
    compile("examples/c/get.c", program)
    local ok, output = run(program .. " " .. server.url .. "/data.json")
    assert.is_true(ok, output)
    assert.equal('200\n{"title":"hello"}\n', output)
    ok, output = run(program .. " ftp://127.0.0.1/")
    assert.is_not_true(ok)
    assert.equal("Request: the URL's scheme is 'ftp', only http and https are allowed\n", output)
    os.remove(program)
  end)

  -- What is typed behind each "$", and what it prints, where "..." stands for anything.
  local function dialogue(block)
    local steps = {}
    for line in block:gmatch "[^\n]+" do
      local typed = line:match "^%$ (.*)$"
      if typed then
        steps[#steps + 1] = { typed = typed, printed = {} }
      else
        table.insert(steps[#steps].printed, line)
      end
    end
    return steps
  end

  local function pattern_of(line)
    return "^" .. line:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*") .. "$"
  end

  it("has a page on the command whose examples print what they say", function()
    local folder <close> = setmetatable({ path = process.temporary_directory() }, {
      __close = function(self) process.run("rm -r " .. process.quote(self.path)) end })
    local define = ("viesti() { %s \"$@\"; }\n"):format(command.line {})
    for _, block in ipairs(blocks("docs/command.md", "console")) do
      for _, step in ipairs(dialogue(block)) do
        local result = command.shell(define .. placed(step.typed), folder.path)
        local lines = {}
        for line in placed(result.out .. result.err, true):gmatch "[^\n]+" do
          lines[#lines + 1] = line
        end
        assert.equal(#step.printed, #lines, step.typed .. "\n" .. table.concat(lines, "\n"))
        for _, expected in ipairs(step.printed) do
          local found = false
          for _, line in ipairs(lines) do
            found = found or line:find(pattern_of(expected)) ~= nil
          end
          assert.is_true(found, step.typed .. ": " .. expected .. "\n" .. table.concat(lines, "\n"))
        end
      end
    end
  end)

  it("has a manual page that says what the command declares (make docs writes it)", function()
    local ok, output = run((os.getenv "LUA" or "lua5.4") .. " tools/manual")
    assert.is_true(ok, output)
    assert.equal(output, read "docs/man/viesti.1")
  end)

  it("has a reference that says what the code declares (make docs writes it)", function()
    local ok, output = run((os.getenv "LUA" or "lua5.4") .. " tools/reference")
    assert.is_true(ok, output)
    assert.equal(output, read "docs/reference.md")
  end)

  it("runs examples/demo.lua, whose counts are what each line promises", function()
    local ok, output = run((os.getenv "LUA" or "lua5.4") .. " examples/demo.lua")
    assert.is_true(ok, output)
    local wire = {}
    for count, answer in output:gmatch "ms +(%d+)   ([^\n]+)" do
      wire[#wire + 1] = count .. ": " .. answer
    end
    assert.same({
      "1: 200", "0: 200 from cache", "1: 200 from cache", "2: 200, 2 attempts",
      "2: 200, 2 attempts", "200: 200 x 200", "200: 200 x 200", "1: 200 x 200",
    }, wire)
  end)
end)
