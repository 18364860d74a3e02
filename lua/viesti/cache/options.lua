--- The options of a CachingSender, in positional order.
return {
  { name = "max_size", type = "integer", min = 1,
    doc = "most responses kept, the least recently used goes first; no bound if not given" },
  { name = "sender", type = "sender", doc = "the inner sender; a SyncSender if none is given" },
  { name = "store", type = "store",
    doc = "a Store to share with other caches; its own bounds count, and over sqlite those given "
      .. "here, too" },
  { name = "max_bytes", type = "integer", min = 1,
    doc = "most bytes of memory that the responses hold in all, likewise" },
  { name = "max_entry_bytes", type = "integer", min = 1,
    doc = "a response that holds more is not kept" },
  { name = "shared", type = "boolean", default = true,
    doc = "the cache serves many users; false: only one, whose private responses it keeps, too" },
  { name = "store_errors", type = "boolean", default = false,
    doc = "keep 4xx and 5xx responses, too, where the server, or `heuristic`, says for how long" },
  { name = "heuristic", type = "number", default = 0, min = 0, max = 1,
    doc = "part of the time since Last-Modified, a day at most, for which a response is taken for "
      .. "fresh where the server does not say; 0.1 is usual" },
  { name = "targeted", type = "strings",
    doc = "fields that, where they are there, say more than Cache-Control (RFC 9213), such as "
      .. "CDN-Cache-Control" },
  { name = "stale_if_error", type = "number", default = 0, min = 0,
    doc = "seconds for which a stale response may stand in for a 500, 502, 503, 504 or no answer, "
      .. "where the server does not say (RFC 5861)" },
  { name = "stale_on_disconnect", type = "boolean", default = false,
    doc = "serve a stale response, however old, where there is no answer at all" },
  { name = "stale_while_revalidate", type = "number", default = 0, min = 0,
    doc = "seconds for which a stale response is served while a task asks for a new one, where the "
      .. "server does not say (RFC 5861); in chains that block see background" },
  { name = "background", type = "boolean", default = false,
    doc = "serve stale-while-revalidate in a chain that blocks, too: a thread fetches what is new, "
      .. "or, where Lua has a say, the chain does when it is used, at the latest by close" },
  { name = "key", type = "function",
    doc = "called with the request, returns the string to keep its responses under; nil: its URL" },
  { name = "ignore_params", type = "strings",
    doc = "params of the URL that make no other resource, such as \"utm_*\"" },
  { name = "partition", type = "string|function",
    doc = "keeps apart what is for different users: a string, or called with the request" },
  { name = "methods", type = "strings",
    doc = "methods whose responses are kept besides GET's, each by the request's body, such as "
      .. "QUERY" },
  { name = "ttl", type = "number|function", min = 0,
    doc = "seconds that a response is fresh, whatever the server says; called with request and "
      .. "response, nil: as the server says" },
  { name = "store_if", type = "function",
    doc = "called with request and response: whether it may be kept" },
  { name = "tags", type = "strings|function",
    doc = "names to purge responses by; called with request and response" },
  { name = "set_cookie", type = "string", default = "store", values = { "store", "strip", "skip" },
    doc = "strip: Set-Cookie is not kept; skip: nothing that has one is" },
  { name = "collapse", type = "boolean", default = true,
    doc = "of tasks that ask for the same, one sends, and the others wait for its answer" },
  { name = "cache_status", type = "boolean", default = false,
    doc = "add what response.cache says as a Cache-Status field, too (RFC 9211)" },
  { name = "select_language", type = "boolean", default = false,
    doc = "a response in the language that a request likes best is served to it, though its "
      .. "Accept-Language is another than that it was asked for with" },
}
