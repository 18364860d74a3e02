local Report = require "bench.report"
local measure = require "bench.measure"
local pages = require "spec.support.pages"
local process = require "spec.support.process"
local record = require "bench.record"
local works = require "bench.works"

local PAGE = "docs/performance.md"

-- Enough of a run to ask what would be measured.
local function stand_in()
  return { rounds = 1, seconds = 1, build = "build", lua = "lua",
    cores = { server = 0, client = 0 }, server = { urls = {}, directory = "", LARGE = 0 } }
end

describe("The page of measurements", function()
  it("has a section for each work of bench, and for the machine, and no other", function()
    local expected = { "machine" }
    for _, work in ipairs(works.all(stand_in())) do
      expected[#expected + 1] = work.name
    end
    local names = record.read(pages.read(PAGE))
    table.sort(expected)
    table.sort(names)
    assert.same(expected, names)
  end)

  it("has each section below a heading of that name, which ONLY takes", function()
    local text, headings = pages.read(PAGE), {}
    for _, heading in ipairs(pages.headings(PAGE)) do
      headings[heading] = true
    end
    for _, name in ipairs((record.read(text))) do
      if name ~= "machine" then
        assert.is_true(headings[name], name)
        assert.equal(name, works.select(stand_in(), name)[1].name)
      end
    end
  end)

  it("shows the same figures as any other page that has some", function()
    local _, sections = record.read(pages.read(PAGE))
    for _, path in ipairs(pages.list()) do
      local _, others = record.read(pages.read(path))
      for name, text in pairs(others) do
        assert.equal(sections[name], text, path)
      end
    end
  end)

  it("has figures in all of them", function()
    local _, sections = record.read(pages.read(PAGE))
    for name, text in pairs(sections) do
      assert.is_truthy(text:find("\n| %-+ |"), name)
    end
  end)
end)

describe("ONLY", function()
  it("that names no work is told of those there are", function()
    local ok, reason = pcall(works.select, stand_in(), "sync,nothing")
    assert.is_false(ok)
    assert.is_truthy(reason:find("there is no nothing; there are sync, many100, ", 1, true))
  end)
end)

describe("A report", function()
  it("is Markdown whose columns stand below each other", function()
    local report = Report.new "A title"
    report:table("work", "us")
    report:row("one", "1.5", "beyond the columns")
    report:row("another", false)
    report:note("%d of %s.", 1, "them")
    assert.equal([[
A title.

| work    |  us |
| ------- | --: |
| one     | 1.5 |
| another |     |

1 of them.]], tostring(report))
  end)

  it("judges a value by the places it is shown with", function()
    assert.equal(">= 0.95: met", measure.verdict(">= 0.95", 0.9461))
    assert.equal(">= 0.95: missed", measure.verdict(">= 0.95", 0.9449))
    assert.equal("<= 1.10: met", measure.verdict("<= 1.10", 1.1049))
    assert.equal("<= 1.10: missed", measure.verdict("<= 1.10", 1.2))
    assert.equal("< 5: met", measure.verdict("< 5", 2))
  end)
end)

describe("tools/performance", function()
  local directory

  before_each(function()
    directory = process.temporary_directory()
  end)

  after_each(function()
    process.run("rm -r " .. process.quote(directory))
  end)

  local function write(name, text)
    local file <close> = assert(io.open(directory .. "/" .. name, "w"))
    assert(file:write(text))
  end

  local function run(...)
    local words = { os.getenv "RUN_UNDER" or "", process.interpreter(), "tools/performance" }
    for _, name in ipairs { ... } do
      words[#words + 1] = process.quote(directory .. "/" .. name)
    end
    return pcall(process.run, "env " .. table.concat(words, " "))
  end

  local function page(sync, large)
    return "Before.\n" .. record.section("sync", sync) .. "Between 100%.\n"
      .. record.section("large", large) .. "After.\n"
  end

  it("replaces the sections of pages by those of a run, and nothing else", function()
    write("record", record.section("large", "| 3%1 |") .. "\n" .. record.section("sync", "| 4 |"))
    write("first.md", page("| 1 |", "| 2 |"))
    write("second.md", "No sections.\n")
    assert.is_true(run("record", "first.md", "second.md"))
    assert.equal(page("| 4 |", "| 3%1 |"), pages.read(directory .. "/first.md"))
    assert.equal("No sections.\n", pages.read(directory .. "/second.md"))
  end)

  it("touches no page where the run was not whole", function()
    write("record", record.section("sync", "| 4 |"))
    write("first.md", record.section("sync", "| 1 |"))
    write("second.md", page("| 1 |", "| 2 |"))
    local ok, reason = run("record", "first.md", "second.md")
    assert.is_false(ok)
    assert.is_truthy(tostring(reason):find("lacks large", 1, true))
    assert.equal(record.section("sync", "| 1 |"), pages.read(directory .. "/first.md"))
    assert.equal(page("| 1 |", "| 2 |"), pages.read(directory .. "/second.md"))
  end)
end)
