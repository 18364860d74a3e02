local new_bucket = require("viesti.limits.token_bucket")

describe("TokenBucket", function()
  -- The moments at which so many are taken, from `now` on.
  local function take(bucket, now, count)
    local moments = {}
    while #moments < count do
      local again = bucket:take(now)
      if again then
        assert.is_true(again > now)
        now = again
      else
        moments[#moments + 1] = now
      end
    end
    return moments
  end

  it("is full at first, and fills up at its rate", function()
    local bucket = new_bucket(2, 3)
    assert.same({ 100, 100, 100, 102, 104 }, take(bucket, 100, 5))
    assert.same({ 109, 109, 110 }, take(bucket, 109, 3))
    assert.same({ 200, 200, 200, 202 }, take(bucket, 200, 4))
  end)

  it("tells when one more will have his, as it comes to be", function()
    local bucket = new_bucket(2, 3)
    for ahead, expected in ipairs({ 100, 100, 102, 104 }) do
      assert.equal(expected, bucket:estimate(100, ahead))
    end
    take(bucket, 100, 3)
    assert.same({ 102, 106 }, { bucket:estimate(101, 0), bucket:estimate(101, 2) })
  end)

  it("is empty until the moment to which it is held, and has one then", function()
    local bucket = new_bucket(2, 3)
    bucket:hold(110)
    assert.equal(112, bucket:estimate(100, 1))
    assert.same({ 110, 112, 114 }, take(bucket, 100, 3))
  end)

  it("keeps its burst at another rate, and what is missing of it", function()
    local bucket = new_bucket(1, 3)
    take(bucket, 100, 2)
    bucket:learn("x", 10, 100, 100)
    assert.same({ 100, 110, 120 }, take(bucket, 100, 3))
    assert.same({ 200, 200, 200, 201 }, take(bucket, 200, 4))
  end)

  it("takes what is under way off what is left, and believes the least of one window", function()
    local bucket = new_bucket(0.001, 100)
    local first, second = bucket:begin_request(100), bucket:begin_request(100)
    getmetatable(first).__close(first)
    bucket:learn("x", 3, 10, 100)    -- one of these three is on its way
    getmetatable(second).__close(second)
    bucket:learn("x", 3, 10.5, 100.1)
    bucket:begin_request(100.1)
    bucket:begin_request(100.1)
    assert.near(110, bucket:take(100.1), 1e-6)
    bucket:learn("x", 3, 10, 102)    -- ends later: another window
    assert.near(110, bucket:take(103), 1e-6)
    assert.is_nil(bucket:take(110))
  end)

  it("is never kept from idling by a server that makes up names", function()
    local bucket = new_bucket(1, 1)
    for index = 1, 100 do
      bucket:learn("x" .. index, 5, 10, 100)
    end
    assert.equal(8, bucket.windows.count)
    take(bucket, 111, 1)
    bucket:begin_request(111)
    assert.is_false(bucket.windows)
    assert.equal(112, bucket:idle_at())
  end)
end)
