--- What the concrete senders over libcurl share: a session, their own or one passed in.
local core = require "viesti.core"
local Sender = require "viesti.senders.sender"
local Session = require "viesti.transport.session"

local declaration = {
  { name = "session", type = "session", doc = "a Session to share; other options then go to it" },
}
table.move(Session.options, 1, #Session.options, 2, declaration)

--- A concrete sender class of that name, still without `send`.
return function(name)
  local Class = Sender:extend(name, declaration)

  -- Options other than `session` make a session of the sender's own.
  function Class:init()
    local own = {}
    for _, spec in ipairs(Session.options) do
      if self._given[spec.name] ~= nil and self.session then
        error(("%s%s: session and %s are both given; options go to the Session"):format(
          core.place(), name, spec.name), 0)
      end
      own[spec.name] = self._given[spec.name]
      self[spec.name] = nil
    end
    if not self.session then
      local session, wrong = Session.build(own)
      self.session = session or error(core.place() .. wrong, 0)
    end
  end

  function Class:option(option_name)
    if option_name == "session" then
      return self._given.session
    end
    return self.session:given_options()[option_name]
  end

  --- Closes the session, for every sender that shares it.
  function Class:close()
    self.session:close()
  end

  return Class
end
