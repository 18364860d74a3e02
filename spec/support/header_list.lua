-- Headers as { { name, value }, … } in the order and case of the wire.

local header_list = {}

-- Every value of that name, in order.
function header_list.get_all(headers, name)
  local values = {}
  for _, pair in ipairs(headers) do
    if pair[1]:lower() == name:lower() then
      values[#values + 1] = pair[2]
    end
  end
  return values
end

-- The first value of that name, or nil.
function header_list.get(headers, name)
  return header_list.get_all(headers, name)[1]
end

-- Whether a list-valued header holds that token, in any case.
function header_list.has_token(headers, name, token)
  for _, value in ipairs(header_list.get_all(headers, name)) do
    for item in value:gmatch("[^,]+") do
      if item:match("^%s*(.-)%s*$"):lower() == token then
        return true
      end
    end
  end
  return false
end

-- Lower-case name to list of values.
function header_list.grouped(headers)
  local groups = {}
  for _, pair in ipairs(headers) do
    local name = pair[1]:lower()
    groups[name] = groups[name] or {}
    table.insert(groups[name], pair[2])
  end
  return groups
end

return header_list
