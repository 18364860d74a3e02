-- What RedirectingSender tells the place that a redirect leads to.

local viesti = require("viesti")
local fixture = require("spec.support.fixture")

local RedirectingSender = viesti.RedirectingSender

-- What a caller may tell a server in confidence, and what not.
local told = {
  Authorization = "Bearer secret", Cookie = "id=secret", ["Proxy-Authorization"] = "Basic secret",
  ["X-Api-Key"] = "secret", ["X-Plain"] = "open",
}

-- Those of them that a request carries, in order.
local function heard(header)
  local names = {}
  for name, value in pairs(told) do
    if header(name) == value then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, " ")
end

local everything = "Authorization Cookie Proxy-Authorization X-Api-Key X-Plain"

local function to(location)
  return { status = 302, headers = { { "Location", location } } }
end

for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
  describe("RedirectingSender over a " .. kind, function()
    local server, other = fixture.origin(), fixture.origin()
    local concrete

    before_each(function()
      concrete = viesti[kind]()
    end)

    after_each(function()
      concrete:close()
    end)

    local function send(request, options)
      options = options or {}
      options.sender = concrete
      local sender = RedirectingSender(options)
      request.url = request.url or server.url .. "/start"
      return viesti.run(sender.send, sender, request)
    end

    describe("tells another origin", function()
      it("nothing that was meant for the first", function()
        server:route("/start", to(other.url .. "/echo"))
        local response = assert(send({ headers = told }, { secret_headers = { "x-api-key" } }))
        assert.equal(other.url .. "/echo", response.url)
        assert.equal(everything, heard(server:requests()[1].header))
        assert.equal("X-Plain", heard(other:requests()[1].header))
      end)

      it("nothing that the request calls a secret, however it was copied", function()
        server:route("/start", { to("/second"), to(other.url .. "/echo") })
        server:route("/second", to(other.url .. "/echo"))
        local request = viesti.Request({ url = server.url .. "/start", headers = told,
          secret_headers = { "x-api-key" } }):with({ headers = { ["X-Plain"] = "open" } })
        local sender = RedirectingSender({ sender = concrete })
        assert(viesti.run(sender.send, sender, request))
        assert.equal(everything, heard(server:requests()[2].header))
        assert.equal("X-Plain", heard(other:requests()[1].header))
      end)

      it("no credentials that an AuthenticatingSender around it adds, in any field", function()
        for _, header in ipairs({ "X-Api-Key", "Authorization", "x-plain" }) do
          server:reset()
          other:reset()
          server:route("/start", { to("/second"), to(other.url .. "/echo") })
          server:route("/second", to(other.url .. "/echo"))
          local layer = viesti.ExtendingSender:extend("Layer", {})
          function layer:send(request)
            return self.sender:send(viesti.Request.from(request):with({ headers = { A = "b" } }))
          end
          local client = viesti.AuthenticatingSender({ bearer = "secret", header = header,
            sender = layer({ sender = RedirectingSender({ sender = concrete }) }) })
          assert(viesti.run(client.send, client, { url = server.url .. "/start" }))
          assert.matches("secret$", server:requests()[2].header(header))
          assert.is_nil(other:requests()[1].header(header))
        end
      end)

      it("only what it is not told to keep", function()
        server:route("/start", to(other.url .. "/echo"))
        assert(send({ headers = told }))
        assert.equal("X-Api-Key X-Plain", heard(other:requests()[1].header))
      end)

      it("its own Host, not the one that was asked for", function()
        server:route("/start", { to("/second"), to(other.url .. "/echo") })
        server:route("/second", to(other.url .. "/echo"))
        assert(send({ headers = { Host = "example.org" } }))
        assert.equal("example.org", server:requests()[2].header("Host"))
        assert.equal("127.0.0.1:" .. other.port, other:requests()[1].header("Host"))
      end)

      it("no user and password of the URL", function()
        server:route("/start", to(other.url .. "/echo"))
        local url = server.url:gsub("//", "//user:pass@") .. "/start"
        assert(send({ url = url }))
        assert.is_string(server:requests()[1].header("Authorization"))
        assert.is_nil(other:requests()[1].header("Authorization"))
      end)
    end)

    it("tells the same origin everything again", function()
      for _, place in ipairs({ "/echo", server.url .. "/echo" }) do
        server:reset()
        server:route("/start", to(place))
        assert(send({ headers = told }, { secret_headers = { "X-Api-Key" } }))
        assert.equal(everything, heard(server:requests()[2].header))
      end
    end)

    it("tells nothing to the first origin either once it has been away", function()
      server:route("/start", to(other.url .. "/away"))
      other:route("/away", to(server.url .. "/echo"))
      assert(send({ headers = told }, { secret_headers = { "X-Api-Key" } }))
      assert.equal("X-Plain", heard(server:requests()[2].header))
    end)

    it("takes a name that only looks the same for another origin", function()
      server:route("/start", to("http://127.0.0.1:" .. server.port .. "@localhost:" .. server.port
        .. "/echo"))
      assert(send({ headers = told }))
      assert.is_nil(server:requests()[2].header("Cookie"))
    end)
  end)
