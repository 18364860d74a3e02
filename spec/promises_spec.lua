local named_tests = require "spec.support.named_tests"
local pages = require "spec.support.pages"

local SECURITY, FAULTS = "docs/security.md", "docs/faults.md"

-- The rows of a page that name a test, under that heading or any.
local function rows_of(path)
  local rows = {}
  for line in pages.read(path):gmatch "[^\n]+" do
    local test = line:find "^|" and named_tests.named_by(line)
    if test then
      test.promise = line:match "^| (.-) |"
      rows[#rows + 1] = test
    end
  end
  return rows
end

describe("The tests that a page names", function()
  local counts = setmetatable({}, { __index = function(self, file)
    self[file] = named_tests.in_file("spec/" .. file)
    return self[file]
  end })

  for _, path in ipairs { SECURITY, FAULTS } do
    it("are there, each once, in " .. path, function()
      local rows = rows_of(path)
      assert.is_true(#rows > 40)
      for _, row in ipairs(rows) do
        assert.equal(1, counts[row.file][row.text] or 0,
          ("%s: %s: %q"):format(path, row.file, row.text))
      end
    end)
  end

  it("stand for each promise of docs/security.md that is in bold", function()
    local promised = {}
    for _, row in ipairs(rows_of(SECURITY)) do
      promised[row.promise] = true
    end
    local text = pages.read(SECURITY):match "\n## Unasked\n(.-)\n## "
    local count = 0
    for promise in text:gmatch "%f[^\n]%*%*(.-)%*%*" do
      count = count + 1
      assert.is_true(promised[promise], promise)
    end
    assert.is_true(count >= 8)
  end)
end)
