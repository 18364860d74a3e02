-- Answers that are none, and what every concrete sender makes of them: a list of
-- { what goes wrong, the origin's answer or a function for a URL, { kind, sent, retryable } }, for
-- a GET by a sender that takes bodies of 1000 bytes at most and has half a second.

local free_port = require("spec.support.free_port")

local function after_head(text)
  return "HTTP/1.1 200 OK\r\n" .. text
end

local function deserted_url()
  return ("http://127.0.0.1:%d/"):format(free_port())
end

local function unknown_url()
  return "http://nowhere.invalid/"
end

local chunked = "Transfer-Encoding: chunked\r\n\r\n"

return {
  { "a port where nobody listens", deserted_url, { "connect", "no", true } },
  { "a host that has no address", unknown_url, { "resolve", "no", true } },
  { "a reset", { reset = true }, { "reset", "maybe", true } },
  { "a reset amid the body", { raw = after_head("Content-Length: 9\r\n\r\nabc"), reset = true },
    { "reset", "maybe", true } },
  { "a body shorter than announced",
    { raw = after_head("Content-Length: 9\r\n\r\nabc"), close = true },
    { "truncated", "maybe", true } },
  { "a chunked body without its end", { raw = after_head(chunked .. "3\r\nabc\r\n"), close = true },
    { "truncated", "maybe", true } },
  { "no reply at all", { close = true }, { "empty_reply", "maybe", true } },
  { "garbage", { raw = "\1\2\3 nothing like HTTP\r\n\r\n", close = true },
    { "protocol", "maybe", false } },
  { "an answer in HTTP/0.9", { raw = "<html>hello</html>", close = true },
    { "protocol", "maybe", false } },
  { "a status that is no number", { raw = "HTTP/1.1 abc OK\r\n\r\n", close = true },
    { "protocol", "maybe", false } },
  { "headers without end", { raw = after_head(""), forever = "X-More: y\r\n" },
    { "too_large", "maybe", false } },
  { "a header line without end", { raw = after_head("X-More: "), forever = "y" },
    { "too_large", "maybe", false } },
  { "interim answers without end", { raw = "", forever = "HTTP/1.1 100 Continue\r\n\r\n" },
    { "too_large", "maybe", false } },
  { "a chunk size that is no number", { raw = after_head(chunked .. "zz\r\n") },
    { "protocol", "maybe", false } },
  { "two lengths that differ",
    { raw = after_head("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") },
    { "protocol", "maybe", false } },
  { "a length beyond counting",
    { raw = after_head("Content-Length: 99999999999999999999\r\n\r\nabc"), close = true },
    { "protocol", "maybe", false } },
  { "a negative length", { raw = after_head("Content-Length: -5\r\n\r\nabc"), close = true },
    { "protocol", "maybe", false } },
  { "a length that is no number",
    { raw = after_head("Content-Length: x\r\n\r\nabc"), close = true },
    { "protocol", "maybe", false } },
  { "NUL in a header", { raw = after_head("X-A: a\0b\r\nContent-Length: 0\r\n\r\n") },
    { "protocol", "maybe", false } },
  { "a body larger than max_body, announced", { body = ("x"):rep(1001) },
    { "too_large", "maybe", false } },
  { "a body larger than max_body, in chunks", { body = ("x"):rep(1001), chunked = 100 },
    { "too_large", "maybe", false } },
  { "a body without end", { raw = after_head("\r\n"), forever = "more" },
    { "too_large", "maybe", false } },
  { "a coding that the body does not have",
    { headers = { { "Content-Encoding", "gzip" } }, body = "plain" },
    { "protocol", "maybe", false } },
  { "a server that only says 100 Continue",
    { raw = "HTTP/1.1 100 Continue\r\n\r\n", hang = true },
    { "timeout", "maybe", true } },
}
