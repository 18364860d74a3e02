local c_program = require "spec.support.c_program"
local command = require "spec.support.command"
local free_port = require "spec.support.free_port"
local origin = require "spec.support.origin"
local process = require "spec.support.process"
local redis_server = require "spec.support.redis_server"
local viesti = require "viesti"

-- Every example in the documentation is run as it stands, but for its host, and where its Redis is.
local EXAMPLE_HOST = "https://example.org"
local EXAMPLE_REDIS = "redis://127.0.0.1:6379"
local PAGES = { "README.md" }
do
  local list <close> = assert(io.popen "ls docs/*.md docs/*/*.md")
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

  -- A program, or what stands in one.
  local function whole(block)
    if block:find "int main" then
      return block
    end
    return "#include <stdio.h>\n#include <viesti.h>\nint main(void) {\n" .. block
      .. "\nreturn 0;\n}\n"
  end

  for _, page in ipairs(PAGES) do
    for number, block in ipairs(blocks(page, "c")) do
      it(("compiles and runs C example %d of %s, which prints what it says"):format(number, page),
        function()
          local program <close> = c_program.build(whole(placed(block)))
          local ok, output = program:run()
          assert.is_true(ok, output)
          local expected = {}
          for text in block:gmatch "//%-> ([^\n]+)" do
            expected[#expected + 1] = text .. "\n"
          end
          assert.equal(table.concat(expected), placed(output, true))
        end)
    end
  end

  local function run(line)
    local pipe = assert(io.popen((os.getenv "RUN_UNDER" or "") .. " " .. line .. " 2>&1"))
    local output = pipe:read "a"
    return pipe:close(), output
  end

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

  -- What a table or a sentence of a page calls by name, as `name`, `table.name` or `name = ...`.
  local function is_told_of(text, name)
    for code in text:gmatch "`([^`\n]+)`" do
      if (" " .. code .. " "):find("[^%w_]" .. name .. "[^%w_]") then
        return true
      end
    end
  end

  local function assert_told_of(page, declaration)
    for _, option in ipairs(declaration) do
      if option.name ~= "sender" and option.name ~= "clock" then
        assert.is_true(is_told_of(page.text, option.name), page.path .. ": " .. option.name)
      end
      assert_told_of(page, option.fields or {})
    end
  end

  it("tells of every option of a layer on its page", function()
    for path, names in pairs {
      ["docs/retrying.md"] = { "RetryingSender", "RetryBudget", "Cooldown" },
      ["docs/limits.md"] = { "RateLimitingSender", "RateLimit" },
      ["docs/breakers.md"] = { "ConcurrencyLimitingSender", "CircuitBreakingSender" },
      ["docs/caching.md"] = { "CachingSender" },
      ["docs/layers.md"] = { "DeadlineSender", "DefaultsSender", "HedgingSender",
        "FailoverSender", "standard", "Client" },
      ["docs/security.md"] = { "RedirectingSender", "AuthenticatingSender" },
      ["docs/tracing.md"] = { "TracingSender", "har" },
      ["docs/testing.md"] = { "MockSender", "RecordingSender" },
    } do
      for _, name in ipairs(names) do
        assert_told_of({ path = path, text = read(path) }, viesti[name].options)
      end
    end
  end)

  -- What the last cell of each row of the page's tables has in code.
  local function codes_here(path)
    local text = {}
    for row in read(path):gmatch "\n(|[^\n]+)|" do
      for code in row:match("[^|]*$"):gmatch "`([^`]+)`" do
        text[#text + 1] = code
      end
    end
    return text
  end

  -- What the reference does not speak of, and libcurl's options, which are in capitals.
  local ELSEWHERE = { require = true, attach = true, sqlite = true }

  it("names to people who come from elsewhere only what the reference has", function()
    local reference = read "docs/reference.md"
    for _, page in ipairs(PAGES) do
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
