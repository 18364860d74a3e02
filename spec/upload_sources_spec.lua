local viesti = require("viesti")
local bodies = require("spec.support.bodies")
local nginx = require("spec.support.nginx")
local origin = require("spec.support.origin")

local reader_of, file_with = bodies.reader_of, bodies.file_with

describe("A body by pieces", function()
  it("is never sent in part where kept connections had died, however often", function()
    local server <close> = origin.start()
    local sender <close> = viesti.SyncSender({ timeout = 5 })
    local file <close> = file_with("0123456789")
    for _ = 1, 7 do
      server:route("/dying", { { body = "fine" }, { close = true }, { body = "again" } })
      for _ = 1, 2 do
        local _, err = sender:send({ method = "PUT", url = server.url .. "/dying", content = file })
        assert.equal("reset", err and err.kind or "reset")
        file:seek("set")
      end
    end
    for _, request in ipairs(server:requests()) do
      assert.equal("0123456789", request.body)
    end
    assert.equal(14, #server:requests())
  end)

  it("of 30 MB is not held in memory, nor repeated", function()
    local web <close> = nginx.start({ locations = [[
      location /take { client_body_buffer_size 64k; proxy_pass http://unix:status.sock:/; }
    ]] })
    local sender <close> = viesti.SyncSender()
    local piece, left = ("x"):rep(100000), 300
    collectgarbage()
    local before, most = collectgarbage("count"), 0
    local response = assert(sender:send({ method = "PUT", url = web.url .. "/take",
      content = function()
        left = left - 1
        most = math.max(most, collectgarbage("count"))
        return left >= 0 and piece or nil
      end }))
    assert.is_true(response.status_code > 0)
    assert.equal(-1, left)
    assert.is_true(most - before < 4096, most - before)
  end)

  it("from a function that goes on at the announced length is too long", function()
    local server <close> = origin.start()
    for _, sender in ipairs({ viesti.SyncSender(), viesti.AsyncSender() }) do
      local function send(length)
        return sender:send({ method = "PUT", url = server.url .. "/echo", length = length,
          content = reader_of({ "one", "two" }) })
      end
      assert.equal("onetwo", assert(send(6)).content.body)
      local _, err = send(3)
      assert.equal("script", err.kind)
      sender:close()
    end
  end)

  it("from a function cannot be redirected, and one from a file is", function()
    local server <close> = origin.start()
    server:route("/moved", { status = 307, headers = { { "Location", "/echo" } } })
    local sender <close> = viesti.RedirectingSender({ sender = viesti.SyncSender() })
    local response = assert(sender:send({ method = "PUT", url = server.url .. "/moved",
      content = reader_of({ "once" }) }))
    assert.equal(307, response.status_code)
    local file <close> = file_with("-again")
    assert(file:seek("set", 1))
    response = assert(sender:send({ method = "PUT", url = server.url .. "/moved",
      content = file }))
    assert.same({ 200, "again" }, { response.status_code, response.content.body })
  end)

  it("from a function goes to the first of two that ask for it at once", function()
    local server <close> = origin.start()
    local sender <close> = viesti.AsyncSender()
    local request = viesti.Request({ method = "PUT", url = server.url .. "/echo",
      content = reader_of({ "once" }) })
    viesti.run(function()
      local first, second = viesti.spawn(sender.send, sender, request),
        viesti.spawn(sender.send, sender, request)
      assert.equal("once", assert(first:join()).content.body)
      local response, err = second:join()
      assert.same({ nil, "script" }, { response, err.kind })
      assert.matches("the body has been read already", err.message)
    end)
    assert.equal("once", server:requests()[1].body)
  end)

  it("from a file that is closed meanwhile cannot be redirected", function()
    local file = file_with("text")
    local Closing = viesti.Sender:extend("ClosingSender")
    function Closing.send()
      file:close()
      return viesti.Response({ url = "http://h/", status_code = 307,
        headers = { Location = "/there" } })
    end
    local response, err = viesti.RedirectingSender({ sender = Closing() }):send({ method = "PUT",
      url = "http://h/", content = file })
    assert.same({ nil, "redirect" }, { response, err.kind })
    assert.matches("the file in content has been closed", err.message)
  end)

  it("from a file leaves the file where it was until it is sent", function()
    local file <close> = file_with("0123456789")
    assert(file:seek("set", 3))
    viesti.Request({ method = "PUT", url = "http://h/", content = file })
    assert.equal(3, file:seek())
  end)

  it("refuses a length without a reader, and a reader's that is none", function()
    local url = "http://h/"
    assert.has_error(function()
      viesti.Request({ method = "PUT", url = url, content = reader_of({}), length = -1 })
    end)
    assert.has_error(function()
      viesti.Request({ method = "PUT", url = url, content = io.popen("true") })
    end)
  end)
end)
