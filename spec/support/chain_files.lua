-- Files for the tests of a block, which are gone after each of them:
--
--     local files = chain_files()
--     local path = files.write(text)      a new one
--     files.write(text, path)             over the one that is there

local busted = require("busted")

return function()
  local paths, files = {}, {}

  function files.write(text, path)
    if not path then
      path = os.tmpname()
      paths[#paths + 1] = path
    end
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
    return path
  end

  busted.after_each(function()
    for _, path in ipairs(paths) do
      for _, ending in ipairs({ "", "-wal", "-shm" }) do
        os.remove(path .. ending)
      end
    end
    paths = {}
  end)
  return files
end
