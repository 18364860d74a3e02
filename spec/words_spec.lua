local command = require "spec.support.command"
local declarations = require "spec.support.declarations"
local declared = require "viesti.command.declarations"
local exit_codes = require "viesti.command.exit_codes"
local pages = require "spec.support.pages"
local stubs = require "spec.support.stubs"
local viesti = require "viesti"

-- What has one name everywhere besides options, which are spec/vocabulary_spec.lua's: the kinds of
-- error, what C and Lua have in common, and the command.

local HEADER = pages.read "src/viesti.h"
local lists = declarations.lists()

local function read_stubs()
  local known = {}
  stubs.read("lua/viesti/types/library/viesti.lua", known)
  return known
end

local function set_of(text, pattern)
  local set = {}
  for word in assert(text):gmatch(pattern) do
    set[word] = true
  end
  return set
end

describe("A kind of error", function()
  it("has one name in the core, viesti.h, the stubs and the reference", function()
    local in_core = set_of(pages.read "src/message/error.c", '%[VI_ERROR_[%u_]+%] = "([%l_]+)"')
    in_core.none = nil
    assert.is_truthy(in_core.timeout)
    assert.same(in_core, set_of(HEADER:match "The kinds are ([^;]+);", '"([%l_]+)"'))
    local told = pages.read("docs/reference.md"):match "## The kinds of error\n(.*)$"
    assert.same(in_core, set_of(told, "\n| `([%l_]+)`"))
    local in_stubs = {}
    for _, one in ipairs(read_stubs().aliases["viesti.ErrorKind"]) do
      in_stubs[one.value] = true
    end
    assert.same(in_core, in_stubs)
  end)

  it("has an exit code of the command", function()
    for _, one in ipairs(read_stubs().aliases["viesti.ErrorKind"]) do
      assert.are_not.equal(exit_codes.FAULT, exit_codes.of(viesti.Error(one.value, "x")), one.value)
    end
  end)
end)

