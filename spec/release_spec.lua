local viesti = require("viesti")

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

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
    assert.truthy(read("CHANGELOG.md"):find(
      "\n## " .. viesti.VERSION:gsub("%p", "%%%0") .. ", %d%d%d%d%-%d%d%-%d%d\n"))
  end)
end)
