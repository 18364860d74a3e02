-- Prints the tracks of an album:
--
--   lua5.4 examples/music/main.lua https://api.example.org/v1 https://accounts.example.org/token ID
--
-- with the application's credentials in MUSIC_ID and MUSIC_SECRET. With `--async` in front the
-- same client works in tasks.
package.path = arg[0]:match "^(.-)[^/]*$" .. "?.lua;" .. package.path
local viesti = require "viesti"
local Credentials = require "credentials"
local Music = require "music"

local asynchronous = arg[1] == "--async"
local base_url, token_url, id = table.unpack(arg, asynchronous and 2 or 1)

local sender = (asynchronous and viesti.AsyncSender or viesti.SyncSender) { timeout = 10 }
local music = Music {
  base_url = base_url, market = "FI", sender = sender,
  credentials = Credentials {
    token_url = token_url, sender = sender,
    client_id = os.getenv "MUSIC_ID" or "", client_secret = os.getenv "MUSIC_SECRET" or "",
  },
}

local album, err = music:album(id)
if not album then
  print(err)
  os.exit(1)
end
print(album.name)
for track in music:tracks(album) do
  print(("%3d  %s"):format(track.track_number, track.name))
end
