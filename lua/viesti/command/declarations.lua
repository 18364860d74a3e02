--- What the command understands. Parsing, help and the manual page come from here.
---
--- An option is { long, short, value, ... }: `value` is what its argument is called, nil for one
--- without; `type` is "string" unless said otherwise; `many`: it may be given several times, and
--- its value is a list; `own`: it is about the chain that the command makes itself, so it does not
--- go with -c. `foreign` are options of others, and what is said of them.
local curl_options = require "viesti.command.curl_options"

local HELP = { long = "help", short = "h", doc = "prints this" }

local fetch = {
  usage = "viesti [options] URL...",
  summary = "sends requests, and writes what comes to standard output or to files",
  text = {
    "URLs are taken from the arguments; from standard input, one on a line, where one of them is - "
      .. "or there is none and standard input is no terminal.",
    "Redirects are followed, what fails on the way is tried again, and what was compressed for the "
      .. "way is decompressed. Bodies come out in the order of the URLs, whatever comes first.",
  },
  options = {
    { long = "request", short = "X", value = "METHOD",
      doc = "the method; GET, or POST where there is something to send" },
    { long = "header", short = "H", value = "FIELD", many = true,
      doc = "a header field, 'Name: value'; 'Name:' leaves one out that would be sent" },
    { long = "data", short = "d", value = "TEXT", many = true,
      doc = "sends that as a form; several are joined by '&'; @FILE is what the file holds, @- "
        .. "standard input" },
    { long = "json", value = "TEXT",
      doc = "sends that as JSON, and asks for JSON; @FILE and @- likewise" },
    { long = "form", short = "F", value = "PART", many = true,
      doc = "sends a form with files: 'name=text', or 'name=@FILE', where ';type=image/png' may "
        .. "follow; once for each part" },
    { long = "output", short = "o", value = "FILE", many = true,
      doc = "writes there, when the body is whole, instead of to standard output; once for each "
        .. "URL" },
    { long = "remote-name", short = "O",
      doc = "writes to files in this folder, called as the last part of each URL" },
    { long = "continue", short = "C",
      doc = "what -o or -O write goes on where it was interrupted, as far as the server can; only "
        .. "with GET, and only a success is written" },
    { long = "fail", short = "f",
      doc = "a status of 400 or more is a failure (exit code 22), and its body is not written" },
    { long = "parallel", short = "P", value = "N", type = "integer", min = 1, default = 1,
      doc = "how many requests are under way at once" },
    { long = "verbose", short = "v",
      doc = "tells on standard error what is sent and what comes, without secrets" },
    { long = "silent", short = "s", doc = "no progress, and no word of what went wrong" },
    { long = "show-error", short = "S", doc = "with -s: a word of what went wrong all the same" },
    { long = "stats",
      doc = "tells on standard error, at the end, how many requests, hits, retries and bytes there "
        .. "were, and how long they took" },
    { long = "har", value = "FILE",
      doc = "writes what is sent and what comes to a HAR file, without secrets and bodies" },
    { long = "chain", short = "c", value = "FILE",
      doc = "sends through the chain that this file returns, instead of the usual one" },
    { long = "cache", value = "STORE", own = true,
      doc = "keeps responses there, by the rules for caches, and answers out of it: an SQLite "
        .. "file, or redis://host; see viesti help cache" },
    { long = "user", short = "u", value = "USER:PASSWORD", own = true,
      doc = "says who is asking (Basic), to the hosts of the URLs alone; @FILE has it in its first "
        .. "line, where no list of processes shows it" },
    { long = "retry", value = "N", type = "integer", min = 0, default = 3, own = true,
      doc = "how often a server error or a broken connection is tried again; in the middle of a "
        .. "body, where that goes to a file" },
    { long = "max-redirs", value = "N", type = "integer", min = 0, default = 20, own = true,
      doc = "how many redirects are followed; 0: none, a redirect is what comes" },
    { long = "location", short = "L", own = true,
      doc = "changes nothing, redirects are followed anyway; as curl has it" },
    { long = "compressed", own = true,
      doc = "changes nothing, compressed bodies are asked for anyway; as curl has it" },
    { long = "max-time", short = "m", value = "SECONDS", type = "number", min = 0, own = true,
      doc = "how long a request may take in all, retries included" },
    { long = "connect-timeout", value = "SECONDS", type = "number", min = 0, default = 10,
      own = true, doc = "how long connecting may take; 0 for no limit" },
    { long = "insecure", short = "k", own = true, doc = "checks no certificates" },
    { long = "cacert", value = "FILE", own = true,
      doc = "trusts the authorities in this PEM file instead of the system's" },
    { long = "proxy", short = "x", value = "URL", own = true,
      doc = "a proxy, '' for none; the environment's (https_proxy, ...) if not given" },
    HELP,
    { long = "version", short = "V", doc = "prints the version" },
  },
  foreign = curl_options,
}

local check = {
  name = "check",
  usage = "viesti check [--untrusted] FILE",
  summary = "prints the chain that a file returns, with every option, and what is wrong with it",
  text = {
    "The exit code is 0 if the file is a chain, and 2 if it is not.",
  },
  options = {
    { long = "untrusted", doc = "checks it as a program loads a file that nobody vouches for: it "
      .. "may hold data only, and has little memory and time" },
    HELP,
  },
}

local cache = {
  name = "cache",
  usage = "viesti cache list|delete|purge|clear|stats STORE ...",
  summary = "looks into a store of responses, and forgets some of them",
  text = {
    "STORE is an SQLite file, redis://user:password@host:port/database, or "
      .. "unix:///path/of/a/socket of a Redis server.",
  },
  forms = {
    { "viesti cache list STORE [PREFIX]", "lists what is kept: bytes, seconds until it is dropped, "
      .. "URL; of those URLs that begin so" },
    { "viesti cache delete STORE URL...", "forgets what is kept for these URLs" },
    { "viesti cache purge STORE", "forgets what --tag or --prefix says, and says how many" },
    { "viesti cache clear STORE", "forgets everything, and says how much" },
    { "viesti cache stats STORE", "tells how many responses there are, and how many bytes" },
  },
  options = {
    { long = "tag", value = "TAG", doc = "purge: what was stored with this tag" },
    { long = "prefix", value = "PREFIX", doc = "purge: of URLs that begin so" },
    { long = "limit", value = "N", type = "integer", min = 1, default = 1000,
      doc = "list: how many lines at most" },
    { long = "key-prefix", value = "TEXT", default = "viesti:",
      doc = "what the names of the store's keys on a Redis server begin with" },
    HELP,
  },
}

local help = {
  name = "help",
  usage = "viesti help [COMMAND]",
  summary = "prints what the command, or another one, understands",
  text = {},
  options = { HELP },
}

return { fetch = fetch, list = { check, cache, help } }
