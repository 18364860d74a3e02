--- What options are called elsewhere (httpx, requests, undici and their like), and which option
--- does that here: for the sentence that refuses such a name. Some are names of ours that belong to
--- another class than one would think.
return {
  body = "Request.content", form = "Request.data", files = "Request.multipart",
  query = "Request.params",
  status = "Response.status_code", statusCode = "Response.status_code", text = "Response.body",
  json = "Response.content",

  verify = "Session.verify", verify_ssl = "Session.verify", ssl_verify = "Session.verify",
  insecure = "Session.verify", rejectUnauthorized = "Session.verify",
  cert = "Session.client_cert", ca_cert = "Session.ca", cafile = "Session.ca",
  proxy = "Session.proxy", proxies = "Session.proxy", mounts = "Session.proxy",
  http2 = "Session.http_version", allowH2 = "Session.http_version",
  timeout = "Session.timeout", connect_timeout = "Session.connect_timeout",
  read_timeout = "Session.idle_timeout", bodyTimeout = "Session.idle_timeout",
  headersTimeout = "Session.idle_timeout",
  limits = "Session.max_connections", connections = "Session.max_connections_per_host",
  max_keepalive_connections = "Session.max_idle_connections",
  maxResponseSize = "Session.max_body",
  cookies = "Session.cookies", user_agent = "Session.user_agent",
  uds = "Session.unix_socket", socketPath = "Session.unix_socket",
  local_address = "Session.interface", localAddress = "Session.interface",

  follow_redirects = "RedirectingSender.max_redirects",
  allow_redirects = "RedirectingSender.max_redirects",
  max_redirects = "RedirectingSender.max_redirects",
  maxRedirections = "RedirectingSender.max_redirects",

  retry = "RetryingSender.retries", retries = "RetryingSender.retries",
  max_retries = "RetryingSender.retries",
  maxRetries = "RetryingSender.retries", total = "RetryingSender.retries",
  backoff_factor = "RetryingSender.backoff", status_forcelist = "RetryingSender.statuses",
  statusCodes = "RetryingSender.statuses", allowed_methods = "RetryingSender.methods",

  auth = "AuthenticatingSender.basic", event_hooks = "TracingSender.on_event",
  expire_after = "CachingSender.ttl",
  headers = "DefaultsSender.headers", params = "DefaultsSender.params",
  base_url = "DefaultsSender.base_url", baseURL = "DefaultsSender.base_url",
}
