local viesti = require("viesti")
local retried = require("spec.support.retried")
local Scripted = require("spec.support.scripted")

local RetryingSender = viesti.RetryingSender
local URL = "http://h.invalid/"

describe("RetryingSender", function()
  local after, reasons, send, waits = retried.after, retried.reasons, retried.send, retried.waits

  describe("with a policy", function()
    local function ask(script, policy, options)
      options = options or { retries = 3 }
      options.policy = policy
      return send(script, options)
    end

    it("does as usual for nil, not for false, and again for true or seconds", function()
      assert.equal(2, #ask({ 503, 200 }, function() end).attempts)
      local outcome = ask({ 503, 200 }, function() return false end)
      assert.same({ 1, "policy" }, { #outcome.attempts, outcome.give_up })
      outcome = ask({ 418, 200 }, function(context)
        return context.status_code == 418 or nil
      end)
      assert.same({ { 1 }, { "policy" } }, { waits(outcome), reasons(outcome) })
      outcome = ask({ 425, 425, 200 }, function(context)
        return context.status_code == 425 and 0.25 or nil
      end)
      assert.same({ { 0.25, 0.25 }, 200 }, { waits(outcome), outcome.status_code })
    end)

    it("does not go beyond the retries, but for 429", function()
      assert.equal("retries", ask({ 425 }, function() return 0 end).give_up)
      local outcome = ask({ 429, 429, 429, 429, 200 }, function(context)
        return context.reason and 2
      end, { retries = 0 })
      assert.same({ 2, 2, 2, 2 }, waits(outcome))
    end)

    it("is told what happened", function()
      local told = {}
      ask({ 503, { error = "reset" }, after(9), 200 }, function(context)
        told[#told + 1] = { context.reason, context.status_code or context.error.kind,
          context.retry_after or "none", context.attempt, context.retries, context.retries_left,
          context.sent, context.wait or "none" }
      end)
      assert.same({ { "server_error", 503, "none", 1, 0, 3, "maybe", 1 },
        { "transport_error", "reset", "none", 2, 1, 2, "maybe", 2 },
        { "rate_limited", 429, 9, 3, 2, 1, "maybe", 9 }, }, { told[1], told[2], told[3] })
      assert.same({ 200, 4 }, { told[4][2], told[4][8] })
    end)

    it("is told what true would wait, also where nothing is left to send again with", function()
      local told = {}
      local outcome = ask({ 503, 503 }, function(context)
        told[#told + 1] = { context.retries_left, context.wait }
      end, { retries = 1 })
      assert.same({ { { 1, 1 }, { 0, 2 } }, "retries" }, { told, outcome.give_up })
    end)

    it("passes on what the policy raises, and refuses other answers", function()
      assert.error_matches(function() ask({ 503 }, function() error("mine") end) end, "mine")
      for _, answer in ipairs({ "soon", -1, 0 / 0, math.huge }) do
        assert.error_matches(function() ask({ 503 }, function() return answer end) end,
          "RetryingSender: policy must return nil, true, false or seconds, it returned")
      end
    end)

    it("may yield in a task", function()
      viesti.run(function()
        local clock = viesti.testing.clock()
        local sender = RetryingSender({ retries = 1,
          sender = Scripted({ script = { 503, 200 }, clock = clock }),
          policy = function() clock.sleep(5) end, backoff = { jitter = "none" } })
        assert.equal(200, sender:send({ url = URL }).status_code)
        assert.equal(11, clock.slept())
        local response = RetryingSender({ retries = 1, max_time = 5.5,
          sender = Scripted({ script = { 503 }, clock = clock }),
          policy = function() clock.sleep(5) end, backoff = { jitter = "none" } })
          :send({ url = URL })
        assert.same({ 1, "deadline" }, { #response.attempts, response.give_up })
      end)
    end)

    it("is one of viesti.policies by its name", function()
      assert.equal(1, #ask({ 429 }, "never").attempts)
      assert.same({ 0 }, waits(ask({ 425, 200 }, "too_early")))
      assert.same({ 2 }, waits(ask({ { 202, headers = { ["Retry-After"] = "2" } }, 200 },
        "accepted")))
      assert.same({ 1 }, waits(ask({ { error = "connect", sent = "no" }, 503 }, "unsent")))
      assert.equal(2, #ask({ 404, 200 }, viesti.policies.on_statuses(404, 410)).attempts)
      assert.same({ 0 }, waits(ask({ 425, 503 },
        viesti.policies.first_of(viesti.policies.too_early, viesti.policies.never))))
      assert.has_error(function() RetryingSender({ policy = "nevr" }) end,
        "RetryingSender: there is no policy \"nevr\", did you mean 'never'?")
    end)

    it("is no slip in the name of one of viesti.policies", function()
      local said = "policies: there is no \"nevr\", did you mean 'never'?"
      assert.has_error(function() return viesti.policies.nevr end, said)
      assert.equal("chain:1: " .. said,
        select(2, viesti.load("return RetryingSender { policy = policies.nevr }")))
    end)

    it("is made of statuses, or of policies, and of nothing else", function()
      local policies = viesti.policies
      for message, make in pairs({
        ['RetryingSender: policy "on_statuses" is made by a call: '
          .. "policy = viesti.policies.on_statuses(...)"] =
          function() RetryingSender({ policy = "on_statuses" }) end,
        ['policies.on_statuses needs statuses, each an integer, got "4xx"'] =
          function() policies.on_statuses(404, "4xx") end,
        ["policies.on_statuses needs statuses, each an integer, got nothing"] =
          function() policies.on_statuses() end,
        ['policies.first_of needs policies, each a function, got "never"'] =
          function() policies.first_of(policies.never, "never") end,
        ["policies.first_of needs policies, each a function, got nothing"] =
          function() policies.first_of(policies.never, nil, policies.unsent) end,
      }) do
        local _, raised = pcall(make)
        assert.matches("^spec/policies_spec.lua:%d+: ", raised)
        assert.equal(message, (raised:gsub("^[^ ]* ", "")))
      end
    end)
  end)
end)
