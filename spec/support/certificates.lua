-- An authority and what it signed, made with the openssl command once a process, in a directory
-- that ends with this process.
--
--   local certificates = require("spec.support.certificates").make()
--
-- ca is the authority and stranger another one, that signed nothing. Of servers there are good (for
-- localhost and 127.0.0.1), expired, not_yet_valid, wrong_host and self_signed, and there is one of
-- a client: each is { certificate, key }. All of these are paths of PEM files, and so are damaged,
-- which begins like a certificate, and other_key, which belongs to none of those.

local process = require("spec.support.process")

local certificates = {}

local day = 24 * 60 * 60
local year = 365 * day

-- Extensions stand in the section of the same name, periods are seconds from now.
local signed = {
  good = { "server", -day, year },
  expired = { "server", -year, -day },
  not_yet_valid = { "server", day, year },
  wrong_host = { "other_server", -day, year },
  client = { "client", -day, year },
}

local configuration = [[
[req]
distinguished_name = name
prompt = no
[name]
commonName = tests
[ca]
default_ca = tests
[tests]
certificate = ca.pem
private_key = ca.key
database = index.txt
new_certs_dir = .
default_md = sha256
rand_serial = yes
unique_subject = no
policy = policy
[policy]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[server]
subjectAltName = DNS:localhost,IP:127.0.0.1
extendedKeyUsage = serverAuth
[other_server]
subjectAltName = DNS:elsewhere.invalid
extendedKeyUsage = serverAuth
[client]
extendedKeyUsage = clientAuth
]]

local make_authorities = [[
set -e
cd "$1"
export OPENSSL_CONF=openssl.cnf
: >index.txt
elliptic='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
authority="-x509 -extensions authority"
openssl req $elliptic $authority -subj /CN=ca -keyout ca.key -out ca.pem
openssl req $elliptic $authority -subj /CN=stranger -keyout stranger.key -out stranger.pem
openssl req $elliptic -keyout key.pem -out request.pem
openssl req -x509 -key key.pem -extensions server -out self_signed.pem
]]

local sign = "openssl ca -batch -notext -in request.pem -out %s.pem -extensions %s "
  .. "-startdate %s -enddate %s\n"

local function date(seconds_from_now)
  return os.date("!%Y%m%d%H%M%SZ", os.time() + seconds_from_now)
end

local function script()
  local lines = { make_authorities }
  for name, what in pairs(signed) do
    lines[#lines + 1] = sign:format(name, what[1], date(what[2]), date(what[3]))
  end
  return table.concat(lines)
end

local function write_file(path, content)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(content))
end

local made

function certificates.make()
  if made then
    return made
  end
  local directory = process.temporary_directory()
  -- Does nothing, but takes the directory along when it ends with us.
  local owner = process.start(directory, "exec sleep 1000000")
  write_file(directory .. "/openssl.cnf", configuration)
  write_file(directory .. "/make.sh", script())
  write_file(directory .. "/damaged.pem", "-----BEGIN CERTIFICATE-----\nnonsense\n")
  local quoted = process.quote(directory)
  process.run(("sh %s/make.sh %s"):format(quoted, quoted))
  local function pair(name)
    return { certificate = ("%s/%s.pem"):format(directory, name), key = directory .. "/key.pem" }
  end
  made = {
    owner = owner,
    ca = directory .. "/ca.pem",
    stranger = directory .. "/stranger.pem",
    damaged = directory .. "/damaged.pem",
    other_key = directory .. "/ca.key",
    self_signed = pair("self_signed"),
  }
  for name in pairs(signed) do
    made[name] = pair(name)
  end
  return made
end

return certificates
