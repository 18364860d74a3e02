-- Runs both sides of a work alternately and prints what came out.
--
-- A work has a name, its plain variants (the reference first; or the best of them where `best` is
-- set) and its viesti variants, each { title, words, target, ... }; and, where they apply,
-- same_core, most_rounds, scale (of the rate), instructions (see there), peak_of (a size in bytes).

local child = require "bench.child"
local instructions = require "bench.instructions"
local measure = require "bench.measure"

local KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024

local COLUMNS = {
  { "work", 32 }, { "plain/s", 7 }, { "viesti/s", 8 }, { "ratio", 5 }, { "(rounds)", 11 },
  { "target", 8 }, { "cpu plain", 9 }, { "viesti", 8 }, { "ratio", 5 },
  { "MiB plain", 9 }, { "viesti", 6 },
}

local compare = {}

-- plain, viesti, plain, viesti, and so on.
local function alternate(work)
  local order = {}
  for index = 1, math.max(#work.plain, #work.viesti) do
    order[#order + 1] = work.plain[index]
    order[#order + 1] = work.viesti[index]
  end
  return order
end

local function with(words, ...)
  local all = table.move(words, 1, #words, 1, {})
  for _, word in ipairs { ... } do
    all[#all + 1] = word
  end
  return all
end

local function measure_rounds(work, context, core)
  local samples = {}
  local order = alternate(work)
  for _, variant in ipairs(order) do
    samples[variant] = {}
  end
  for round = 1, math.min(context.rounds, work.most_rounds or math.huge) do
    for _, variant in ipairs(order) do
      local output = child.run(with(variant.words, "--seconds", context.seconds), core)
      local values = child.read(output)
      samples[variant][round] = {
        rate = values.requests / values.seconds * (work.scale or 1),
        cpu = values.cpu / values.requests,
        peak = values.peak * KIBIBYTE,
      }
    end
  end
  return samples
end

local function median(samples, variant, name)
  return measure.median(measure.each(samples[variant], function(sample) return sample[name] end))
end

local function reference_of(work, samples)
  local best = work.plain[1]
  for _, variant in ipairs(work.best and work.plain or {}) do
    if median(samples, variant, "rate") > median(samples, best, "rate") then
      best = variant
    end
  end
  return best
end

local function range(samples, variant, reference)
  local ratios = {}
  for round, sample in ipairs(samples[variant]) do
    ratios[round] = sample.rate / samples[reference][round].rate
  end
  table.sort(ratios)
  return ("(%.2f-%.2f)"):format(ratios[1], ratios[#ratios])
end

local function print_variant(line, samples, variant, reference, title)
  local function both(name, show)
    local plain, viesti = median(samples, reference, name), median(samples, variant, name)
    return show(plain), show(viesti), measure.ratio(viesti, plain)
  end
  local mebibytes = function(bytes) return measure.number(bytes / MEBIBYTE) end
  local plain, viesti, ratio = both("rate", measure.number)
  local plain_cpu, viesti_cpu, cpu_ratio = both("cpu", measure.duration)
  local plain_peak, viesti_peak = both("peak", mebibytes)
  line {
    title, plain, viesti, ratio, range(samples, variant, reference), variant.target or "",
    plain_cpu, viesti_cpu, cpu_ratio, plain_peak, viesti_peak,
  }
end

local function note(...)
  print("    " .. string.format(...))
end

-- Instructions per request, each viesti variant as a ratio to each plain one.
local function print_instructions(work, core)
  local counts = {}
  for _, variant in ipairs(alternate(work)) do
    counts[variant] = instructions(variant.words, core, work.instructions)
  end
  for _, viesti in ipairs(work.viesti) do
    local ratios = {}
    for index, plain in ipairs(work.plain) do
      ratios[index] = ("plain%s %s, ratio %s"):format(plain.title and ", " .. plain.title or "",
        measure.number(counts[plain]), measure.ratio(counts[viesti], counts[plain]))
    end
    note("%s: %s instructions a request; %s%s", viesti.title, measure.number(counts[viesti]),
      table.concat(ratios, "; "),
      viesti.instructions_target and " (target " .. viesti.instructions_target .. ")" or "")
  end
end

-- The peak of a program that does it once, as a multiple of the size of what it fetches.
local function print_peaks(work, core)
  for _, variant in ipairs(alternate(work)) do
    local output = child.run(with(variant.words, "--count", 1, "--warm-up", 0), core)
    note("%s, only one: peak memory %s times the body%s",
      variant.title or "plain", measure.ratio(child.read(output).peak * KIBIBYTE, work.peak_of),
      variant.peak_target and " (target " .. variant.peak_target .. ")" or "")
  end
end

-- context: rounds, seconds, server, cores (of server and client). line: prints a line of the table.
function compare.run(work, context, line)
  local core = context.cores.client
  child.pin(context.server.id, work.same_core and core or context.cores.server)
  local samples = measure_rounds(work, context, core)
  local reference = reference_of(work, samples)
  for _, viesti in ipairs(work.viesti) do
    local by = work.best and (" (plain: %s)"):format(reference.title) or ""
    print_variant(line, samples, viesti, reference, viesti.title .. by)
    for _, plain in ipairs(work.plain) do
      if plain ~= reference then
        print_variant(line, samples, viesti, plain, "  plain: " .. plain.title)
      end
    end
  end
  if work.instructions and child.has_valgrind then
    print_instructions(work, core)
  end
  if work.peak_of then
    print_peaks(work, core)
  end
end

function compare.table()
  return measure.table(COLUMNS)
end

compare.note = note

return compare
