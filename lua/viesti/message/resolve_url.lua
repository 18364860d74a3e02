--- resolve_url(base, reference): where a link leads.
local core = require "viesti.core"
local format = require "viesti.base.format"

--- The URL that a reference in what came from `base`, a relative link, say, leads to, in normal
--- form (RFC 3986 5.2); or nil and what is wrong with it.
---@param base string an http or https URL
---@param reference string
---@return string? url, string? reason
return function(base, reference)
  if type(base) ~= "string" or type(reference) ~= "string" then
    error(("%sresolve_url needs a URL and a reference in what came from there, got %s and %s")
      :format(core.place(), format.given(base), format.given(reference)), 0)
  end
  return core.resolve_url(base, reference)
end
