-- What the user says of a response, over the heads of server and rules.
local core = require "viesti.core"
local format = require "viesti.base.format"
local option_types = require "viesti.base.option_types"

local function check_result(self, what, wanted, value)
  local place = type(self[what]) == "function" and core.place_of(self[what]) or core.place()
  error(("%sCachingSender: %s must return %s, it returned %s"):format(place, what, wanted,
    format.given(value)), 0)
end

local function chosen_ttl(self, request, response)
  local ttl = request.ttl or self.ttl
  if type(ttl) == "function" then
    ttl = ttl(request, response)
    if ttl ~= nil and not (type(ttl) == "number" and ttl >= 0) then
      check_result(self, "ttl", "seconds of 0 or more, or nil", ttl)
    end
  end
  return ttl
end

local function chosen_tags(self, request, response)
  local tags = self.tags
  if type(tags) == "function" then
    tags = tags(request, response)
  end
  if tags ~= nil and not option_types.is_strings(tags) then
    check_result(self, "tags", "a list of strings, or nil", tags)
  end
  return tags and core.pack(tags)
end

--- What a CachingSender's `ttl`, `tags` and `store_if`, and the request's own `ttl`, say of a
--- response, nil for nothing. One that a 304 freshens is kept already, and has its tags. What
--- redirects inside led to answers another request, and for how long they lead there is not in it.
---@param self viesti.CachingSender
return function(self, request, response, verdict)
  if response.history then
    return { refuses = true }
  elseif not (self.chooses or request.ttl) or response.streamed and not self.records
    or not self.cache:minds(verdict, request, response, (request.ttl or self.ttl) ~= nil) then
    return nil
  elseif response.status_code == 304 or request.method == "HEAD" then
    return { ttl = chosen_ttl(self, request, response) }
  end
  return {
    ttl = chosen_ttl(self, request, response),
    tags = chosen_tags(self, request, response),
    refuses = self.store_if and not self.store_if(request, response),
  }
end
