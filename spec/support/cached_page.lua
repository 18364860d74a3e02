-- A page of an origin, /x, and CachingSenders of any options before it:
--
--   local page = cached_page()
--   local sender = page.caching { ttl = 5 }
--   page.get(sender, "?query", { headers = … })
--
-- To be called where tests are described; `page.server` is the origin, `page.concrete` what sends
-- to it.

local busted = require("busted")
local fixture = require("spec.support.fixture")
local viesti = require("viesti")

local FRESH = { { "Cache-Control", "max-age=60" } }

return function()
  local page = { server = fixture.origin() }

  busted.setup(function()
    page.concrete = viesti.SyncSender()
  end)

  busted.teardown(function()
    page.concrete:close()
  end)

  busted.before_each(function()
    page.server:route("/x", { body = "x", headers = FRESH })
  end)

  function page.caching(options)
    options.sender = page.concrete
    return viesti.CachingSender(options)
  end

  -- The response to a GET of the page, or what else a request has more of.
  function page.get(sender, query, more)
    local request = { url = page.server.url .. "/x" .. (query or "") }
    for name, value in pairs(more or {}) do
      request[name] = value
    end
    return assert(sender:send(request))
  end

  return page
end
