--- What was likely meant by a name with a slip in it.

-- Optimal string alignment: a swap of neighbours, the commonest slip, counts as one.
local function distance(a, b)
  local rows = {}
  for i = 0, #a do
    rows[i] = { [0] = i }
  end
  for j = 0, #b do
    rows[0][j] = j
  end
  for i = 1, #a do
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best =
        math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, rows[i - 2][j - 2] + 1)
      end
      rows[i][j] = best
    end
  end
  return rows[#a][#b]
end

local SHORTEST_PART = 4
local LONGEST_NAME = 64 -- the distance between two takes the product of their lengths

-- The first that is a whole of what was given only in part, before those that go on with another
-- word: "retrying" for "retry", and "retry_after" if there is no other.
local function begun(name, names)
  local first
  for _, candidate in ipairs(names) do
    if #name >= SHORTEST_PART and candidate:sub(1, #name) == name then
      if candidate:find("^%l", #name + 1) then
        return candidate
      end
      first = first or candidate
    end
  end
  return first
end

-- Two slips in three letters make another word.
local function most_slips(name, candidate)
  return #name < SHORTEST_PART and 1 or math.max(2, #candidate // 3)
end

--- The name of `names` nearest to a mistyped one, or nil if none is near.
---@param name string
---@param names string[]
---@return string?
return function(name, names)
  local best, best_distance
  if #name > LONGEST_NAME then
    return nil
  end
  for _, candidate in ipairs(names) do
    local d = distance(name:lower(), candidate:lower())
    if d <= most_slips(name, candidate) and (not best or d < best_distance) then
      best, best_distance = candidate, d
    end
  end
  local is_one_slip = best and best_distance <= 1
  return is_one_slip and best or begun(name, names) or best
end
