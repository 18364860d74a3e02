local cjson = require("cjson")
local fixture = require("spec.support.fixture")

describe("examples/music", function()
  local server = fixture.origin()

  local function page(first, last, following)
    local items = {}
    for number = first, last do
      items[#items + 1] = { track_number = number, name = "Track " .. number }
    end
    return { items = items, next = following }
  end

  local function run(arguments)
    local command = ("MUSIC_ID=me MUSIC_SECRET=s3cret %s %s %s %s 2>&1"):format(
      os.getenv("RUN_UNDER") or "", os.getenv("LUA") or "lua5.4", "examples/music/main.lua",
      arguments)
    local pipe = assert(io.popen(command))
    local output = pipe:read("a")
    return pipe:close(), output
  end

  local function header(request, name)
    for _, field in ipairs(request.headers) do
      if field[1]:lower() == name then
        return field[2]
      end
    end
  end

  before_each(function()
    server:route("/token", { json = { access_token = "t0ken", expires_in = 3600 } })
    server:route("/v1/albums/1", { { status = 503 }, { json = { name = "An album",
      tracks = page(1, 2, server.url .. "/v1/albums/1/tracks?offset=2&limit=2") } } })
    server:route("/v1/albums/1/tracks?offset=2&limit=2&market=FI",
      { json = page(3, 4, cjson.null) })
  end)

  for _, way in ipairs({ "", "--async " }) do
    it("prints the tracks of an album, page by page " .. way, function()
      local ok, output = run(("%s%s/v1 %s/token 1"):format(way, server.url, server.url))
      assert.equal("An album\n  1  Track 1\n  2  Track 2\n  3  Track 3\n  4  Track 4\n", output)
      assert.is_true(ok)
      local requests = server:requests()
      assert.same({ "/token", "/v1/albums/1?market=FI", "/v1/albums/1?market=FI",
        "/v1/albums/1/tracks?offset=2&limit=2&market=FI" }, { requests[1].target,
        requests[2].target, requests[3].target, requests[4].target })
      assert.same({ "Basic bWU6czNjcmV0", "Bearer t0ken", "Bearer t0ken" },
        { header(requests[1], "authorization"), header(requests[2], "authorization"),
          header(requests[4], "authorization") })
      assert.equal("grant_type=client_credentials", requests[1].body)
    end)
  end

  it("prints what the API says where it refuses", function()
    server:route("/v1/albums/2", { status = 404,
      json = { error = { status = 404, message = "Non existing id" } } })
    local ok, output = run(("%s/v1 %s/token 2"):format(server.url, server.url))
    assert.is_not_true(ok)
    assert.equal("not_found: Non existing id (404)\n", output)
    server:route("/token", { status = 400, json = { error = "invalid_client" } })
    ok, output = run(("%s/v1 %s/token 2"):format(server.url, server.url))
    assert.is_not_true(ok)
    assert.matches("/token answered 400", output)
  end)

end)
