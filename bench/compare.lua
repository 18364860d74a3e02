-- Runs both sides of a work alternately and reports what came out.
--
-- A work has a name, a title, its plain variants (the reference first; or the best of them where
-- `best` is set) and its viesti variants, each { title, words, target or cpu_target (of a ratio),
-- ... }; and, where they apply, same_core, most_rounds, scale and unit (of the rate), instructions
-- (see there), peak_of (a size in bytes), peak_limit (in MiB).

local Report = require "bench.report"
local child = require "bench.child"
local instructions = require "bench.instructions"
local measure = require "bench.measure"

local KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024

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
  return ("%.2f-%.2f"):format(ratios[1], ratios[#ratios])
end

local function report_variant(report, samples, variant, plain, judged)
  local function both(name, show)
    local of_plain, of_viesti = median(samples, plain, name), median(samples, variant, name)
    return show(of_plain), show(of_viesti), measure.ratio(of_viesti, of_plain)
  end
  local plain_rate, rate, ratio = both("rate", measure.number)
  local plain_cpu, cpu, cpu_ratio = both("cpu", measure.duration)
  local plain_peak, peak = both("peak", function(bytes) return measure.number(bytes / MEBIBYTE) end)
  local target = variant.target and measure.verdict(variant.target, ratio)
    or variant.cpu_target and "cpu " .. measure.verdict(variant.cpu_target, cpu_ratio)
  report:row(variant.title, plain.title, plain_rate, rate, ratio, range(samples, variant, plain),
    judged and target, plain_cpu, cpu, cpu_ratio, plain_peak, peak)
end

local function report_rates(report, work, samples)
  local unit = work.unit or "/s"
  report:table("viesti", "plain", "plain " .. unit, "viesti " .. unit, "ratio", "rounds", "target",
    "plain cpu", "viesti cpu", "ratio", "plain MiB", "viesti MiB")
  local reference = reference_of(work, samples)
  for index, viesti in ipairs(work.viesti) do
    report_variant(report, samples, viesti, reference, true)
    for _, plain in ipairs(work.plain) do
      if plain ~= reference and (index == 1 or not work.best) then
        report_variant(report, samples, viesti, plain, false)
      end
    end
  end
end

-- Instructions per request, each viesti variant beside each plain one.
local function report_instructions(report, work, core)
  local counts = {}
  for _, variant in ipairs(alternate(work)) do
    counts[variant] = instructions(variant.words, core, work.instructions)
  end
  report:table("user instructions a request", "plain", "by plain", "by viesti", "ratio", "target")
  for _, viesti in ipairs(work.viesti) do
    for index, plain in ipairs(work.plain) do
      local ratio = measure.ratio(counts[viesti], counts[plain])
      local target = index == 1 and viesti.instructions_target
      report:row(viesti.title, plain.title, measure.number(counts[plain]),
        measure.number(counts[viesti]), ratio, target and measure.verdict(target, ratio))
    end
  end
end

-- The peak of a program that does it once, as a multiple of the size of what it fetches.
local function report_peaks(report, work, core)
  report:table("peak memory of one alone", "MiB", "times the body", "target")
  for _, variant in ipairs(alternate(work)) do
    local output = child.run(with(variant.words, "--count", 1, "--warm-up", 0), core)
    local peak = child.read(output).peak * KIBIBYTE
    local ratio, target = measure.ratio(peak, work.peak_of), variant.peak_target
    report:row(variant.title, measure.number(peak / MEBIBYTE), ratio,
      target and measure.verdict(target, ratio))
  end
end

local function note_peaks(report, work, samples)
  for _, viesti in ipairs(work.viesti) do
    local peak = median(samples, viesti, "peak") / MEBIBYTE
    report:note("viesti's peak memory, in MiB: %s (target %s).", measure.number(peak),
      measure.verdict(work.peak_limit, peak))
  end
end

-- context: rounds, seconds, server, cores (of server and client). Returns a report.
function compare.run(work, context)
  local core = context.cores.client
  child.pin(context.server.id, work.same_core and core or context.cores.server)
  local report = Report.new(work.title)
  local samples = measure_rounds(work, context, core)
  report_rates(report, work, samples)
  if work.instructions and child.has_valgrind then
    report_instructions(report, work, core)
  end
  if work.peak_of then
    report_peaks(report, work, core)
  end
  if work.peak_limit then
    note_peaks(report, work, samples)
  end
  return report
end

return compare