describe("viesti.h", function()
  -- The members of a struct, but for its size and the lengths of its lists.
  local function members_of(name)
    local body = HEADER:match("typedef struct " .. name .. " (%b{})"):gsub("/%*.-%*/", "")
    local found = {}
    for declaration in body:gmatch "([^;{}]+);" do
      for member in declaration:gmatch "([%w_]+)%f[,\0]" do
        found[member] = true
      end
      found[declaration:match "([%w_]+)%s*$"] = true
    end
    for member in pairs(found) do
      found[member] = member ~= "size" and not member:find "_count$" and not member:find "_length$"
        or nil
    end
    return found
  end

  local function assert_members(name, class, elsewhere)
    local known, count = read_stubs(), 0
    for member in pairs(members_of(name)) do
      local wanted = elsewhere and elsewhere[member] or { class, member }
      assert.is_truthy(stubs.member(known, known.classes["viesti." .. wanted[1]], "fields",
        wanted[2]), name .. "." .. member)
      count = count + 1
    end
    return count
  end

  it("calls what a request, a response and an attempt have as Lua does", function()
    assert.equal(5, assert_members("viesti_request", "Request"))
    assert.equal(4, assert_members("viesti_answer", "Response"))
    assert.equal(10, assert_members("viesti_attempt", "RetryContext", {
      method = { "Request", "method" }, url = { "Request", "url" }, kind = { "Error", "kind" },
      maybe_sent = { "RetryContext", "sent" } }))
  end)

  it("calls what is known of an outcome as viesti_last_error and an attempt do", function()
    local told = members_of "viesti_outcome"
    told.status, told.response, told.error = nil, nil, nil
    assert.same(told, set_of(HEADER, "viesti_last_error_([%l_]+)%("))
    assert.is_truthy(told.maybe_sent and members_of("viesti_attempt").maybe_sent
      and HEADER:find "viesti_fail%([^)]-int maybe_sent%)")
  end)

  it("gives a store the options and methods that Lua gives it", function()
    local options, known = {}, read_stubs()
    for _, spec in ipairs(lists.Store) do
      options[spec.name] = true
    end
    assert.same(options, members_of "viesti_store_options")
    for name in HEADER:gmatch "viesti_store_(%l+)%(" do
      assert.is_truthy(name == "open" or name == "retain" or name == "release"
        or stubs.member(known, known.classes["viesti.Store"], "methods", name), name)
    end
  end)

  it("asks a response, and a loop, by the names that Lua has", function()
    local known = read_stubs()
    for name in HEADER:gmatch "viesti_response_([%l_]+)%(" do
      assert.is_truthy(name:find "^header" or name == "retain" or name == "release"
        or stubs.member(known, known.classes["viesti.Response"], "fields", name), name)
    end
    for name, class in pairs { step = "Loop", fd = "Loop", timeout = "Loop", cancel = "Task",
      reload = "Pipeline", close = "Pipeline", send = "Sender" } do
      assert.is_truthy(HEADER:find("viesti_" .. name .. "(", 1, true), name)
      assert.is_truthy(stubs.member(known, known.classes["viesti." .. class], "methods", name),
        name)
    end
  end)

  it("knows the features that Lua knows", function()
    local features = {}
    for name in pairs(viesti.features()) do
      features[name] = true
    end
    assert.same(features, set_of(HEADER:match "libcurl below can do that: ([^.]+)%.", '"([%w_]+)"'))
  end)

  it("measures in seconds what is a double, and says so in the name where it does not", function()
    local in_milliseconds = {}
    for comment in HEADER:gmatch "[^\n]*[Mm]illiseconds[^\n]*" do
      in_milliseconds[#in_milliseconds + 1] = comment
    end
    assert.equal(3, #in_milliseconds)
    assert.is_truthy(in_milliseconds[1]:find("linger_ms", 1, true))
    assert.is_truthy(in_milliseconds[2]:find("timeout_ms", 1, true))
  end)
end)

describe("The command", function()
  local all = { declared.fetch, table.unpack(declared.list) }

  it("understands what its help and its manual page tell of, and no more", function()
    local manual = pages.read("docs/man/viesti.1"):gsub("\\%-", "-")
    local named = set_of(manual, "%-%-(%l[%l-]+)")
    for _, one in ipairs(all) do
      local told = command.run({ "help", one.name }).out
      for long in told:gmatch "%f[-]%-%-(%l[%l-]+)" do
        assert.is_truthy(named[long], long)
      end
      for _, spec in ipairs(one.options) do
        assert.is_truthy(told:find("--" .. spec.long, 1, true), spec.long)
        assert.is_truthy(manual:find("%-%-" .. spec.long:gsub("%p", "%%%0")), spec.long)
      end
    end
  end)

  local function understood()
    local known = {}
    for _, one in ipairs(all) do
      for _, spec in ipairs(one.options) do
        known["--" .. spec.long] = true
        known[spec.short and "-" .. spec.short or ""] = true
      end
    end
    return known
  end

  it("understands what its page tells of, which tells of every option", function()
    local known, left = understood(), {}
    local text = pages.read "docs/command.md"
    for typed in text:gmatch "\n%$ (viesti[^\n|;>&]*)" do
      left[#left + 1] = typed
    end
    for code in declarations.codes(text:match "^(.-)\n## Where it differs") do
      left[#left + 1] = (code:find "^%-" or code:find "^viesti ") and code or nil
    end
    local shown = table.concat(left, "\n"):gsub("'[^']*'", "")
    for word in shown:gmatch "%f[^%s%z](%-%-?%a[%l-]*)" do
      assert.is_truthy(known[word] or word == "--jsn" or word == "-sS" or word == "-sSfL", word)
    end
    for _, one in ipairs(all) do
      for _, spec in ipairs(one.options) do
        assert.is_truthy(text:find("[`%s]%-%-" .. spec.long:gsub("%p", "%%%0")) or spec.short
          and text:find("[`%s]%-" .. spec.short .. "[%s`]"), spec.long)
      end
    end
  end)

  it("does by default what the options of Lua do that it stands for", function()
    local by_name = {}
    for _, one in ipairs(all) do
      for _, spec in ipairs(one.options) do
        by_name[spec.long] = spec.default
      end
    end
    local function default(list, name)
      return declarations.named(lists, { list }, name)[1].default
    end
    local usual = viesti.standard { circuit_breaking = false, deadline = false, caching = false }
    assert.equal(usual.sender.sender.retries, by_name.retry)
    assert.equal(default("RedirectingSender", "max_redirects"), by_name["max-redirs"])
    assert.equal(default("Session", "connect_timeout"), by_name["connect-timeout"])
    assert.equal(default("redis", "key_prefix"), by_name["key-prefix"])
  end)

  it("looks after a cache by the names of a store's methods", function()
    local known = read_stubs()
    for action in declared.list[2].usage:match("cache ([%l|]+)"):gmatch "%l+" do
      assert.is_truthy(action == "list"
        or stubs.member(known, known.classes["viesti.Store"], "methods", action), action)
    end
  end)

  it("sends those who want an option of curl's to one that a session has", function()
    local count = 0
    for _, foreign in ipairs(declared.fetch.foreign) do
      local name = foreign.hint:match "can say it %(%-c%), as ([%w_]+)"
      if name then
        count = count + 1
        assert.is_truthy(declarations.named(lists, { "Session" }, name)[1], name)
      end
    end
    assert.is_true(count > 5)
  end)
end)

describe("A word of others", function()
  -- The last column of the words in docs/architecture.md.
  local function unwanted()
    local list = {}
    for _, found in ipairs(declarations.tables(pages.read "docs/architecture.md")) do
      for _, row in ipairs(found.head[3] == "not" and found or {}) do
        for word in row[3]:gmatch "[^,]+" do
          list[#list + 1] = word:match("^%s*(.-)%s*$"):lower()
        end
      end
    end
    return list
  end

  -- The texts that users see.
  local function texts()
    local found = { ["src/viesti.h"] = HEADER,
      ["docs/man/viesti.1"] = pages.read "docs/man/viesti.1" }
    for _, page in ipairs(pages.list()) do
      local text = pages.read(page)
      found[page] = not page:find "coming%-from" and (page ~= "docs/architecture.md" and text
        or text:gsub("\n|[^\n]+", "")) or nil
    end
    local sources <close> = assert(io.popen "find lua src -name '*.lua' -o -name '*.c'")
    for path in sources:lines() do
      local sentences = {}
      for sentence in pages.read(path):gmatch '"([^"\n]* [^"\n]*)"' do
        sentences[#sentences + 1] = sentence
      end
      found[path] = table.concat(sentences, "\n")
    end
    return found
  end

  it("stands in no guide, help or sentence for what has a name here", function()
    local words = unwanted()
    assert.is_true(#words > 15)
    for path, text in pairs(texts()) do
      local plain = " " .. text:lower():gsub("%s+", " ") .. " "
      for _, word in ipairs(words) do
        for _, form in ipairs { word, word .. "s", word .. "d", word .. "ed" } do
          local found = plain:find("%f[%w_-]" .. form .. "%f[^%w_-]")
          assert.is_nil(found, ("%s: %s"):format(path, found and plain:sub(found - 30, found + 30)))
        end
      end
    end
  end)
end)
