-- The text of the configuration file. Every path in it is relative to nginx's prefix.

-- {{name}} is replaced by the value of that name.
local main = [[
{{modules}}
daemon off;
master_process off;
pid nginx.pid;
lock_file nginx.lock;
error_log error.log warn;

events {
  worker_connections 16384;
}

http {
  client_body_temp_path temporary/body;
  proxy_temp_path temporary/proxy;
  fastcgi_temp_path temporary/fastcgi;
  scgi_temp_path temporary/scgi;
  uwsgi_temp_path temporary/uwsgi;

  types {
    application/json json;
    text/html html;
    text/plain txt;
  }
  default_type application/octet-stream;

  # Quotes are logged as they came, so an absent value needs a mark of its own.
  map $http_if_none_match $logged_etag {
    "" "-";
    default $http_if_none_match;
  }
  log_format viesti escape=none
    '$request_method $request_uri $status $connection $connection_requests $logged_etag';
  access_log access.log viesti;

  client_max_body_size 0;
  keepalive_requests 1000000000;

  map $status $retry_after {
    429 1;
    default "";
  }
  limit_req_zone $request_uri zone=limited:1m rate=1r/s;
  limit_req_zone $request_uri zone=flaky:1m rate=1r/s;

  # The counters are read over a socket of their own, on one connection that never times out.
  server {
    listen unix:status.sock;
    access_log off;
    keepalive_timeout 1d;
    location / {
      stub_status;
    }
  }

{{http}}

  server {
    listen 127.0.0.1:{{port}} backlog=4096;
    root files;

    location /static/ {
      alias files/;
    }
    location /cache/max-age/ {
      alias files/;
      add_header Cache-Control "max-age=60";
    }
    location /cache/short/ {
      alias files/;
      add_header Cache-Control "max-age=1";
    }
    location /cache/none/ {
      alias files/;
    }
    location /gzip/ {
      alias files/;
      gzip on;
      gzip_vary on;
      gzip_min_length 1;
      gzip_types *;
    }

    # Limits hold before content is made, but not before "return": hence a file.
    location = /limited {
      limit_req zone=limited;
      limit_req_status 429;
      add_header Retry-After $retry_after always;
      add_header Cache-Control "no-store" always;
      default_type text/plain;
      alias fixed/ok;
    }
    location = /flaky {
      limit_req zone=flaky;
      limit_req_status 503;
      add_header Cache-Control "no-store" always;
      default_type text/plain;
      alias fixed/ok;
    }
{{statuses}}
{{delays}}
{{locations}}
  }
}
]]

local delays = [[
    location ~ "^/delay/(?<delay>[0-9])s$" {
      default_type text/plain;
      echo_sleep $delay;
      echo "slept";
    }
    location ~ "^/delay/(?<delay>[0-9]{3})ms$" {
      default_type text/plain;
      echo_sleep "0.$delay";
      echo "slept";
    }
    location ~ "^/delay/(?<delay>[0-9]{2})ms$" {
      default_type text/plain;
      echo_sleep "0.0$delay";
      echo "slept";
    }
]]

local redirects = { 301, 302, 303, 307, 308 }
local bodiless = { 204, 304 }
local with_body = {
  200, 201, 202, 400, 401, 403, 404, 405, 409, 410, 412, 418, 422, 429, 500, 501, 502, 503, 504,
}

local function status_locations()
  local lines = {}
  local function add(code, rest)
    lines[#lines + 1] = ("    location = /status/%d { default_type text/plain; return %d%s; }")
      :format(code, code, rest)
  end
  for _, code in ipairs(redirects) do
    add(code, " /status/200")
  end
  for _, code in ipairs(bodiless) do
    add(code, "")
  end
  for _, code in ipairs(with_body) do
    add(code, (' "%d\\n"'):format(code))
  end
  return table.concat(lines, "\n")
end

-- values: port, http and locations (directives), echo_module (its path, or nil).
return function(values)
  local parts = {
    modules = values.echo_module and ("load_module %s;"):format(values.echo_module) or "",
    http = values.http or "",
    port = tostring(values.port),
    statuses = status_locations(),
    delays = values.echo_module and delays or "",
    locations = values.locations or "",
  }
  return (main:gsub("{{(%l+)}}", parts))
end
