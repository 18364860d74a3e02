-- Prints busted's results as TAP, each as its test ends. A pending test has not passed.
return function()
  local busted = require "busted"
  local full_name = require "busted.outputHandlers.base"().getFullName
  local count = 0
  local messages = {}

  local function report(element, passed)
    count = count + 1
    io.stdout:write(passed and "ok " or "not ok ", count, " - ", full_name(element), "\n")
    for _, message in ipairs(messages) do
      io.stdout:write("# ", (message:gsub("\n", "\n# ")), "\n")
    end
    io.stdout:flush()
    messages = {}
  end

  local function wrong(element, _, message, trace)
    messages[#messages + 1] = tostring(message) .. (trace and trace.traceback or "")
    if element.descriptor ~= "it" then report(element, false) end
    return nil, true
  end

  return {
    subscribe = function()
      busted.subscribe({ "failure" }, wrong)
      busted.subscribe({ "error" }, wrong)
      busted.subscribe({ "pending" }, function(_, _, message)
        messages[#messages + 1] = "pending: " .. tostring(message)
        return nil, true
      end)
      busted.subscribe({ "test", "end" }, function(element, _, status)
        report(element, status == "success")
        return nil, true
      end)
      busted.subscribe({ "suite", "end" }, function()
        io.stdout:write("1..", count, "\n")
        return nil, true
      end)
    end,
  }
end
