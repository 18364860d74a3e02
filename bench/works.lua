-- All that is measured, group by group. A work is { name, report = function(work, context) }, or
-- what bench/compare.lua has reports made of.

local GROUPS = {
  "bench.transport", "bench.cache", "bench.sqlite", "bench.redis", "bench.layers", "bench.storms",
  "bench.embed", "bench.command", "bench.peers",
}

local works = {}

function works.all(context)
  local list = {}
  for _, group in ipairs(GROUPS) do
    for _, work in ipairs(require(group)(context)) do
      list[#list + 1] = work
    end
  end
  return list
end

-- Those whose names stand in `only`, separated by commas; all if that is empty.
function works.select(context, only)
  local selected, names, wanted = {}, {}, {}
  for name in only:gmatch "[^,%s]+" do
    wanted[name] = true
  end
  local all = next(wanted) == nil
  for _, work in ipairs(works.all(context)) do
    names[#names + 1] = work.name
    if all or wanted[work.name] then
      selected[#selected + 1] = work
    end
    wanted[work.name] = nil
  end
  if next(wanted) then
    error(("ONLY: there is no %s; there are %s"):format(next(wanted), table.concat(names, ", ")), 0)
  end
  return selected
end

return works
