--- Options of curl's that the command does not have, and what there is instead: for the sentence
--- that refuses one.

local function chain_file(option)
  return ("a chain file can say it (-c), as %s of its sender"):format(option)
end

return {
  { long = "progress-bar", short = "#", hint = "on a terminal there is a bar anyway" },
  { long = "url", hint = "a URL stands by itself" },
  { long = "include", short = "i", hint = "-v tells the heads" },
  { long = "dump-header", short = "D", hint = "-v tells the heads" },
  { long = "head", short = "I", hint = "-X HEAD -v asks for a head and tells it" },
  { long = "write-out", short = "w", hint = "-v and --stats tell what there is" },
  { long = "user-agent", short = "A", hint = "-H 'User-Agent: ...'" },
  { long = "referer", short = "e", hint = "-H 'Referer: ...'" },
  { long = "cookie", short = "b", hint = "-H 'Cookie: ...'" },
  { long = "cookie-jar", hint = chain_file "cookies" },
  { long = "range", short = "r", hint = "-H 'Range: bytes=...'" },
  { long = "get", short = "G", hint = "a query goes into the URL" },
  { long = "form-string", hint = "-F sends the text as it is, unless it begins with @" },
  { long = "data-raw", hint = "-d sends the text as it is, unless it begins with @" },
  { long = "data-binary", hint = "-d sends bytes as they are" },
  { long = "data-urlencode", hint = "-d takes what is percent-encoded already" },
  { long = "upload-file", short = "T", hint = "-X PUT -d @FILE" },
  { long = "remote-header-name", short = "J", hint = "-O goes by the URL alone" },
  { short = "Z", hint = "-P N has N requests under way at once" },
  { long = "noproxy", hint = "-x '' is for no proxy, the environment's no_proxy for some hosts" },
  { long = "proxy-user", short = "U", hint = "it goes into the URL of -x" },
  { long = "cert", short = "E", hint = chain_file "client_cert" },
  { long = "key", hint = chain_file "client_key" },
  { long = "http1.1", hint = chain_file "http_version" },
  { long = "http2", hint = chain_file "http_version" },
  { long = "http3", hint = chain_file "http_version" },
  { long = "resolve", hint = chain_file "resolve" },
  { long = "unix-socket", hint = chain_file "unix_socket" },
  { long = "interface", hint = chain_file "interface" },
  { long = "limit-rate", hint = chain_file "curl = { MAX_RECV_SPEED_LARGE = ... }" },
  { long = "ipv4", short = "4", hint = chain_file "curl = { IPRESOLVE = 1 }" },
  { long = "ipv6", short = "6", hint = chain_file "curl = { IPRESOLVE = 2 }" },
}
