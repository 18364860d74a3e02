--- What users need for tests of their own.
return {
  clock = require "viesti.testing.clock",
}
