-- What can go wrong on the wire, what the caller is told of it, and what is left behind:
-- spec/faults_spec.lua provokes each of these, tools/faults prints them as docs/faults.md.
--
-- A list of sections { title, text, cases }. A case says what happens, how it is brought about,
--
--   [1]          what happens, in words
--   answer       what spec.support.origin answers, or
--   at           the name of a place in spec.support.fault_places
--   session      options of the session; `request`, of the request
--
-- and what comes of it:
--
--   kind, timeout, sent   of the error; `sent` is "maybe" unless said
--   again                 what may be sent again: "any" method, "idempotent" ones, or "none"
--   stream                what is read of a stream before its error; nil: it has no head either;
--                         true: all of it, and no error; false: as much as is read
--   download              what a download leaves: "part", "file", or nothing
--   keeps                 true where the connection goes on; "mostly": where it is closed now and
--                         then, as the timing has it

local STORABLE = 'Cache-Control: max-age=60\r\nETag: "v1"\r\n'
local CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
local MOST = 1000

local function head(text)
  return "HTTP/1.1 200 OK\r\n" .. STORABLE .. text
end

-- The ways in which an answer ends: kept open, by FIN, by RST, never.
local function open(text)
  return { raw = text }
end

local function closed(text)
  return { raw = text, close = true }
end

local function reset(text)
  return { raw = text, reset = true }
end

local function silent(text)
  return { raw = text, hang = true }
end

local function forever(text, more)
  return { raw = text, forever = more }
end

local function coded(coding, body)
  return { headers = { { "Cache-Control", "max-age=60" }, { "ETag", '"v1"' },
    { "Content-Encoding", coding } }, body = body }
end

local function large(more)
  return { headers = { { "Cache-Control", "max-age=60" }, { "ETag", '"v1"' } },
    body = ("x"):rep(MOST + 1), chunked = more and more.chunked }
end

-- What those errors have in common that are told of by one kind.
local function of_kind(kind, again, cases)
  for _, case in ipairs(cases) do
    case.kind, case.again = kind, again
  end
  return cases
end

