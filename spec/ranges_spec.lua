local viesti = require("viesti")
local ranges = require("viesti.downloads.ranges")

local function headers(fields)
  return viesti.Response({ headers = fields }).headers
end

local LONG_AGO, NOW = "Tue, 15 Nov 1994 08:12:31 GMT", "Tue, 15 Nov 1994 08:13:31 GMT"

describe("ranges", function()
  it("takes a strong ETag for a validator", function()
    for _, tag in ipairs({ '"a"', '""', '"\xe4/!"' }) do
      assert.equal(tag, ranges.strong_validator(headers({ ETag = tag })))
    end
    for _, tag in ipairs({ 'W/"a"', "a", '"a', '"a b"', '"a"b"', '"a", "b"', "" }) do
      assert.is_nil(ranges.strong_validator(headers({ ETag = tag })))
    end
  end)

  it("takes a date where there is no ETag, if it was over by a minute", function()
    local function validator(modified, date, tag)
      return ranges.strong_validator(headers({ ["Last-Modified"] = modified, Date = date,
        ETag = tag }))
    end
    assert.equal(LONG_AGO, validator(LONG_AGO, NOW))
    assert.is_nil(validator("Tue, 15 Nov 1994 08:12:32 GMT", NOW))
    assert.is_nil(validator(NOW, LONG_AGO))
    assert.is_nil(validator(LONG_AGO, nil))
    assert.is_nil(validator(LONG_AGO, "today"))
    assert.is_nil(validator("long ago", NOW))
    assert.is_nil(validator(LONG_AGO, NOW, 'W/"a"'))
    assert.equal('"a"', validator(LONG_AGO, NOW, '"a"'))
  end)

  it("compares a validator with what a response says, if it says something", function()
    assert.is_true(ranges.may_be_of('"a"', headers({})))
    assert.is_true(ranges.may_be_of('"a"', headers({ ETag = '"a"', ["Last-Modified"] = NOW })))
    assert.is_false(ranges.may_be_of('"a"', headers({ ETag = '"b"' })))
    assert.is_false(ranges.may_be_of('"a"', headers({ ETag = 'W/"a"' })))
    assert.is_true(ranges.may_be_of(NOW, headers({ ["Last-Modified"] = NOW, ETag = '"a"' })))
    assert.is_false(ranges.may_be_of(NOW, headers({ ["Last-Modified"] = LONG_AGO })))
  end)

  it("reads the Content-Range of a 206", function()
    local function satisfied(text)
      return { ranges.satisfied(headers({ ["Content-Range"] = text })) }
    end
    assert.same({ 5, 9, 10 }, satisfied("bytes 5-9/10"))
    assert.same({ 0, 0, 1 }, satisfied("Bytes 0-0/1"))
    assert.same({ 5, 9 }, satisfied("bytes 5-9/*"))
    for _, text in ipairs({ "bytes 9-5/10", "bytes 5-10/10", "bytes 5-9/9", "bytes */10", "5-9/10",
      "lines 5-9/10", "bytes 5-9", "bytes 5-9/1*", "bytes -5-9/10", "bytes 5-9/10, bytes 5-9/10",
      "bytes 99999999999999999999-99999999999999999999/*", "bytes 5-9/99999999999999999999",
      "" }) do
      assert.same({}, satisfied(text), text)
    end
  end)

  it("reads the Content-Range of a 416", function()
    local function unsatisfied(text)
      return ranges.unsatisfied(headers({ ["Content-Range"] = text }))
    end
    assert.equal(10, unsatisfied("bytes */10"))
    for _, text in ipairs({ "bytes */*", "bytes 0-9/10", "lines */10", "bytes */1x", "" }) do
      assert.is_nil(unsatisfied(text), text)
    end
    assert.is_nil(unsatisfied(nil))
  end)

  it("knows the length of a body that is neither chunked nor decoded", function()
    local function length(fields)
      return ranges.length(viesti.Response({ headers = fields }))
    end
    assert.equal(12, length({ ["Content-Length"] = "12" }))
    assert.is_nil(length({}))
    assert.is_nil(length({ ["Content-Length"] = "12", ["Transfer-Encoding"] = "chunked" }))
  end)
end)
