--- check(what, env, choices): what a chain file comes to, in words: every layer, outermost first,
--- with every option, names in the file that stand for nothing, and what is wrong with the order.
local arguments = require "viesti.chains.arguments"
local format = require "viesti.base.format"
local Pipeline = require "viesti.chains.pipeline"

local CHOICES = arguments.CHOICES

local function value_of(sender, spec)
  local value = sender:option(spec.name)
  if value == nil then
    return "nil"
  end
  return spec.secret and "<hidden>" or format.value(format.public(spec, value))
end

-- A session of its own was given the options of the sender.
local function is_given(sender, spec)
  local given = sender._given
  local session = type(given.session) == "userdata" and given.session:given_options()._given or {}
  return given[spec.name] ~= nil or session[spec.name] ~= nil
end

local function add_layer(lines, sender)
  lines[#lines + 1] = sender.name
  for _, spec in ipairs(sender.options) do
    if spec.name ~= "sender" then
      lines[#lines + 1] = ("  %s = %s%s"):format(spec.name, value_of(sender, spec),
        is_given(sender, spec) and "" or "    (default)")
    end
  end
end

--- Loads the chain file, prints nothing, closes it again. Returns true and the text; or false and
--- the sentence that says what is wrong with the file.
---@param what string as for `load`, and so are the others
---@param env? table<string, any>
---@param choices? { trusted: boolean?, name: string? }
---@return boolean fine, string text
return function(what, env, choices)
  local file = arguments.file("check", CHOICES, what, env, choices)
  file.warns = false -- it is in the text
  local pipeline <close>, reason = Pipeline.open(file)
  if not pipeline then
    return false, reason
  end
  local lines, sender = {}, pipeline.sender
  while sender do
    add_layer(lines, sender)
    sender = sender.sender
  end
  for _, sentence in ipairs(file:missing(pipeline.edition)) do
    lines[#lines + 1] = "warning: " .. sentence
  end
  for _, sentence in ipairs(pipeline.sender:check()) do
    lines[#lines + 1] = "warning: " .. sentence
  end
  return true, table.concat(lines, "\n") .. "\n"
end
