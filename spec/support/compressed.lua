-- Compressed bodies. Those of `gzip`, `zlib` and `deflate` are as valid as any and as long as their
-- text: its bytes stand in them as they are, in stored blocks (RFC 1951 3.2.4).

local compressed = {}

local block_limit = 65535
local gzip_head = "\x1f\x8b\8\0\0\0\0\0\0\xff"
local zlib_head = "\x78\1"

-- RFC 1952 8.
local function crc32(text)
  local crc = 0xffffffff
  for position = 1, #text do
    crc = crc ~ text:byte(position)
    for _ = 1, 8 do
      crc = crc >> 1 ~ (crc & 1 == 1 and 0xedb88320 or 0)
    end
  end
  return crc ~ 0xffffffff
end

-- RFC 1950 8.2.
local function adler32(text)
  local a, b = 1, 0
  for position = 1, #text do
    a = (a + text:byte(position)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

-- The compressed bytes alone (RFC 1951).
function compressed.deflate(text)
  local blocks, from = {}, 1
  repeat
    local block = text:sub(from, from + block_limit - 1)
    from = from + block_limit
    local last = from > #text and 1 or 0
    blocks[#blocks + 1] = ("<BI2I2"):pack(last, #block, ~#block & 0xffff) .. block
  until last == 1
  return table.concat(blocks)
end

-- One member (RFC 1952).
function compressed.gzip(text)
  return gzip_head .. compressed.deflate(text) .. ("<I4I4"):pack(crc32(text), #text)
end

-- RFC 1950.
function compressed.zlib(text)
  return zlib_head .. compressed.deflate(text) .. (">I4"):pack(adler32(text))
end

-- So many zero bytes, as the program gzip makes a thousandth of them.
function compressed.zeros(size)
  local pipe <close> = assert(io.popen(("head -c %d /dev/zero | gzip -9"):format(size)))
  return pipe:read("a")
end

return compressed