local function all(...)
  local cases = {}
  for _, list in ipairs({ ... }) do
    table.move(list, 1, #list, #cases + 1, cases)
  end
  return cases
end

local function unsent(cases)
  for _, case in ipairs(cases) do
    case.sent = "no"
  end
  return cases
end

local on_the_way = {
  title = "No way there",
  text = "Nothing was sent, so any method may be sent again where that is of use.",
  cases = unsent(all(
    of_kind("resolve", "any", {
      { "a host that has no address", at = "unknown" },
      { "a proxy whose name has no address", at = "unknown_proxy" },
    }),
    of_kind("connect", "any", {
      { "a port where nobody listens", at = "deserted" },
      { "a proxy that is not there", at = "deserted_proxy" },
      { "a proxy that does not connect to the host of a tunnel", at = "tunnel_to_nobody" },
      { "a SOCKS5 proxy that does not connect to the host", at = "socks_to_nobody" },
      { "the end of the connection within the TLS handshake", at = "cut_handshake" },
      { "a reset within the TLS handshake", at = "reset_handshake" },
    }),
    of_kind("connect", "none", {
      { "a proxy that refuses the credentials for a tunnel", at = "tunnel_refused" },
      { "a SOCKS5 proxy that refuses the credentials", at = "socks_refused" },
    }),
    of_kind("tls", "none", {
      { "a certificate that has expired", at = "expired" },
      { "a certificate that is not yet valid", at = "not_yet_valid" },
      { "a certificate for another host", at = "wrong_host" },
      { "a certificate that signed itself", at = "self_signed" },
      { "a certificate of an authority that is not trusted", at = "stranger" },
      { "a server that speaks no TLS as high as `min_tls`", at = "old" },
      { "a server that speaks plain HTTP where TLS is wanted", at = "plain" },
      { "a client's key that is not its certificate's", at = "other_key" },
    }),
    of_kind("timeout", "any", {
      { "a connection that is neither made nor refused", at = "deaf", timeout = "connect" },
      { "silence in the TLS handshake", at = "silent_handshake", timeout = "connect" },
      { "a SOCKS5 proxy that says nothing", at = "silent_socks", timeout = "connect" },
    })
  )),
}

local broken_off = {
  title = "An answer that breaks off",
  text = "The request may have been acted on; what is idempotent may be sent again.",
  cases = all(
    of_kind("empty_reply", "idempotent", {
      { "the end before a byte of the answer", answer = { close = true } },
      { "the end within the status line", answer = closed("HTTP/1.1 20") },
    }),
    of_kind("truncated", "idempotent", {
      { "the end after the status line", answer = closed("HTTP/1.1 200 OK\r\n") },
      { "the end within the head", answer = closed(head("X-B")) },
      { "the end before the length that was announced",
        answer = closed(head("Content-Length: 9\r\n\r\nabc")), stream = "abc", download = "part" },
      { "the end before the first chunk", answer = closed(head(CHUNKED)), stream = "" },
      { "the end within a chunk", answer = closed(head(CHUNKED .. "9\r\nabc")), stream = "abc",
        download = "part" },
      { "the end between two chunks", answer = closed(head(CHUNKED .. "3\r\nabc\r\n")),
        stream = "abc", download = "part" },
      { "the end within the last chunk", answer = closed(head(CHUNKED .. "3\r\nabc\r\n0\r\n")),
        stream = "abc", download = "part" },
      { "a coded body that breaks off, at the length that was announced",
        answer = coded("gzip", "\31\139\8\0\0\0\0\0\0\3\75\76"), stream = "a", keeps = true },
    }),
    of_kind("reset", "idempotent", {
      { "a reset before a byte of the answer", answer = { reset = true } },
      { "a reset within the head", answer = reset(head("X-A: b\r\nX-B")) },
      { "a reset within the body", answer = reset(head("Content-Length: 9\r\n\r\nabc")),
        stream = "abc", download = "part" },
      { "a reset within a chunk", answer = reset(head(CHUNKED .. "9\r\nabc")), stream = "abc",
        download = "part" },
      { "a stream of HTTP/2 that the server ends", at = "http2_short", stream = "abc",
        download = "part", keeps = true },
    })
  ),
}

local silence = {
  title = "An answer that does not come",
  text = "The error's field `timeout` says which limit struck, if one did.",
  cases = all(
    of_kind("timeout", "idempotent", {
      { "nothing, within `timeout`", answer = { hang = true }, request = { timeout = 0.1 },
        timeout = "total" },
      { "half a head, within `timeout`", answer = silent(head("X-B")),
        request = { timeout = 0.1 }, timeout = "total" },
      { "half a body, within `timeout`", answer = silent(head("Content-Length: 9\r\n\r\nabc")),
        request = { timeout = 0.1 }, timeout = "total", stream = "abc", download = "part" },
      { "only `100 Continue`, within `timeout`", answer = silent("HTTP/1.1 100 Continue\r\n\r\n"),
        request = { timeout = 0.1 }, timeout = "total" },
      { "a chunk extension without end", answer = forever(head(CHUNKED .. "3;"), "x"),
        request = { timeout = 0.2 }, timeout = "total", stream = "" },
      { "nothing, for `idle_timeout`", answer = { hang = true }, session = { idle_timeout = 0.2 },
        timeout = "idle" },
      { "half a body, and nothing more for `idle_timeout`",
        answer = silent(head("Content-Length: 9\r\n\r\nabc")), session = { idle_timeout = 0.2 },
        timeout = "idle", stream = "abc", download = "part" },
      { "nothing on a stream of HTTP/2, within `timeout`", at = "http2_silent",
        request = { timeout = 0.5 }, timeout = "total", keeps = true },
    }),
    of_kind("deadline", "none", {
      { "nothing, before the `deadline` of the request", answer = { hang = true }, deadline = 0.1 },
    })
  ),
}

local no_http = {
  title = "An answer that is none",
  text = "A server that says what makes no sense will say it again: nothing is sent again.",
  cases = of_kind("protocol", "none", {
    { "garbage", answer = closed("\1\2\3 nothing like HTTP\r\n\r\n") },
    { "HTTP/0.9, a body without a head", answer = closed("<html>hello</html>") },
    { "a status line in HTTP/3, over TCP",
      answer = closed("HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n") },
    { "a status line in HTTP/2, whose end nothing would mark, over a connection in HTTP/1.1",
      answer = closed("HTTP/2 200 \r\n\r\nabc") },
    { "the same with a field that only HTTP/2 has",
      answer = closed("HTTP/2.0 200 OK\r\n:status: 200\r\nContent-Length: 0\r\n\r\n") },
    { "the same behind an interim answer",
      answer = closed("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/2 200 \r\n\r\nabc") },
    { "another protocol", answer = closed("ICY 200 OK\r\n\r\nabc") },
    { "an alert of TLS, where plain HTTP is spoken", answer = closed("\21\3\1\0\2\2\70") },
    { "a switch of protocols (101), which nobody asked for",
      answer = silent("HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\n\r\nabc") },
    { "a status below 100", answer = closed("HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n") },
    { "a status of four digits",
      answer = closed("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n") },
    { "a status that is no number", answer = closed("HTTP/1.1 abc OK\r\n\r\n") },
    { "a header line without a colon",
      answer = open(head("nonsense\r\nContent-Length: 0\r\n\r\n")) },
    { "a first header line that is folded",
      answer = open("HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 3\r\n\r\nabc") },
    { "NUL in a header field", answer = open(head("X-A: a\0b\r\nContent-Length: 0\r\n\r\n")) },
    { "two lengths that differ",
      answer = open(head("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")) },
    { "a list of lengths", answer = closed(head("Content-Length: 3, 3\r\n\r\nabc")) },
    { "a length beyond counting",
      answer = closed(head("Content-Length: 99999999999999999999\r\n\r\nabc")) },
    { "a negative length", answer = closed(head("Content-Length: -5\r\n\r\nabc")) },
    { "a negative length beside chunks",
      answer = closed(head("Content-Length: -9\r\n" .. CHUNKED .. "0\r\n\r\n")) },
    { "a length that is no number", answer = closed(head("Content-Length: x\r\n\r\nabc")) },
    { "a length with a sign", answer = closed(head("Content-Length: +3\r\n\r\nabc")) },
    { "an empty length", answer = closed(head("Content-Length:\r\n\r\nabc")) },
    { "a length on a line of its own", answer = closed(head("Content-Length:\r\n 3\r\n\r\nabc")) },
    { "a transfer coding that nobody knows",
      answer = closed(head("Transfer-Encoding: odd\r\n\r\nabc")) },
    { "a chunk size that is no number", answer = open(head(CHUNKED .. "zz\r\n")), stream = "" },
    { "a chunk size that begins like one of C's",
      answer = open(head(CHUNKED .. "0x3\r\nabc\r\n")), stream = "" },
    { "a negative chunk size", answer = open(head(CHUNKED .. "-3\r\nabc\r\n0\r\n\r\n")),
      stream = "" },
    { "a chunk size beyond counting",
      answer = open(head(CHUNKED .. "FFFFFFFFFFFFFFFF1\r\nabc\r\n0\r\n\r\n")), stream = "" },
    { "a chunk size without end", answer = forever(head(CHUNKED), "0"), stream = "" },
    { "a chunk longer than its size", answer = open(head(CHUNKED .. "3\r\nabcdef\r\n0\r\n\r\n")),
      stream = "abc", download = "part" },
    { "a trailer field of 300 KiB",
      answer = open(head(CHUNKED .. "0\r\nX-A: " .. ("b"):rep(300 * 1024) .. "\r\n\r\n")),
      stream = "" },
    { "a coding that the body does not have", answer = coded("gzip", "plain"), stream = "" },
    { "more codings than anybody would nest",
      answer = coded(("gzip, "):rep(9) .. "gzip", "plain") },
  }),
}

local too_much = {
  title = "An answer that is too large",
  text = "What is too large once is so again. For a stream and a download there is no `max_body`.",
  cases = of_kind("too_large", "none", {
    { "headers without end", answer = forever(head(""), "X-More: y\r\n") },
    { "a header line without end", answer = forever(head("X-More: "), "y") },
    { "a header line of 300 KiB",
      answer = open(head("X-A: " .. ("b"):rep(300 * 1024) .. "\r\nContent-Length: 0\r\n\r\n")) },
    { "more than 1,000 header fields",
      answer = open(head(("X-A: b\r\n"):rep(1001) .. "Content-Length: 0\r\n\r\n")) },
    { "interim answers without end", answer = forever("", "HTTP/1.1 100 Continue\r\n\r\n") },
    { "trailers without end", answer = forever(head(CHUNKED .. "0\r\n"), "X-B: c\r\n"),
      stream = "" },
    { "a body larger than `max_body`, announced", answer = large(), stream = true,
      download = "file" },
    { "a body larger than `max_body`, in chunks", answer = large({ chunked = 100 }),
      stream = true, download = "file" },
    { "a body larger than `max_body` in HTTP/2", at = "http2_large", stream = true,
      download = "file", keeps = "mostly" },
    { "a body without end", answer = forever(head("\r\n"), "more"), stream = false },
  }),
}

return {
  max_body = MOST,
  sections = { on_the_way, broken_off, silence, no_http, too_much },
}
