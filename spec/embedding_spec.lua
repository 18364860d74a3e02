local c_program = require "spec.support.c_program"
local fixture = require "spec.support.fixture"
local process = require "spec.support.process"
local viesti = require "viesti"

describe("the C library", function()
  it("exports its own names and nothing else", function()
    local symbols = process.run(
      ("nm -D --defined-only %s/libviesti.so"):format(os.getenv "BUILD" or "build"))
    local names = {}
    for kind, name in symbols:gmatch "%x+ (%a) ([%w_]+)" do
      assert.is_truthy(name:find "^viesti_" or name == "luaopen_viesti" or kind == "A", name)
      names[name] = true
    end
    assert.is_true(names.viesti_open and names.luaopen_viesti)
  end)

  it("exports all that its header declares", function()
    local header <close> = assert(io.open "src/viesti.h")
    local symbols = process.run(
      ("nm -D --defined-only %s/libviesti.so"):format(os.getenv "BUILD" or "build"))
    for name in header:read "a":gsub("__%l+__%b()", ""):gmatch "VIESTI_API [^;(]-([%l_]+)%([^(]" do
      assert.is_truthy(symbols:find(" " .. name .. "[\n@]"), name)
    end
  end)

  it("has a header that the strictest C of 1989 takes, too", function()
    local cc = os.getenv "CC" or "cc"
    assert.equal("", process.run(cc .. " -std=c89 -pedantic -Wall -Wextra -Werror -fsyntax-only "
      .. "-x c src/viesti.h"))
  end)

  it("can be used from C++", function()
    local program <close> = c_program.build([[
      #include <cstdio>
      #include <viesti.h>
      struct Relay {
        viesti *relay;
        Relay() { viesti_open(&relay, nullptr); }
        ~Relay() { viesti_close(relay); }
      };
      int main() {
        Relay relay;
        viesti_load(relay.relay, "return MockSender { routes = { { answer = {} } } }", nullptr);
        viesti_request request = {};
        request.size = sizeof request;
        request.url = "http://example.test/";
        viesti_response *response;
        if (viesti_send(relay.relay, &request, &response) == VIESTI_OK)
          std::printf("%d\n", viesti_response_status_code(response));
        viesti_response_release(response);
      }
    ]], "cc")
    local ok, output = program:run()
    assert.is_true(ok, output)
    assert.equal("200\n", output)
  end)
end)

describe("the C library in a plugin", function()
  local PROGRAM = [[
    #include <dlfcn.h>
    #include <stdio.h>
    #include <viesti.h>

    #define FIND(name) *(void **)&name = dlsym(library, "viesti_" #name)

    int main(int count, char **arguments) {
      viesti_status (*open)(viesti **, const viesti_options *);
      viesti_status (*load)(viesti *, const char *, const char *);
      viesti_status (*send)(viesti *, const viesti_request *, viesti_response **);
      const char *(*last_error)(const viesti *);
      void (*response_release)(viesti_response *);
      void (*close)(viesti *);
      if (count > 2 && !dlopen(arguments[2], RTLD_NOW | RTLD_GLOBAL))
        return puts(dlerror());
      for (int times = 0; times < 2; times++) {
        void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (!library)
          return puts(dlerror());
        FIND(open); FIND(load); FIND(send); FIND(last_error); FIND(response_release); FIND(close);
        viesti *relay;
        viesti_response *response = NULL;
        viesti_request request = { .size = sizeof request, .url = "http://example.test/" };
        if (open(&relay, NULL) ||
            load(relay, "local Reader = ExtendingSender:extend 'Reader'\n"
                        "function Reader:send(request)\n"
                        "  local response = self.sender:send(request)\n"
                        "  local value, reason = response:json()\n"
                        "  return value and response or error(tostring(reason), 0)\n"
                        "end\n"
                        "return Reader { sender = MockSender {\n"
                        "  routes = { { answer = { body = '[1]' } } } } }", NULL) ||
            send(relay, &request, &response))
          puts(last_error(relay));
        else
          puts("sent");
        response_release(response);
        close(relay);
        dlclose(library);
      }
      return 0;
    }
  ]]

  local function run(...)
    local program <close> = c_program.build(PROGRAM, "c", true)
    local ok, output = program:run((os.getenv "BUILD" or "build") .. "/libviesti.so", ...)
    assert.is_true(ok, output)
    return output
  end

  it("opens, is closed and opens again, without the modules in C that need Lua's functions",
    function()
      local first, second = run():match "^([^\n]+)\n([^\n]+)\n$"
      assert.matches("JSON needs lua%-cjson, which cannot be loaded: .*undefined symbol", first)
      assert.equal(first, second)
    end)

  it("has them where the program makes those visible", function()
    assert.equal("sent\nsent\n", run "liblua5.4.so.0")
  end)
end)

