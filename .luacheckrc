std = "lua54"
max_line_length = 100
files["spec"] = { std = "+busted" }
self = false -- a method may need none of its object
-- A chain file has the library's words, and what its host gives it.
files["soak/chain.lua"] = { global = false }
-- Declarations for editors, most of them made by tools/stubs.
files["lua/viesti/types"] = { unused = false }
files["lua/viesti/types/library"] = { unused = false, redefined = false, max_line_length = false }
files["lua/viesti/types/chain_file"] = { global = false }
