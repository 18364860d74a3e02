-- What a soak shows to its reader.

local tables = {}

local function thousands(number)
  local text = ("%d"):format(number)
  local rest
  repeat
    text, rest = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
  until rest == 0
  return text
end

local KNOWN = {}
for name in ([[requests seconds cached resident lua descriptors threads entries
    bytes]]):gmatch "%a+" do
  KNOWN[name] = true
end

-- Names with their counts, the most frequent first.
local function by_count(counts)
  local names = {}
  for name in pairs(counts) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  for index, name in ipairs(names) do
    names[index] = ("%s %s"):format(name, thousands(counts[name]))
  end
  return table.concat(names, ", ")
end

function tables.print_report(now, before)
  before = before or { requests = 0, seconds = 0 }
  local rate = (now.requests - before.requests) / math.max(now.seconds - before.seconds, 0.1)
  local outcomes = {}
  for name, count in pairs(now) do
    if not KNOWN[name] and math.type(count) then
      outcomes[name] = count
    end
  end
  print(("%9s  %6s/s  memory %.1f MiB (Lua %.1f)  descriptors %d  threads %d  store %d, %.1f MiB"
    .. "  cached %s | %s"):format(thousands(now.requests), thousands(rate // 1 | 0),
    now.resident / 1024, now.lua / 1024, now.descriptors, now.threads, now.entries,
    now.bytes / 1024 / 1024, thousands(now.cached), by_count(outcomes)))
end

-- What each case ended with, over all ways.
function tables.print_cases(outcomes)
  local sums, labels = {}, {}
  for _, outcome in ipairs(outcomes) do
    for _, seen in ipairs(outcome.cases) do
      local sum = sums[seen.label]
      if not sum then
        sum, labels[#labels + 1] = {}, seen.label
        sums[seen.label] = sum
      end
      sum[seen.outcome] = (sum[seen.outcome] or 0) + seen.count
    end
  end
  table.sort(labels)
  print "\nwhat came of each kind of request:"
  for _, label in ipairs(labels) do
    print(("  %-24s %s"):format(label, by_count(sums[label])))
  end
end

-- One line a way, and what is wrong with it.
function tables.print_verdict(outcomes, warm_reports)
  print ""
  for _, outcome in ipairs(outcomes) do
    local first, last = warm_reports(outcome)
    if first then
      print(("%s: %s requests, %s/s; memory %.1f MiB after %s, %.1f MiB after the last: %s")
        :format(outcome.way.name, thousands(last.requests),
          thousands(last.requests / math.max(last.seconds, 0.1) // 1 | 0), first.resident / 1024,
          thousands(first.requests), last.resident / 1024,
          #outcome.wrong == 0 and "all well" or "FAILED"))
    end
    for _, sentence in ipairs(outcome.wrong) do
      print(("  %s: %s"):format(outcome.way.name, sentence))
    end
  end
end

return tables
