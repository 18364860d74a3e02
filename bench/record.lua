-- Marked sections: what a run writes down, and where a page takes it in.
--
--   <!-- bench: NAME -->
--   ...
--   <!-- /bench: NAME -->

local record = {}

local SECTION = "<!%-%- bench: ([%w-]+) %-%->\n(.-)<!%-%- /bench: %1 %-%->\n"
local WRITTEN = "<!-- bench: %s -->\n%s<!-- /bench: %s -->\n"

function record.section(name, text)
  return WRITTEN:format(name, text .. "\n", name)
end

-- The names of a text's sections in their order, and their texts by name.
function record.read(text)
  local names, sections = {}, {}
  for name, section in text:gmatch(SECTION) do
    names[#names + 1] = name
    sections[name] = section
  end
  return names, sections
end

-- The page with the texts of these sections in place of its own. Returns nil and the name of one
-- that the record lacks.
function record.fill(page, sections)
  local lacking
  local filled = page:gsub(SECTION, function(name)
    if not sections[name] then
      lacking = lacking or name
      return nil
    end
    return WRITTEN:format(name, sections[name], name)
  end)
  if lacking then
    return nil, lacking
  end
  return filled
end

return record
