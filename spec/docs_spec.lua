local lfs = require "lfs"
local c_program = require "spec.support.c_program"
local example_folder = require "spec.support.example_folder"
local free_port = require "spec.support.free_port"
local origin = require "spec.support.origin"
local pages = require "spec.support.pages"
local redis_server = require "spec.support.redis_server"

-- Every example in the documentation is run as it stands, but for its host, and where its Redis is.
-- Those of this page are run by spec/cookbook_spec.lua.
local COOKBOOK = "docs/cookbook.md"

describe("the documentation", function()
  local server, redis

  setup(function()
    server, redis = origin.start(), redis_server.start { port = free_port() }
    server:route("/data.json", { headers = { { "Content-Type", "application/json" } },
      body = '{"title":"hello"}' })
    server:route("/fresh.json", { headers = { { "Content-Type", "application/json" },
      { "Cache-Control", "max-age=60" } }, body = '{"title":"hello"}' })
    server:route("/", { body = "hello" })
    server:route("/site/data.json", { headers = { { "Content-Type", "application/json" } },
      body = '{"title":"hello"}\n' })
    server:route("/site/nothing", { status = 404, reason = "File not found" })
    server:route("/old.json", { status = 301, headers = { { "Location", "/data.json" } } })
  end)

  teardown(function()
    server:stop()
    redis:stop()
  end)

  -- What stands beside a file, SQLite's or ours, goes with it.
  local function temporary_names()
    local names = {}
    finally(function()
      for _, name in ipairs(names) do
        for _, ending in ipairs { "", "-wal", "-shm", ".saved" } do
          os.remove(name .. ending)
        end
      end
    end)
    return function()
      names[#names + 1] = os.tmpname()
      return names[#names]
    end
  end

  local function stand_ins()
    return { { "http://127.0.0.1:8000", server.url .. "/site" },
      { "https://example.org", server.url },
      { "redis://127.0.0.1:6379", "redis://127.0.0.1:" .. redis.port } }
  end

  local function placed(text, back)
    return example_folder.placed(stand_ins(), text, back)
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

  -- Calls a function for each example of a language, of those that are run here.
  local function each_example(language, call)
    for _, page in ipairs(pages.list()) do
      for number, example in ipairs(page == COOKBOOK and {} or pages.examples(page, language)) do
        if not example.name then
          call(page, number, example.text)
        end
      end
    end
  end

  each_example("lua", function(page, number, text)
    it(("runs Lua example %d of %s and prints what it says"):format(number, page), function()
      local output = {}
      assert(load(placed(text), "=" .. page, "t", environment(output)))()
      for index, line in ipairs(output) do
        output[index] = placed(line, true)
      end
      assert.same(pages.promised(text, "-->"), output)
    end)
  end)

  -- A program, or what stands in one.
  local function whole(block)
    if block:find "int main" then
      return block
    end
    return "#include <stdio.h>\n#include <viesti.h>\nint main(void) {\n" .. block
      .. "\nreturn 0;\n}\n"
  end

  each_example("c", function(page, number, text)
    it(("compiles and runs C example %d of %s, which prints what it says"):format(number, page),
      function()
        local program <close> = c_program.build(whole(placed(text)))
        local ok, output = program:run()
        assert.is_true(ok, output)
        local promised = table.concat(pages.promised(text, "//->"), "\n")
        assert.equal(promised, (placed(output, true):gsub("\n$", "")))
      end)
  end)

  for _, page in ipairs { "docs/command.md", "docs/getting-started.md" } do
    it("has examples at the shell that print what they say in " .. page, function()
      local folder <close> = example_folder.new(stand_ins())
      for _, example in ipairs(pages.examples(page)) do
        if example.name or example.language == "console" then
          folder:run(example)
        end
      end
    end)
  end

  local function run(line)
    local pipe = assert(io.popen((os.getenv "RUN_UNDER" or "") .. " " .. line .. " 2>&1"))
    local output = pipe:read "a"
    return pipe:close(), output
  end

  it("has links that lead somewhere", function()
    for _, page in ipairs(pages.list()) do
      for _, link in ipairs(pages.links(page)) do
        local path, anchor = link[1], link[2]
        assert.is_truthy(lfs.attributes(path), page .. ": " .. path)
        local found = anchor == nil
        for _, heading in ipairs(anchor and pages.headings(path) or {}) do
          found = found or pages.anchor(heading) == anchor
        end
        assert.is_true(found, ("%s: %s#%s"):format(page, path, anchor))
      end
    end
  end)

  it("says for which Lua, wherever it calls LuaRocks, whose own may be another", function()
    for _, page in ipairs(pages.list()) do
      for _, verb in ipairs { "make", "install", "show", "path", "build" } do
        assert.is_nil(pages.read(page):find("luarocks " .. verb, 1, true), page)
      end
    end
  end)

  for page, made in pairs {
    ["docs/man/viesti.1"] = { "a manual page that says what the command declares", "manual" },
    ["docs/reference.md"] = { "a reference that says what the code declares", "reference" },
    ["docs/faults.md"] = { "a list of faults that are those of the tests", "faults" },
  } do
    it(("has %s (make docs writes it)"):format(made[1]), function()
      local ok, output = run((os.getenv "LUA" or "lua5.4") .. " tools/" .. made[2])
      assert.is_true(ok, output)
      assert.equal(output, pages.read(page))
    end)
  end

  -- What the last cell of each row of the page's tables has in code.
  local function codes_here(path)
    local text = {}
    for row in pages.read(path):gmatch "\n(|[^\n]+)|" do
      for code in row:match("[^|]*$"):gmatch "`([^`]+)`" do
        text[#text + 1] = code
      end
    end
    return text
  end

  -- What the reference does not speak of, and libcurl's options, which are in capitals.
  local ELSEWHERE = { require = true, attach = true, sqlite = true }

  it("names to people who come from elsewhere only what the reference has", function()
    local reference = pages.read "docs/reference.md"
    for _, page in ipairs(pages.list()) do
      for _, code in ipairs(page:find "coming%-from" and codes_here(page) or {}) do
        for name in code:gsub('"[^"]*"', ""):gmatch "%f[%w_][%a_][%w_]*" do
          assert.is_truthy(ELSEWHERE[name] or not name:find "%l"
            or reference:find("%f[%w_]" .. name .. "%f[^%w_]"), page .. ": " .. name)
        end
      end
    end
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
