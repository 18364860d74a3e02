--- What a server has said that it still takes: of each of its policies how many requests until
--- when.
---@class viesti.RateWindows
local RateWindows = {}
RateWindows.__index = RateWindows

local MOST = 8           -- policies: a server may make up names without end
local WHOLE_SECONDS = 1  -- ends that differ by less are the same, as such servers tell them

--- `left` more until the moment `ends`. Answers overtake each other: within a window the least that
--- was said holds.
---@param name string
---@param left integer
---@param ends number
---@param now number
function RateWindows:note(name, left, ends, now)
  local window = self.windows[name]
  if window and window.ends > now and ends <= window.ends + WHOLE_SECONDS then
    window.left = math.min(window.left, left)
  elseif window or self.count < MOST then
    self.count = self.count + (window and 0 or 1)
    self.windows[name] = { left = left, ends = ends }
  end
end

--- One more request is sent. Returns true if that was the last one that some window had.
---@return boolean
function RateWindows:spend()
  local is_last = false
  for _, window in pairs(self.windows) do
    window.left = window.left - 1
    is_last = is_last or window.left == 0
  end
  return is_last
end

--- What follows from it: seconds between requests; the moment up to which there must be none, if
--- there is one; the moment at which that has to be worked out anew, nil if there is nothing left
--- to follow.
---@param now number
---@return number interval, number? held, number? changes
function RateWindows:demand(now)
  local interval, held, changes = 0, nil, nil
  for name, window in pairs(self.windows) do
    if window.ends <= now then
      self.windows[name] = nil
      self.count = self.count - 1
    else
      changes = math.min(changes or math.huge, window.ends)
      if window.left > 0 then
        interval = math.max(interval, (window.ends - now) / window.left)
      else
        held = math.max(held or now, window.ends)
      end
    end
  end
  return interval, held, changes
end

return function()
  return setmetatable({ windows = {}, count = 0 }, RateWindows)
end
