-- The pages of the documentation, and the examples in them.
--
--   for _, example in ipairs(pages.examples "docs/chains.md") do … end
--
-- An example is { language, text, heading = of the section that it stands in, name = of the file
-- that it is to be in: what its first line says, as in "-- relay.lua" }.

local pages = {}

function pages.read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

function pages.list()
  local list = { "README.md" }
  local listing <close> = assert(io.popen "ls docs/*.md docs/*/*.md")
  for path in listing:lines() do
    list[#list + 1] = path
  end
  return list
end

-- All in their order, or those of one language.
function pages.examples(path, language)
  local list, heading, example = {}, nil, nil
  for line in pages.read(path):gmatch "([^\n]*)\n" do
    local fence = line:match "^```(%l*)"
    if example and fence then
      example.text = table.concat(example.lines, "\n")
      example.name = example.lines[1]:match "^%-%- ([%w_]+%.lua)$"
      if example.language == (language or example.language) then
        list[#list + 1] = example
      end
      example = nil
    elseif example then
      table.insert(example.lines, line)
    elseif fence then
      example = { language = fence, heading = heading, lines = {} }
    else
      heading = line:match "^#+ (.*)$" or heading
    end
  end
  return list
end

-- What a heading is linked to by.
function pages.anchor(heading)
  return (heading:lower():gsub("[^%w_ -]", ""):gsub(" ", "-"))
end

-- All links of a page to places in here: { path of a file, anchor in it or nil }.
function pages.links(path)
  local list, folder = {}, path:match "^(.*/)" or ""
  for target in pages.read(path):gsub("```.-\n```", ""):gmatch "%]%(([^)%s]+)%)" do
    if not target:find "^https?:" then
      local file, anchor = target:match "^([^#]*)#?(.*)$"
      file = file == "" and path or (folder .. file):gsub("[^/]+/%.%./", "")
      list[#list + 1] = { file, anchor ~= "" and anchor or nil }
    end
  end
  return list
end

function pages.headings(path)
  local list = {}
  for line in pages.read(path):gsub("```.-\n```", ""):gmatch "[^\n]+" do
    list[#list + 1] = line:match "^#+ (.*)$"
  end
  return list
end

-- What an example says behind each such mark that it prints, "-->" or "//->".
function pages.promised(text, mark)
  local lines = {}
  for line in text:gmatch(mark:gsub("%p", "%%%0") .. " ([^\n]+)") do
    lines[#lines + 1] = line
  end
  return lines
end

-- Whether a line is as promised, where "..." stands for anything.
function pages.keeps(promised, line)
  return line:find("^" .. promised:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*") .. "$") ~= nil
end

-- The steps of a dialogue with a shell: what is typed behind each "$", and the lines it prints.
function pages.dialogue(text)
  local steps = {}
  for line in text:gmatch "[^\n]+" do
    local typed = line:match "^%$ (.*)$"
    if typed then
      steps[#steps + 1] = { typed = typed, printed = {} }
    else
      table.insert(steps[#steps].printed, line)
    end
  end
  return steps
end

return pages