describe("examples/c", function()
  local server = fixture.origin()

  before_each(function()
    for page = 1, 3 do
      server:route("/" .. page, { headers = { { "Cache-Control", "max-age=60" } },
        body = "page " .. page })
    end
  end)

  local function sorted_lines(text)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    return lines
  end

  it("has get.c, which prints status and body", function()
    local program <close> = c_program.build "examples/c/get.c"
    local ok, output = program:run(server.url .. "/1")
    assert.is_true(ok, output)
    assert.equal("200\npage 1\n", output)
    ok, output = program:run("ftp://127.0.0.1/")
    assert.is_not_true(ok)
    assert.equal("Request: the URL's scheme is 'ftp', only http and https are allowed\n", output)
  end)

  it("has epoll_host.c, whose own loop goes on while it waits", function()
    server:route("/slow", { body = "at last", delay = 0.1 })
    local program <close> = c_program.build "examples/c/epoll_host.c"
    local ok, output = program:run(server.url .. "/1", server.url .. "/slow",
      "http://127.0.0.1:1/")
    assert.is_true(ok, output)
    assert.equal(4, #sorted_lines(output), output)
    assert.is_truthy(output:find("200 " .. server.url .. "/1\n", 1, true))
    assert.is_truthy(output:find("200 " .. server.url .. "/slow\n", 1, true))
    assert.is_truthy(output:find "connect: [^\n]+127%.0%.0%.1:1")
    assert.is_true(math.tointeger(output:match "(%d+) ticks\n") > 0)
  end)

  it("has threads.c, whose eight threads share one store", function()
    local program <close> = c_program.build "examples/c/threads.c"
    local ok, output = program:run(server.url .. "/1", server.url .. "/2",
      server.url .. "/3")
    assert.is_true(ok, output)
    local from_store = output:match
      "^240 responses, (%d+) of them out of the store, which holds 3\n$"
    assert.is_truthy(from_store, output)
    assert.is_true(tonumber(from_store) >= 240 - 24)
    assert.equal(240 - tonumber(from_store), #server:requests())
  end)

  it("has custom_sender.c, which answers by itself, and again where it was too busy", function()
    local program <close> = c_program.build "examples/c/custom_sender.c"
    local ok, output = program:run("http://a.test/greeting", "http://a.test/x",
      "http://a.test/greeting?2", "http://a.test/y")
    assert.is_true(ok, output)
    assert.same({ "200 http://a.test/greeting a greeting",
      "200 http://a.test/greeting?2 a greeting",
      "404 http://a.test/x ", "404 http://a.test/y " }, sorted_lines(output))
  end)

  describe("has reloading.c, whose chain is edited while it runs:", function()
    local chain, printed, program, input, url

    local function write(text)
      local file <close> = assert(io.open(chain, "w"))
      file:write(text)
    end

    -- What it has printed once there are so many lines, having been asked once more.
    local function ask(lines)
      input:write(url, "\n")
      input:flush()
      for _ = 1, 1000 do
        local file <close> = assert(io.open(printed))
        local text = file:read "a"
        if select(2, text:gsub("\n", "")) >= lines then
          return text
        end
        viesti.sleep(0.01)
      end
      error "it has printed nothing"
    end

    before_each(function()
      chain, printed = os.tmpname(), os.tmpname()
      program = c_program.build "examples/c/reloading.c"
    end)

    local function start(text)
      write(text)
      input = assert(io.popen(program:command(chain) .. " >" .. printed .. " 2>&1", "w"))
    end

    after_each(function()
      assert.is_true(input:close())
      program:close()
      os.remove(chain)
      os.remove(printed)
    end)

    it("it goes by what the file says, or said before it was broken", function()
      url = "http://a.test/"
      start "return MockSender { routes = { { answer = { status_code = 201 } } } }"
      assert.equal("201\n", ask(1))
      write "return MockSender { routes = { { answer = { status_code = 4040 / 10 // 1 | 0 } } } }"
      assert.equal("201\n404\n", ask(2))
      write "return (nothing"
      local text = ask(4)
      assert.is_truthy(text:find(chain, 1, true), text)
      assert.is_truthy(text:find "\n404\n$", text)
      assert.equal(text .. "404\n", ask(5))
    end)

    it("it says what is broken from the start, and takes the file when it is mended", function()
      url = "http://a.test/"
      start "return (nothing"
      assert.is_truthy(ask(2):find "no chain is loaded\n$")
      write "return MockSender { routes = { { answer = {} } } }"
      assert.is_truthy(ask(3):find "\n200\n$")
    end)

    it("a response that its cache has kept outlives the edit", function()
      url = server.url .. "/1"
      local source = "return chain { CachingSender { store = Store(%d) }, " ..
        "SyncSender { timeout = %d } }"
      start(source:format(100, 10))
      assert.equal("200\n", ask(1))
      write(source:format(100, 20))
      assert.equal("200\n200\n", ask(2))
      assert.equal(1, #server:requests())
      write(source:format(200, 20))
      assert.equal("200\n200\n200\n", ask(3))
      assert.equal(2, #server:requests())
    end)
  end)
end)
