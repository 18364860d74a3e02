--- The manual page, made of the declarations.
local declarations = require "viesti.command.declarations"
local exit_codes = require "viesti.command.exit_codes"
local help = require "viesti.command.help"

local HEAD = [[
.\" Made by `make docs` from lua/viesti/command.
.TH VIESTI 1 "" "viesti %s" ""
.SH NAME
viesti \- HTTP requests through a chain of caching, retrying and other layers]]

local EXAMPLES = {
  { "viesti https://example.org/", "Prints what is there." },
  { "viesti -fC -o disk.img https://example.org/disk.img",
    "Gets a large file, and goes on where an earlier call was interrupted." },
  { "viesti --json '{\"name\": \"x\"}' https://example.org/items",
    "Sends JSON, by a POST." },
  { "viesti -P 10 --cache news.db --stats -O <urls.txt",
    "Gets many URLs into files, ten at a time; what did not change since is not sent again." },
  { "viesti -c relay.lua https://example.org/", "Sends through a chain of one's own." },
}

-- What would mean something to the formatter.
local function escaped(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

local function sentence(text)
  return escaped((text:gsub("^%l", string.upper))) .. "."
end

local function add(lines, ...)
  table.move({ ... }, 1, select("#", ...), #lines + 1, lines)
end

local function option_head(spec)
  local value = spec.value and " \\fI" .. escaped(spec.value) .. "\\fR" or ""
  local names = spec.short and ("\\fB\\-%s\\fR, "):format(spec.short) or ""
  return names .. ("\\fB%s\\fR"):format(escaped("--" .. spec.long)) .. value
end

local function add_options(lines, command)
  for _, spec in ipairs(command.options) do
    add(lines, ".TP", option_head(spec), escaped(help.doc(spec)) .. ".")
  end
end

local function add_text(lines, command)
  for _, paragraph in ipairs(command.text) do
    add(lines, ".PP", escaped(paragraph))
  end
end

local function add_command(lines, command)
  add(lines, ".SS " .. escaped(command.usage), sentence(command.summary))
  add_text(lines, command)
  for _, form in ipairs(command.forms or {}) do
    add(lines, ".TP", "\\fB" .. escaped(form[1]) .. "\\fR", escaped(form[2]) .. ".")
  end
  add_options(lines, command)
end

local function add_list(lines, title, list)
  add(lines, ".SH " .. title)
  for _, entry in ipairs(list) do
    add(lines, ".TP", "\\fB" .. escaped(tostring(entry[1])) .. "\\fR", escaped(entry[2]))
  end
end

--- The page, for man.
---@param version string
---@return string
return function(version)
  local fetch = declarations.fetch
  local lines = { HEAD:format(version), ".SH SYNOPSIS", escaped(fetch.usage) }
  for _, command in ipairs(declarations.list) do
    add(lines, ".br", escaped(command.usage))
  end
  add(lines, ".SH DESCRIPTION", sentence(fetch.summary))
  add_text(lines, fetch)
  add(lines, ".SH OPTIONS")
  add_options(lines, fetch)
  add(lines, ".SH COMMANDS")
  for _, command in ipairs(declarations.list) do
    add_command(lines, command)
  end
  add_list(lines, "EXAMPLES", EXAMPLES)
  add_list(lines, "EXIT STATUS", exit_codes.list)
  return table.concat(lines, "\n") .. "\n"
end
