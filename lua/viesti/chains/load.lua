--- load(what, env, choices): the chain that a chain file returns, made of the same words as in
--- code, with nothing else within reach.
local arguments = require "viesti.chains.arguments"
local Pipeline = require "viesti.chains.pipeline"

local CHOICES = arguments.CHOICES

--- The chain file `what`, a path or its text, as a sender that can be reloaded. It ends with
--- `return <the chain>`; its globals are viesti's names, the harmless part of Lua's, and those of
--- `env`. Of other names that it reads, which are nil, a ChainFileWarning tells. Precompiled chunks
--- are refused.
---@param what string
---@param env? table<string, any>
---@param choices? { trusted: boolean?, name: string? }
---@return viesti.Pipeline? pipeline, string? reason
return function(what, env, choices)
  return Pipeline.open(arguments.file("load", CHOICES, what, env, choices))
end