end

describe("A session that RedirectingSender sends with", function()
  it("takes no credentials for libcurl, which would tell every origin", function()
    for _, name in ipairs({ "USERPWD", "USERNAME", "PASSWORD", "XOAUTH2_BEARER" }) do
      for _, written in ipairs({ name, name:lower() }) do
        assert.has_error(function() viesti.SyncSender({ curl = { [written] = "me:secret" } }) end,
          ("Session: the option '%s' would go to every origin: use an AuthenticatingSender "
            .. "instead"):format(name))
      end
    end
  end)
end)

-- Where TLS would be needed to see it: the requests that arrive at a sender which answers so.
describe("RedirectingSender between http and https", function()
  local function scripted(places, requests)
    local Scripted = viesti.Sender:extend("Scripted")
    function Scripted:send(request)
      requests[#requests + 1] = request
      local location = places[#requests]
      return viesti.Response({ url = request.url, status_code = location and 302 or 200,
        headers = location and { Location = location } })
    end
    return Scripted()
  end

  local function sent(places, options)
    local requests = {}
    options = options or {}
    options.sender = scripted(places, requests)
    local response, err = RedirectingSender(options):send({ url = "https://a.example/x",
      headers = told })
    return requests, response, err
  end

  it("does not follow from https to http", function()
    local requests, response, err = sent({ "http://a.example/x" })
    assert.same({ 1, nil, "redirect" }, { #requests, response, err.kind })
    assert.matches("from https to http, which needs allow_downgrade", err.message)
    requests, response = sent({ "https://b.example/x", "http://b.example/x" })
    assert.same({ 2, nil }, { #requests, response })
  end)

  it("does so with allow_downgrade, without secrets", function()
    local requests = sent({ "http://a.example/x" }, { allow_downgrade = true })
    assert.equal("http://a.example/x", requests[2].url)
    assert.equal("X-Api-Key X-Plain", heard(function(name) return requests[2].headers[name] end))
  end)

  it("takes a Referer along, but not into the clear", function()
    local requests = {}
    local places = { "https://b.example/x", "http://b.example/x" }
    assert(RedirectingSender({ allow_downgrade = true, sender = scripted(places, requests) }):send({
      url = "https://a.example/x", headers = { referer = "https://a.example/?token=1" } }))
    assert.equal("https://a.example/?token=1", requests[2].headers.Referer)
    assert.is_nil(requests[3].headers.Referer)
  end)

  it("takes another scheme or port, not the scheme's own port, for another origin", function()
    for location, same in pairs({
      ["https://a.example:443/y"] = true, ["https://A.EXAMPLE/y"] = true, ["//a.example/y"] = true,
      ["https://a.example:8443/y"] = false, ["https://a.example.b.example/y"] = false,
      ["https://a.example@b.example/y"] = false, ["https://b.example/a.example/y"] = false,
    }) do
      local requests = sent({ location })
      assert.equal(same, requests[2].headers.Authorization ~= nil, location)
    end
    assert.is_nil(sent({ "http://a.example/", "https://a.example/" },
      { allow_downgrade = true })[3].headers.Cookie)
  end)

  it("goes by the names it was given, whatever becomes of the list", function()
    local names, requests = { "X-Api-Key" }, {}
    local sender = RedirectingSender({ secret_headers = names,
      sender = scripted({ "https://b.example/" }, requests) })
    names[1] = "X-Plain"
    assert(sender:send({ url = "https://a.example/x", headers = told }))
    local headers = requests[2].headers
    assert.same({ nil, "open" }, { headers["X-Api-Key"], headers["X-Plain"] })
  end)
end)
