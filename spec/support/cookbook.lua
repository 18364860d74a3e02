-- The recipes of docs/cookbook.md, and the servers that stand for those that they name.

local certificates = require "spec.support.certificates"
local example_folder = require "spec.support.example_folder"
local free_port = require "spec.support.free_port"
local nginx = require "spec.support.nginx"
local origin = require "spec.support.origin"
local pages = require "spec.support.pages"
local proxy = require "spec.support.proxy"
local redis_server = require "spec.support.redis_server"
local tls_server = require "spec.support.tls_server"

local cookbook = {}

local page = "docs/cookbook.md"

local inside = [[
  ssl_verify_client optional;
  ssl_client_certificate %s;
  location = /whoami { default_type text/plain; return 200 "$ssl_client_verify"; }
]]

local socket_server = [[
  server {
    listen unix:docker.sock;
    location = /v1.43/containers/json {
      default_type application/json;
      return 200 '[{"Image":"debian:12"}]';
    }
  }
]]

local Kitchen = {}
Kitchen.__index = Kitchen

-- main and mirror are origins, proxy is a proxy, hosts an nginx.
function cookbook.start()
  local made = certificates.make()
  local self = setmetatable({ main = origin.start(), mirror = origin.start() }, Kitchen)
  self.redis = redis_server.start { port = free_port() }
  self.proxy = proxy.start { kind = "http", to = self.main.port, user = "me", password = "secret" }
  self.hosts = nginx.start { http = socket_server .. tls_server {
    name = "inside", certificate = made.good, directives = inside:format(made.ca) } }
  self.stand_ins = {
    { "https://example.org", self.main.url },
    { "https://mirror.example.org", self.mirror.url },
    { "https://inside.example.org", "https://127.0.0.1:" .. self.hosts.ports.inside },
    { "proxy.example.org:3128", "127.0.0.1:" .. self.proxy.port },
    { "redis://127.0.0.1:6379", "redis://127.0.0.1:" .. self.redis.port },
    { "/var/run/docker.sock", self.hosts.directory .. "/docker.sock" },
    { "/etc/company/ca.pem", made.ca },
    { "/etc/company/client.pem", made.client.certificate },
    { "/etc/company/client.key", made.client.key },
  }
  return self
end

function Kitchen:stop()
  for _, name in ipairs { "main", "mirror", "redis", "proxy", "hosts" } do
    self[name]:stop()
  end
end

-- A folder with the `files` of a recipe, whose `routes` the origin gets, and the mirror `mirror`.
function Kitchen:prepare(recipe)
  for name, list in pairs { main = recipe.routes or {}, mirror = recipe.mirror or {} } do
    self[name]:reset()
    for path, answers in pairs(list) do
      self[name]:route(path, answers)
    end
  end
  local folder = example_folder.new(self.stand_ins)
  for name, text in pairs(recipe.files or {}) do
    folder:write(name, folder:placed(text))
  end
  return folder
end

-- Runs the examples of a recipe in its folder.
function cookbook.cook(title, folder)
  for _, example in ipairs(pages.examples(page)) do
    if example.heading == title then
      folder:run(example)
    end
  end
end

-- The headings of all recipes, in their order.
function cookbook.titles()
  local list = {}
  for title in pages.read(page):gmatch "\n### ([^\n]+)" do
    list[#list + 1] = title
  end
  return list
end

-- The anchors that its list of recipes leads to.
function cookbook.listed()
  local list = {}
  for _, link in ipairs(pages.links(page)) do
    list[#list + 1] = link[1] == page and link[2] or nil
  end
  return list
end

return cookbook
