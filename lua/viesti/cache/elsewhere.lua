--- What a CachingSender has in a store elsewhere, which hands it out as bytes: entries for the
--- rules to judge, and bodies that stand apart from them.
local bodies = require "viesti.cache.bodies"

local elsewhere = {}

--- The response with its body in it, unless it is to be streamed; nil: that is gone.
---@return viesti.Response?
function elsewhere.fill(self, request, response)
  if response and self.far and not request.stream then
    return bodies.fill(self.far, response)
  end
  return response
end

-- Whether the rules can do without the bodies of entries: what is near is whole, and of a part
-- there has to be the rest.
local function heads_will_do(self, request)
  return self.far.keeps_bodies and not self.near
    and (not request.headers.Range or request.method == "HEAD")
end

--- What the store has under the request's key comes near before the rules are asked, or is only
--- shown to inspect, unless it was invalidated while it was on its way. Returns a function that
--- does so once more, with bodies in the entries if asked to; the generation; and whether there is
--- anything. Nothing for what no cache answers.
---@return fun(whole: boolean)? load, any generation, boolean? found
function elsewhere.load(self, request, key, partition, shows)
  local name, since = self.cache:key(request, key, partition)
  if not name then
    return nil
  end
  local entries, generation = self.far:get(name)
  local function load(whole)
    local loaded = whole and bodies.any_apart(entries) and bodies.gather(self.far, entries)
      or entries
    if self.cache:load(name, loaded, since, shows) > 0 then
      self.far:failed("get", "an entry is damaged, or of another version")
    end
  end
  load(not (shows or heads_will_do(self, request)))
  return load, generation, entries[1] ~= nil
end

--- Looks the request up there. Returns the response if it is there and may be used, or nil; and, if
--- something is to be sent, that and what is to be done with the answer, and the generation.
function elsewhere.look_up(self, request, key, partition)
  local load, generation, found = elsewhere.load(self, request, key, partition)
  local stored, outgoing, verdict = self.cache:lookup(request, nil, key, partition)
  local response = elsewhere.fill(self, request, stored)
  if stored and not response then
    load(true) -- all but those whose bodies are gone
    response, outgoing, verdict = self.cache:lookup(request, nil, key, partition)
  end
  if found and verdict and not response then
    self.far:note(verdict:validates() and "stale" or "miss")
  end
  return response, outgoing, verdict, generation
end

return elsewhere
