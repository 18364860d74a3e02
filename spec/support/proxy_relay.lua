-- Passes bytes between a client and an upstream until either is done, as badly as the options say
-- (see proxy.lua).

local tcp_server = require("spec.support.tcp_server")

local largest_piece = 65536
local pieces_a_second = 50

-- Passes on what comes from `source` until it ends (which raises) or has to be cut.
local function pass(self, source, sink, limit)
  local rate, passed = self.options.rate, 0
  local most = rate and math.max(1, rate // pieces_a_second) or largest_piece
  while true do
    local piece = source:some(math.tointeger(most))
    if self.options.delay then
      self.tasks:sleep(self.options.delay)
    end
    if self.is_cut then
      return -- in the other direction, while this one waited
    end
    piece = piece:sub(1, limit and limit - passed)
    sink:send(piece)
    passed = passed + #piece
    if passed == limit and not self.options.cut.stall then
      self.is_cut = true
      return
    end
    if rate then
      self.tasks:sleep(#piece / rate)
    end
  end
end

local function limit_from(options, side)
  local cut = options.cut
  return cut and (cut.from or "upstream") == side and math.tointeger(cut.after) or nil
end

-- The client's end ends the upstream's input; a cut ends the upstream, which ends `download`.
local function upload(self)
  tcp_server.until_closed(pass, self, self.client, self.upstream,
    limit_from(self.options, "client"))
  self.upstream.handle:shutdown(self.is_cut and "both" or "send")
end

local function download(self)
  tcp_server.until_closed(pass, self, self.upstream, self.client,
    limit_from(self.options, "upstream"))
end

return function(server, client, upstream, options)
  local self = {
    tasks = server.tasks,
    client = client,
    upstream = upstream,
    options = options,
    is_cut = false,
  }
  local uploading = server.tasks:spawn(upload, self)
  download(self)
  server.tasks:cancel(uploading)
  upstream:close()
  if self.is_cut and options.cut.reset then
    client:reset()
  else
    client:close_after_drain()
  end
end
