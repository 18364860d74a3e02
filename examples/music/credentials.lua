--- Credentials of an application: they get tokens by OAuth's client credentials (RFC 6749 4.4).
local viesti = require "viesti"

local Credentials = viesti.Client:extend("Credentials", {
  { name = "token_url", type = "string", required = true, doc = "where tokens are to be had" },
  { name = "client_id", type = "string", required = true },
  { name = "client_secret", type = "string", required = true, secret = true },
})

function Credentials:init()
  Credentials.super.init(self)
  self.sender = viesti.AuthenticatingSender {
    basic = { self.client_id, self.client_secret },
    sender = self.sender,
  }
end

--- A token and the seconds it is good for, as AuthenticatingSender's `token` wants them; or nil and
--- why there is none.
function Credentials:token()
  local response, err = self:send {
    method = "POST", url = self.token_url, data = { grant_type = "client_credentials" },
  }
  if not response then
    return nil, err
  end
  local answer = response.content
  if response.status_code ~= 200 or type(answer) ~= "table" then
    return nil, ("%s answered %d"):format(self.token_url, response.status_code)
  end
  return answer.access_token, answer.expires_in
end

return Credentials
