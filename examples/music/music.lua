--- Music: a client of a music service's API, as a base for what an application does with it.
---
---   local music = Music { base_url = "https://api.example.org/v1", credentials = credentials }
---   local album, err = music:album "4aawyAB9vmqN3uQ7FjRGTy"
---   for track in music:tracks(album) do ... end
local viesti = require "viesti"

local Music = viesti.Client:extend("Music", {
  { name = "base_url", type = "string", required = true, doc = "where the API begins" },
  { name = "credentials", type = "Credentials", required = true },
  { name = "market", type = "string", doc = "the country whose catalogue is meant" },
})

-- One chain for all that goes to the API; what it ends in is the user's.
function Music:init()
  Music.super.init(self)
  local concrete = self.sender
  self.sender = viesti.chain {
    viesti.DefaultsSender {
      base_url = self.base_url, headers = { Accept = "application/json" },
      params = { market = self.market },
    },
    viesti.AuthenticatingSender { token = function() return self.credentials:token() end },
    viesti.CachingSender { max_size = 1000 },
    viesti.RetryingSender { retries = 2, max_time = 30 },
    concrete,
  }
end

--- What the API says went wrong: `kind` is one of the names below, or "error".
local ApiError = {}
ApiError.__index = ApiError
ApiError.__tostring = function(self)
  return ("%s: %s (%d)"):format(self.kind, self.message, self.status)
end

local KINDS = { [401] = "unauthorised", [403] = "forbidden", [404] = "not_found",
  [429] = "too_many_requests" }

local function api_error(response)
  local content = response.content
  local said = type(content) == "table" and type(content.error) == "table" and content.error or {}
  return setmetatable({
    kind = KINDS[response.status_code] or "error", status = response.status_code,
    message = said.message or response.reason, response = response,
    retry_after = response:retry_after(),
  }, ApiError)
end

--- The decoded answer; or nil and an error: of the API's, or viesti's where there was no answer.
function Music:get(url, params)
  local response, err = self:send { url = url, params = params }
  if not response then
    return nil, err
  elseif not response:is_success() then
    return nil, api_error(response)
  end
  return response.content
end

function Music:album(id)
  return self:get("albums/" .. id)
end

function Music:search(words)
  local found, err = self:get("search", { q = words, type = "album", limit = 20 })
  return found and found.albums, err
end

--- All items of a page of the API's and of those that follow it, each fetched when it is reached. A
--- page that cannot be had raises its error, so that a part is never taken for the whole.
function Music:items(page)
  local index = 0
  return function()
    while index == #page.items and page.next do
      page, index = assert(self:get(page.next)), 0
    end
    index = index + 1
    return page.items[index]
  end
end

function Music:tracks(album)
  return self:items(album.tracks)
end

return Music
