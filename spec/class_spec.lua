require("viesti")
local class = require("viesti.base.class")

describe("class", function()
  local Shape = class.new("Shape", nil, {
    { name = "sides", type = "integer", default = 3, min = 1, doc = "how many" },
  })
  function Shape:corners() return self.sides end
  Shape.__tostring = function(self) return "shape of " .. self.sides end
  Shape.__close = function(self) self.closed = true end

  local Square = Shape:extend("Square", {
    { name = "width", type = "number", required = true, doc = "of a side" },
    { name = "sides", type = "integer", default = 4, doc = "how many" },
  })
  function Square:area() return self.width ^ 2 end

  it("builds objects whose options are fields", function()
    assert.equal(5, Shape({ sides = 5 }):corners())
    assert.equal(5, Shape(5).sides)
    assert.equal(3, Shape().sides)
  end)

  it("inherits methods, metamethods and options; a child's own options come first", function()
    local square = Square(2)
    assert.same({ 4, 4, "shape of 4" }, { square:corners(), square:area(), tostring(square) })
    assert.equal("width", Square.options[1].name)
    assert.equal(2, #Square.options)
    assert.equal(Shape, Square.super)
    do
      local closing <close> = square
      assert.is_nil(closing.closed)
    end
    assert.is_true(square.closed)
  end)

  it("calls init with the options in place", function()
    local Cube = Square:extend("Cube")
    function Cube:init() self.volume = self.width ^ 3 end
    assert.equal(8, Cube(2).volume)
  end)

  it("completes objects alone with init, not the class that a colon hands to it", function()
    local Base = Shape:extend("Base")
    function Base:init() self.ready = true end
    local Child = Base:extend("Child")
    function Child:init() Child.super.init(self) end
    assert.is_true(Child().ready)
    local Wrong = Base:extend("Wrong")
    function Wrong:init() Wrong.super:init() end -- luacheck: no self
    local _, message = pcall(Wrong)
    assert.matches("class_spec.lua:%d+: Base.init needs an object, got the class Base: "
      .. "it is super.init%(self%), with a dot$", message)
    assert.is_nil(Base.ready)
  end)

  it("lets a class say why it cannot be built", function()
    local Abstract = Shape:extend("Abstract")
    function Abstract:missing() return self.name .. " is abstract" end
    assert.has_error(function() Abstract() end, "Abstract is abstract")
  end)

  it("blames the caller for what it is given", function()
    local _, message = pcall(function()
      local shape = Shape({ sides = 0 })
      return shape
    end)
    assert.matches("class_spec.lua:%d+: Shape: sides must be an integer of 1 or more, got 0",
      message)
  end)

  it("remembers what was given, apart from the caller's table", function()
    local given = { width = 1 }
    local square = Square(given)
    given.width = 2
    assert.same({ width = 1 }, square._given)
  end)

  it("prints as its name", function()
    assert.equal("Square", tostring(Square))
  end)

  it("knows what an object is", function()
    local square = Square(1)
    assert.is_true(class.is(square, Square) and class.is(square, Shape))
    assert.is_false(class.is(Shape(), Square))
    for _, value in ipairs({ 1, "x", {}, setmetatable({}, {}), Shape, print }) do
      assert.is_false(class.is(value, Shape))
    end
    assert.is_false(class.is(nil, Shape))
  end)

  it("refuses a name that is no identifier", function()
    for _, name in ipairs({ "", "a b", "1a", "a-b", 1, {} }) do
      assert.error_matches(function() Shape:extend(name) end,
        "extend: the name of a class must be an identifier, got ")
    end
    assert.error_matches(function() Shape:extend() end, "got nothing")
  end)

  it("refuses options that would hide a method or the inner sender", function()
    local Layer = require("viesti").ExtendingSender
    local cases = { send = "'send' is the name of a method of ExtendingSender",
      sender = "'sender' is the inner one, and of the type 'sender'" }
    for name, message in pairs(cases) do
      assert.has_error(function()
        Layer:extend("OddSender", { { name = name, type = "string" } })
      end, "extend: OddSender: " .. message)
    end
    assert.is_table(Layer:extend("OddSender", { { name = "sender", type = "sender" } }))
  end)

  it("refuses declarations that mean nothing", function()
    local cases = {
      [{ "value" }] = "extend: X: option 1 must be a table with a name, got \"value\"",
      [{ { name = "a" } }] = "extend: X: option 1 'a' has no type",
      [{ { name = "a", type = "sting" } }] = "extend: X: option 1 'a': there is no type 'sting'",
      [{ { name = "a", type = "string", defalt = 1 } }] =
        "extend: X: option 1 'a' has \"defalt\", which means nothing, did you mean 'default'?",
      [{ { name = "a", type = "number", default = "x" } }] =
        "extend: X: option 1 'a': its default must be a number, got \"x\"",
      [{ { name = "a", type = "integer", default = 0, min = 1 } }] =
        "extend: X: option 1 'a': its default must be an integer of 1 or more, got 0",
      [{ a = {} }] = "extend: X: its options must be a list of tables { name = ..., type = ... }",
    }
    for declared, message in pairs(cases) do
      assert.has_error(function() require("viesti.base.class").new("X", nil, declared) end, message)
    end
  end)
end)
