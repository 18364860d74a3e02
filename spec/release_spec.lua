local pages = require("spec.support.pages")
local viesti = require("viesti")

local function rockspec(name, version)
  local fields = {}
  assert(loadfile(("rockspec/%s-%s-1.rockspec"):format(name, version), "t", fields))()
  return fields
end

describe("A release", function()
  it("has a rockspec for each rock, which fetches the sources by its tag", function()
    for _, name in ipairs({ "viesti", "viesti-sqlite", "viesti-redis" }) do
      local released = rockspec(name, viesti.VERSION)
      assert.equal(viesti.VERSION .. "-1", released.version)
      assert.equal("v" .. viesti.VERSION, released.source.tag)
    end
  end)

  it("is built as what is not released yet", function()
    for _, name in ipairs({ "viesti", "viesti-sqlite", "viesti-redis" }) do
      local released, current = rockspec(name, viesti.VERSION), rockspec(name, "scm")
      released.source.tag = nil
      released.version = current.version
      assert.same(current, released)
    end
  end)

  it("is told of in the changelog, with its date", function()
    assert.truthy(pages.read("CHANGELOG.md"):find(
      "\n## " .. viesti.VERSION:gsub("%p", "%%%0") .. ", %d%d%d%d%-%d%d%-%d%d\n"))
  end)

  describe("has a README whose claims", function()
    local claims = pages.read("README.md"):match("## What is claimed.-\n(|.-\n)\n")
    local makefile = pages.read("Makefile")

    -- The commands in the last column, as lists of words.
    local function commands()
      local list = {}
      for row in claims:gmatch("[^\n]+") do
        for command in (row:match("| ([^|]*) |$") or ""):gmatch("`make ([^`]+)`") do
          list[#list + 1] = command
        end
      end
      return list
    end

    it("each have a command behind them, of make's targets", function()
      local _, rows = claims:gsub("\n", "")
      local found = commands()
      assert.is_true(rows > 5 and #found >= rows - 2) -- without the head of the table
      for _, command in ipairs(found) do
        for target in command:gsub('%u+=%b""', ""):gsub("%u+=%S+", ""):gmatch("%S+") do
          assert.is_truthy(makefile:find("\n" .. target:gsub("%-", "%%-") .. ":.-## "), target)
        end
      end
    end)

    it("have specs and measurements that are there", function()
      local measured = pages.read("docs/performance.md")
      local checked = 0
      for _, command in ipairs(commands()) do
        for beginning in (command:match('SPECS="?([^"]+)') or ""):gmatch("%S+") do
          local listing <close> = io.popen("ls spec/" .. beginning .. "*_spec.lua 2>&1")
          assert.matches("^spec/" .. beginning, listing:read("l"), beginning)
          checked = checked + 1
        end
        for name in (command:match("ONLY=(%S+)") or ""):gmatch("[^,]+") do
          assert.is_truthy(measured:find("<!-- bench: " .. name .. " -->", 1, true), name)
          checked = checked + 1
        end
      end
      assert.is_true(checked > 5)
    end)
  end)
end)
