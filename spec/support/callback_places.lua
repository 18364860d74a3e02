-- Where viesti calls the user's code: a list of { name, play = function(sender, act, url) }, which
-- has `act` called there and returns what a send returns. In a task, the code may wait unless
-- `waits` is false: a C function stands between it and its task. What it raises is raised by the
-- call that it is part of; with `becomes_error` it is the message of an error of the kind script, a
-- table its cause, or that is. `raises` and `raises_tables` are false where nothing is promised of
-- that; `in_task` is true where the code runs in a task in any case.

local viesti = require("viesti")

local places = {}

local function place(name, play, more)
  local case = { name = name, play = play }
  for key, value in pairs(more or {}) do
    case[key] = value
  end
  places[#places + 1] = case
end

local function layer(methods)
  local Layer = viesti.ExtendingSender:extend("Layer")
  for name, method in pairs(methods) do
    Layer[name] = method
  end
  return Layer
end

local function in_chain(sender, methods)
  return viesti.chain({ viesti.Client(), viesti.RedirectingSender(), viesti.CachingSender(),
    viesti.RetryingSender({ retries = 1 }), layer(methods)(), sender })
end

-- A table that calls `act` when it is walked through.
local function walked(act, content)
  return setmetatable({}, { __pairs = function()
    act()
    return next, content
  end })
end

local function printed(act)
  return setmetatable({}, { __tostring = function()
    act()
    return "me"
  end })
end

-- Calls `fn` while warnings of that category call `act`.
local function warned(category, act, fn, ...)
  local before = category:set(function() act() end)
  local results = table.pack(pcall(fn, ...))
  category:set(before)
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

place("the reader of a body", function(sender, act, url)
  local left = 3
  return sender:send({ method = "POST", url = url, content = function()
    left = left - 1
    if left == 1 then
      act()
    end
    return left >= 0 and "piece" or nil
  end })
end, { becomes_error = true })

place("the reader of a body whose response is streamed", function(sender, act, url)
  local position = 0
  local response, err = sender:send({ method = "POST", url = url, stream = true,
    content = function()
      position = position + 1
      if position == 2 then
        act()
      end
      return position < 4 and "piece" or nil
    end })
  if response then
    return response:read()
  end
  return nil, err
end, { becomes_error = true })

place("a loop over chunks", function(sender, act, url)
  local response, err = sender:send({ url = url, stream = true })
  for _ in response and response:chunks(20) or function() end do
    act()
  end
  return response, err
end)

place("a token function", function(sender, act, url)
  return viesti.AuthenticatingSender({ sender = sender, token = function()
    act()
    return "token"
  end }):send({ url = url })
end)

place("a function to map with", function(_, act)
  return viesti.map({ 1, 2, 3 }, function(item)
    if item == 2 then
      act()
    end
    return item
  end)
end, { in_task = true })

place("the send of a layer", function(sender, act, url)
  return in_chain(sender, { send = function(self, request)
    act()
    return self.sender:send(request)
  end }):send({ url = url })
end)

place("the send of a concrete sender", function(_, act, url)
  local Concrete = viesti.Sender:extend("Concrete")
  function Concrete.send()
    act()
    return viesti.Response({ body = "x" })
  end
  return viesti.chain({ viesti.Client(), viesti.CachingSender(), viesti.RetryingSender(),
    Concrete() }):send({ url = url })
end)

place("the sleep of a layer", function(sender, act, url)
  return in_chain(sender, { sleep = act }):send({ url = url .. "?flaky" })
end)

place("the now of a layer", function(sender, act, url)
  return viesti.AuthenticatingSender({ sender = layer({ now = function()
    act()
    return 0
  end })({ sender = sender }), token = function() return "token" end }):send({ url = url })
end)

place("the close of a layer", function(sender, act)
  do
    local _ <close> = in_chain(sender, { close = act })
  end
  return true
end)

place("the init of a layer", function(sender, act, url)
  local Layer = viesti.ExtendingSender:extend("Layer")
  function Layer:init()
    Layer.super.init(self)
    act()
  end
  return Layer({ sender = sender }):send({ url = url })
end)

place("a policy of retries", function(sender, act, url)
  local acted = false
  return viesti.RetryingSender({ retries = 1, sender = sender, policy = function(context)
    if context.reason and not acted then
      acted = true
      act()
      return 0
    end
  end }):send({ url = url .. "?flaky" })
end)

place("on_retry of a RetryingSender", function(sender, act, url)
  return viesti.RetryingSender({ retries = 1, sender = sender, on_retry = act,
    backoff = { base = 0 } }):send({ url = url .. "?flaky" })
end)

place("__index of a request's options", function(sender, act, url)
  return sender:send(setmetatable({}, { __index = function(_, key)
    act()
    return key == "url" and url or nil
  end }))
end, { waits = false })

place("__pairs of a changed request's headers", function(sender, act, url)
  return sender:send(viesti.Request({ url = url }):with({ headers = walked(act, { A = "b" }) }))
end)

for _, name in ipairs({ "params", "headers", "data" }) do
  place("__len of a list in " .. name, function(sender, act, url)
    return sender:send({ method = "POST", url = url, [name] = { A = setmetatable({ "b" }, {
      __len = function()
        act()
        return 1
      end,
    }) } })
  end, { waits = false, raises_tables = false })
end

place("__pairs of a value sent as JSON", function(sender, act, url)
  return sender:send({ method = "POST", url = url, json = walked(act, { a = 1 }) })
end, { waits = false, raises = false })

place("__tostring of a wrong option", function(_, act)
  local _, message = pcall(viesti.SyncSender, { timeout = printed(act) })
  if type(message) ~= "string" or not message:find("got me$") then
    error(message, 0)
  end
  return true
end, { waits = false })

place("__tostring of what a reader raises", function(sender, act, url)
  local response, err = sender:send({ method = "POST", url = url, content = function()
    error(printed(act))
  end })
  return err.message == "me" or response, err
end, { waits = false, becomes_error = "an error that cannot be printed" })

place("a handler of SenderConflictWarning", function(sender, act)
  return warned(viesti.SenderConflictWarning, act, viesti.Client, sender, not sender.is_async)
end)

place("a handler of InsecureWarning", function(_, act)
  return warned(viesti.InsecureWarning, act, viesti.Session, { verify = false })
end)

place("the source of a chain", function(_, act)
  local chain, reason = viesti.load("act() return SyncSender {}", { act = act })
  return chain, { kind = "script", message = reason }
end, { becomes_error = true, raises_tables = false }) -- of a table a sentence says no more

place("the __close of a task that ends well", function(_, act)
  return viesti.run(function()
    local _ <close> = setmetatable({}, { __close = function() act() end })
    return true
  end)
end, { in_task = true })

place("a finalizer", function(sender, act, url)
  setmetatable({}, { __gc = function() pcall(act) end })
  collectgarbage()
  return sender:send({ url = url })
end, { waits = false, raises = false })

return places
