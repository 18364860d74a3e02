-- What a server may send that is odd, and still has one meaning: a list of { what, bytes, body =
-- what comes out if that is not "abc", status, method }, and the pieces that it is made of.
-- spec/odd_replies_spec.lua sends them, tools/faults prints their names into docs/faults.md.

local OK = "HTTP/1.1 200 OK\r\n"
local LENGTH = "Content-Length: 3\r\n\r\nabc"
local CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
local CHUNKS = "3\r\nabc\r\n0\r\n\r\n"
local OTHER = OK .. "Content-Length: 5\r\n\r\nother" -- an answer that nobody asked for

return {
  OK = OK, LENGTH = LENGTH, CHUNKED = CHUNKED, CHUNKS = CHUNKS, OTHER = OTHER,

  { "trailers", OK .. CHUNKED .. "3\r\nabc\r\n0\r\nX-B: c\r\nContent-Length: 9\r\n\r\n" },
  { "chunk extensions", OK .. CHUNKED .. "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n" },
  { "chunks that end in LF alone", OK .. CHUNKED .. "3\nabc\n0\n\n" },
  { "chunks beside a length, which they overrule", OK .. "Content-Length: 9\r\n" .. CHUNKED
    .. CHUNKS },
  { "chunks before a length", OK .. CHUNKED:gsub("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n")
    .. CHUNKS },
  { "one length twice", OK .. "Content-Length: 3\r\n" .. LENGTH },
  { "a length with zeros in front", OK .. "Content-Length: 00003\r\n\r\nabc" },
  { "lines that end in LF alone", ((OK .. LENGTH):gsub("\r", "")) },
  { "a blank before a colon", OK .. "X-B \t: c\r\n" .. LENGTH },
  { "a folded field", OK .. "X-B: c\r\n  d\r\n" .. LENGTH },
  { "a field without a name", OK .. ": c\r\n" .. LENGTH },
  { "a name that is no token", OK .. "X \1\xff(B): c\r\n" .. LENGTH },
  { "CR inside a value", OK .. "X-B: c\rX-C: d\r\n" .. LENGTH },
  { "a header line of 90 KiB", OK .. "X-B: " .. ("c"):rep(90 * 1024) .. "\r\n" .. LENGTH },
  { "no reason", "HTTP/1.1 200\r\n" .. LENGTH },
  { "an unknown status", "HTTP/1.1 999 Odd\r\n" .. LENGTH, status = 999 },
  { "an answer in HTTP/1.0", "HTTP/1.0 200 OK\r\n" .. LENGTH },
  { "interim answers before it", "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n"
    .. "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Odd\r\nX-B: c\r\n\r\n" .. OK .. LENGTH },
  { "another answer behind it", OK .. LENGTH .. OTHER },
  { "another answer behind its chunks", OK .. CHUNKED .. CHUNKS .. OTHER },
  { "rubbish behind it", OK .. LENGTH .. "defghi" },
  { "a body behind a 204", "HTTP/1.1 204 No Content\r\n" .. LENGTH .. OTHER, body = "",
    status = 204 },
  { "a body behind a 304", "HTTP/1.1 304 Not Modified\r\n" .. LENGTH .. OTHER, body = "",
    status = 304 },
  { "chunks behind a 304", "HTTP/1.1 304 Not Modified\r\n" .. CHUNKED .. CHUNKS .. OTHER,
    body = "", status = 304 },
  { "a body behind the answer to HEAD", OK .. LENGTH .. OTHER, body = "", method = "HEAD" },
  { "chunks behind the answer to HEAD", OK .. CHUNKED .. CHUNKS .. OTHER, body = "",
    method = "HEAD" },
}
