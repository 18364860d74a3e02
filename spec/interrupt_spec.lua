local fixture = require("spec.support.fixture")
local process = require("spec.support.process")

-- Ctrl-C, as the interpreter takes it: SIGINT to a program that waits.
describe("A program that waits for its next attempt", function()
  local server = fixture.origin()

  -- What it prints between Ctrl-C and its end, and the seconds that it took.
  local function interrupted(kind)
    local script = ([[
      local viesti = require "viesti"
      local pipe = io.popen "echo $PPID"
      print(pipe:read "a"); io.stdout:flush()
      local sender = viesti.RetryingSender { retries = 3, sender = viesti.%s(),
        backoff = { base = 30, jitter = "none" } }
      local ok, reason = pcall(sender.send, sender, { url = "%s/x" })
      print(ok, reason)
    ]]):format(kind, server.url)
    local pipe <close> = process.popen_script(script)
    local id = assert(tonumber(pipe:read("n")))
    repeat
      os.execute("sleep 0.05")
    until server:count("/x") == 1
    os.execute("sleep 0.1")
    local started = os.time()
    assert(os.execute("kill -INT " .. id)) -- the shell's own
    return pipe:read("a"), os.time() - started
  end

  for _, kind in ipairs({ "SyncSender", "AsyncSender" }) do
    it("ends at Ctrl-C over " .. kind, function()
      server:route("/x", { status = 503 })
      local output, seconds = interrupted(kind)
      assert.matches("false\t.*interrupted!", output)
      assert.is_true(seconds < 5)
      assert.equal(1, server:count("/x"))
    end)
  end
end)
