-- Command lines: --name value becomes options.name, the rest options[1] and so on; what looks like
-- a number is one.

return function(given)
  local options, index = {}, 1
  while given[index] do
    local name = given[index]:match "^%-%-(.+)"
    if name then
      index = index + 1
    end
    options[name or #options + 1] = tonumber(given[index]) or given[index]
    index = index + 1
  end
  return options
end
