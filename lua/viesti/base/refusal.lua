--- What is wrong with a value, on its way from deep inside it to where it is handed on as nil and a
--- sentence; apart from whatever else is raised on that way, by the user's own metamethods say.
local refusal = {}

local Refusal = {}

--- Gives up, because of what the sentence says.
---@param sentence string
function refusal.raise(sentence)
  error(setmetatable({ sentence = sentence }, Refusal))
end

--- What `fn(...)` returns; or nil and the sentence that it gave up with. Whatever else it raises is
--- raised on.
---@generic T
---@param fn fun(...): T
---@return T? result, string? sentence
function refusal.catch(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then
    return result
  elseif getmetatable(result) == Refusal then
    return nil, result.sentence
  end
  error(result, 0)
end

return refusal
