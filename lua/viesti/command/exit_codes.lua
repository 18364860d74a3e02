--- What the command's exit codes say: curl's numbers wherever curl has one; those from 110 on are
--- its own.
local exit_codes = {}

exit_codes.OK = 0
exit_codes.USAGE = 2
exit_codes.URL = 3
exit_codes.STATUS = 22
exit_codes.WRITE = 23
exit_codes.READ = 26
exit_codes.STORE = 111
exit_codes.FAULT = 110

--- In the order of the manual page; `kinds` are those of errors.
exit_codes.list = {
  { 0, "all went well" },
  { 1, "what came is no HTTP at all" },
  { 2, "the command was called in a wrong way, or a chain file is wrong" },
  { 3, "a URL is wrong" },
  { 6, "a host's name could not be looked up", kinds = { "resolve" } },
  { 7, "no connection could be made", kinds = { "connect" } },
  { 8, "what came breaks the rules of HTTP", kinds = { "protocol" }, precise = true },
  { 18, "the body broke off before its end", kinds = { "truncated" } },
  { 22, "a status of 400 or more, with --fail or --continue", kinds = { "status" } },
  { 23, "what came could not be written" },
  { 26, "a file to be sent could not be read" },
  { 27, "memory, or descriptors, ran out", kinds = { "out_of_memory" } },
  { 28, "it took too long", kinds = { "timeout", "deadline" } },
  { 35, "TLS failed", kinds = { "tls" }, precise = true },
  { 42, "code in a chain file failed", kinds = { "script", "cancelled", "closed", "forked" } },
  { 43, "the request was refused before it was sent", kinds = { "refused" } },
  { 47, "a redirect that is not followed, or too many", kinds = { "redirect" } },
  { 52, "the server closed without a word", kinds = { "empty_reply" } },
  { 56, "the connection broke", kinds = { "reset" }, precise = true },
  { 60, "the server's certificate is not to be trusted" },
  { 63, "the body is too large", kinds = { "too_large" } },
  { 110, "a fault of the command itself" },
  { 111, "a store cannot be used" },
  { 112, "a limit or a circuit breaker of the chain kept the request back",
    kinds = { "rate_limited", "circuit_open" } },
  { 130, "interrupted (Ctrl-C); 143 if asked to end" },
}

local by_kind = {}
for _, entry in ipairs(exit_codes.list) do
  for _, kind in ipairs(entry.kinds or {}) do
    by_kind[kind] = entry
  end
end

--- The code of an error object. Where libcurl tells more precisely than the kind does, that counts:
--- 60, say, for a certificate.
---@param err viesti.Error
---@return integer
function exit_codes.of(err)
  local entry = by_kind[err.kind]
  if not entry then
    return exit_codes.FAULT
  end
  local code = entry.precise and math.tointeger(err.code) or 0
  return code > 0 and code < 128 and code or entry[1]
end

return exit_codes
