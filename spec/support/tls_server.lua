-- The text of a server block for nginx.start's `http`, that speaks TLS:
--
--   name          its port is then server.ports[name]
--   listen        where to listen instead, "unix:web.sock" for one
--   certificate   one of spec.support.certificates' pairs
--   http2         whether it offers HTTP/2
--   protocols     "TLSv1.2 TLSv1.3" unless given
--   directives    what else stands in the block

local block = [[
server {
  listen {{listen}} ssl{{http2}};
  ssl_certificate {{certificate}};
  ssl_certificate_key {{key}};
  ssl_protocols {{protocols}};
  root files;
{{directives}}
}
]]

return function(options)
  return (block:gsub("{{([%w_]+)}}", {
    listen = options.listen or ("127.0.0.1:{{port %s}}"):format(options.name),
    http2 = options.http2 and " http2" or "",
    certificate = options.certificate.certificate,
    key = options.certificate.key,
    protocols = options.protocols or "TLSv1.2 TLSv1.3",
    directives = options.directives or "",
  }))
end
