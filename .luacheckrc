std = "lua54"
max_line_length = 100
files["spec"] = { std = "+busted" }
self = false -- a method may need none of its object
files["lua/viesti/types"] = { unused = false } -- declarations for editors
