# Builds, installs, tests and checks viesti. `make help` lists the targets.

BUILD       ?= build
PREFIX      ?= /usr/local
LIBDIR      ?= $(PREFIX)/lib
INCLUDEDIR  ?= $(PREFIX)/include
# As a pkg-config file has it.
below_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
BINDIR      ?= $(PREFIX)/bin
MANDIR      ?= $(PREFIX)/share/man
INST_LUADIR ?= $(PREFIX)/share/lua/5.4
INST_LIBDIR ?= $(PREFIX)/lib/lua/5.4

# The one list of sources, room by room.
CORE      := $(sort $(wildcard src/message/*.c src/transport/*.c src/cache/*.c))
system    := $(shell uname)
# PORTABLE=1: what stands in for what is Linux's alone, there too, over a kqueue of the tests'.
kqueue    := $(if $(PORTABLE),$(if $(filter Linux,$(system)),spec/portable))
CORE      += $(kqueue:%=%/kqueue.c)
BINDING   := $(sort $(wildcard src/binding/*.c))
EMBED     := $(sort $(wildcard src/embed/*.c)) $(BUILD)/embed/baked.c
# Stores that are modules and rocks of their own, for libraries that need not be there.
STORES    := sqlite redis
store_c   = $(sort $(wildcard src/stores/$(1)*.c))
store_lua = $(sort $(wildcard lua/viesti/$(1).lua lua/viesti/$(1)/*.lua))
STORES_C  := $(foreach store,$(STORES),$(call store_c,$(store)))
MODULES   := $(filter-out $(foreach store,$(STORES),$(call store_lua,$(store))),$(sort $(shell find lua -name '*.lua')))
C_TESTS   := $(sort $(wildcard spec/c/test_*.c))
C_HELPERS := $(filter-out $(C_TESTS),$(sort $(wildcard spec/c/*.c)))
# Tests that need Lua too.
LUA_C_TESTS   := $(sort $(wildcard spec/lua_c/test_*.c))
LUA_C_HELPERS := $(filter-out $(LUA_C_TESTS),$(sort $(wildcard spec/lua_c/*.c)))

# Tools and libraries: found on this system unless given.
comma    := ,
first    = $(shell for x in $(2); do $(1) >/dev/null 2>&1 && echo $$x && break; done)
packaged = $(and $(1),$(shell $(PKG_CONFIG) $(2) $(1)))

# A Lua of one's own, with no pkg-config: all of it below one folder, whatever it is called there.
lua_names   := lua5.4 lua-5.4 lua54 lua
ifdef LUA_PREFIX
lua_h       := $(firstword $(wildcard $(lua_names:%=$(LUA_PREFIX)/include/%/lua.h) $(LUA_PREFIX)/include/lua.h))
lua_lib      = $(wildcard $(addprefix $(LUA_PREFIX)/lib/lib$(1).,$(2)))
liblua      := $(firstword $(foreach x,$(lua_names),$(if $(call lua_lib,$x,a so dylib),$x)))
lua_here    := $(firstword $(wildcard $(lua_names:%=$(LUA_PREFIX)/bin/%)))
$(if $(and $(lua_h),$(liblua),$(lua_here)),,$(error LUA_PREFIX=$(LUA_PREFIX) has no bin/lua, \
  include/lua.h or lib/liblua.*))
LUA         ?= $(lua_here)
LUA_CFLAGS  ?= -I$(patsubst %/,%,$(dir $(lua_h)))
LUA_LIBS    ?= -L$(LUA_PREFIX)/lib -l$(liblua) \
  $(if $(call lua_lib,$(liblua),so dylib),-Wl$(comma)-rpath$(comma)$(LUA_PREFIX)/lib)
# A static one inside of libviesti.so would be hidden from other modules, such as lua-cjson.
only_static := $(if $(call lua_lib,$(liblua),so dylib),,yes)
endif

PKG_CONFIG  ?= pkg-config
lua_pc      := $(call first,$(PKG_CONFIG) --exists "$$x >= 5.4" "$$x < 5.5",$(lua_names))
curl_pc     := $(call first,$(PKG_CONFIG) --exists $$x,libcurl)
LUA         ?= $(or $(call first,command -v $$x,$(lua_names)),lua5.4)
LUA_CFLAGS  ?= $(call packaged,$(lua_pc),--cflags)
LUA_LIBS    ?= $(or $(call packaged,$(lua_pc),--libs),-llua5.4)
CURL_CFLAGS ?= $(call packaged,$(curl_pc),--cflags)
CURL_LIBS   ?= $(or $(call packaged,$(curl_pc),--libs),-lcurl)
ZLIB_CFLAGS ?= $(call packaged,zlib,--cflags)
ZLIB_LIBS   ?= $(or $(call packaged,zlib,--libs),-lz)
sqlite_pc   := $(call first,$(PKG_CONFIG) --exists $$x,sqlite3)
SQLITE_CFLAGS ?= $(call packaged,$(sqlite_pc),--cflags)
SQLITE_LIBS ?= $(or $(call packaged,$(sqlite_pc),--libs),-lsqlite3)
redis_pc    := $(call first,$(PKG_CONFIG) --exists $$x,hiredis)
REDIS_CFLAGS ?= $(call packaged,$(redis_pc),--cflags)
REDIS_LIBS   ?= $(or $(call packaged,$(redis_pc),--libs),-lhiredis)
CFLAGS      ?= -O2 -g
LIBFLAG     ?= $(if $(filter Darwin,$(system)),-bundle -undefined dynamic_lookup,-shared)

sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
compile  := $(CC) -std=c11 -D_GNU_SOURCE -Isrc -fPIC -fvisibility=hidden -MMD -MP \
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(WERROR),-Werror) \
  $(if $(PORTABLE),-DVI_PORTABLE $(kqueue:%=-I%)) $(CPPFLAGS) $(CFLAGS) $(sanitize) $(CURL_CFLAGS) $(ZLIB_CFLAGS)
link     := $(CC) $(CFLAGS) $(sanitize) $(LDFLAGS)
# libcurl's resolver threads can outlive the Lua state that loaded the module.
stay_mapped := $(if $(filter-out Darwin,$(system)),-Wl$(comma)-z$(comma)nodelete)

objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
module   := $(BUILD)/viesti/core.so
store_so = $(BUILD)/viesti/stores/$(1).so
stores   := $(if $(sqlite_pc),$(call store_so,sqlite)) $(if $(redis_pc),$(call store_so,redis))
version  := $(shell sed -n 's/^.define VI_VERSION "\(.*\)"/\1/p' src/message/version.h)
major    := $(firstword $(subst ., ,$(version)))
ifeq (Darwin,$(system))
linkname := libviesti.dylib
shared   := libviesti.$(version).dylib
soname   := libviesti.$(major).dylib
named    := -dynamiclib -install_name $(LIBDIR)/$(soname) \
  -Wl$(comma)-exported_symbol$(comma)_viesti_* -Wl$(comma)-exported_symbol$(comma)_luaopen_viesti
else
linkname := libviesti.so
shared   := libviesti.so.$(version)
soname   := libviesti.so.$(major)
named    := -shared -Wl$(comma)-soname$(comma)$(soname) -Wl$(comma)--version-script$(comma)src/viesti.map
endif
library  := $(BUILD)/libviesti.a $(if $(only_static),,$(BUILD)/$(linkname))
programs := $(patsubst %.c,$(BUILD)/%,$(C_TESTS) $(LUA_C_TESTS))
soakers  := $(BUILD)/soak/origin $(if $(only_static),,$(BUILD)/soak/host)
# Fuzz targets: programs in C, and in Lua, for which one program goes by several names.
c_targets   := $(patsubst spec/fuzz/fuzz_%.c,%,$(sort $(wildcard spec/fuzz/fuzz_*.c)))
lua_targets := $(patsubst spec/fuzz/fuzz_%.lua,%,$(sort $(wildcard spec/fuzz/fuzz_*.lua)))
targets  := $(sort $(c_targets) $(lua_targets))
fuzzers  := $(addprefix $(BUILD)/fuzz/,$(targets))
replays  := $(addprefix $(BUILD)/spec/fuzz/,$(targets))
quiet    := $(if $(V),,@)
# Of the specs those that wait for descriptors, start processes, or have sockets or pipes of our own.
waiting  := $(sort $(wildcard $(patsubst %,spec/%_spec.lua,async async_sender cancel descriptor* \
  embedding fairness interrupt loop* redis_store redis_tasks stream_tasks upload_tasks)))
portable_build = $(MAKE) BUILD=$(BUILD)/portable PORTABLE=1 CFLAGS=-O0 WERROR=1 build programs
run      := WAITING='$(waiting)' BUILD='$(BUILD)' LUA='$(LUA)' CC='$(CC)' SANITIZE='$(SANITIZE)' tools/test
found    := CC='$(CC)' LUA='$(LUA)' PKG_CONFIG='$(PKG_CONFIG)' LUA_CFLAGS='$(LUA_CFLAGS)' \
  CURL_CFLAGS='$(CURL_CFLAGS)' ZLIB_CFLAGS='$(ZLIB_CFLAGS)' SQLITE_CFLAGS='$(SQLITE_CFLAGS)'

MAKEFLAGS += --no-print-directory
ifeq (0,$(MAKELEVEL))
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: FORCE build module sqlite redis programs install install-lua install-sqlite install-redis \
  demo test setup setup-test setup-lint setup-musl doctor help check check-c check-lua check-rock check-install \
  check-prefix check-musl check-fuzz check-asan check-tsan check-portable check-valgrind fuzz lint format docs clean

## Build

build: module $(library) $(stores) ## build the Lua modules and the C library (the default); LUA_PREFIX=/opt/lua54 names a Lua

module: $(module) ## build the Lua module only

sqlite: $(call store_so,sqlite) ## build the store for SQLite only

redis: $(call store_so,redis) ## build the store for Redis only

install: install-lua $(library) $(if $(sqlite_pc),install-sqlite) $(if $(redis_pc),install-redis) ## install everything under PREFIX (/usr/local), below DESTDIR if given
	@install -d "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(BINDIR)" \
	  "$(DESTDIR)$(MANDIR)/man1"
	@sed '1s|lua5\.4|$(LUA)|' bin/viesti >$(BUILD)/command
	@install -m 755 $(BUILD)/command "$(DESTDIR)$(BINDIR)/viesti"
	@install -m 644 docs/man/viesti.1 "$(DESTDIR)$(MANDIR)/man1"
	@install -m 644 src/viesti.h "$(DESTDIR)$(INCLUDEDIR)"
	@install -m 644 $(BUILD)/libviesti.a "$(DESTDIR)$(LIBDIR)"
	@$(if $(only_static),:,install -m 755 $(BUILD)/$(shared) "$(DESTDIR)$(LIBDIR)" && \
	  ln -sf $(shared) "$(DESTDIR)$(LIBDIR)/$(soname)" && \
	  ln -sf $(soname) "$(DESTDIR)$(LIBDIR)/$(linkname)")
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@INCLUDEDIR@|$(call below_prefix,$(INCLUDEDIR))|' \
	  -e 's|@LIBDIR@|$(call below_prefix,$(LIBDIR))|' -e 's|@VERSION@|$(version)|' \
	  -e 's|@LUA_LIBS@|$(LUA_LIBS)|' -e 's|@CURL_LIBS@|$(CURL_LIBS) $(ZLIB_LIBS)|' src/viesti.pc.in >$(BUILD)/viesti.pc
	@install -m 644 $(BUILD)/viesti.pc "$(DESTDIR)$(LIBDIR)/pkgconfig"
	@[ -n "$(DESTDIR)" ] || /sbin/ldconfig 2>/dev/null || true

install-lua: module ## install the Lua module alone, as LuaRocks does
	@install -d "$(DESTDIR)$(INST_LIBDIR)/viesti"
	@install -m 755 $(module) "$(DESTDIR)$(INST_LIBDIR)/viesti/core.so"
	@for file in $(MODULES:lua/%=%); do \
	  install -d "$(DESTDIR)$(INST_LUADIR)/$$(dirname $$file)" && \
	  install -m 644 lua/$$file "$(DESTDIR)$(INST_LUADIR)/$$file" || exit 1; \
	done

install-sqlite: sqlite ## install the store for SQLite alone, likewise
	$(call install_store,sqlite)

install-redis: redis ## install the store for Redis alone, likewise
	$(call install_store,redis)

define install_store
@install -d "$(DESTDIR)$(INST_LIBDIR)/viesti/stores"
@install -m 755 $(call store_so,$(1)) "$(DESTDIR)$(INST_LIBDIR)/viesti/stores/$(1).so"
@for file in $(patsubst lua/%,%,$(call store_lua,$(1))); do \
  install -d "$(DESTDIR)$(INST_LUADIR)/$$(dirname $$file)" && \
  install -m 644 lua/$$file "$(DESTDIR)$(INST_LUADIR)/$$file" || exit 1; \
done
endef

clean: ## remove everything that was built
	rm -rf $(BUILD)

$(module): $(call objects,$(CORE) $(BINDING)) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) $(LIBFLAG) $(stay_mapped) -o $@ $(filter %.o,$^) $(CURL_LIBS) $(ZLIB_LIBS) -lpthread

$(BUILD)/viesti/stores/sqlite.so: $(call objects,$(call store_c,sqlite)) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) $(LIBFLAG) $(stay_mapped) -o $@ $(filter %.o,$^) $(SQLITE_LIBS) -lpthread

$(BUILD)/viesti/stores/redis.so: $(call objects,$(call store_c,redis)) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) $(LIBFLAG) $(stay_mapped) -o $@ $(filter %.o,$^) $(REDIS_LIBS) -lpthread

$(BUILD)/$(linkname): $(call objects,$(CORE) $(BINDING) $(EMBED)) src/viesti.map $(BUILD)/sources
	@echo "  link  $@"
	$(quiet)$(link) $(named) $(stay_mapped) -o $(BUILD)/$(shared) $(filter %.o,$^) \
	  $(CURL_LIBS) $(ZLIB_LIBS) $(LUA_LIBS) -lm -ldl -lpthread
	@ln -sf $(shared) $(BUILD)/$(soname)
	@ln -sf $(soname) $@

$(BUILD)/libviesti.a: $(call objects,$(CORE) $(BINDING) $(EMBED)) $(BUILD)/sources
	@echo "  ar    $@"
	@rm -f $@
	$(quiet)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/spec/c/%: $(BUILD)/obj/spec/c/%.o $(call objects,$(CORE) $(C_HELPERS)) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -o $@ $(filter %.o,$^) $(CURL_LIBS) $(ZLIB_LIBS) -lm -lpthread

# What opens a Lua state here gets one with the tests' allocator.
$(BUILD)/spec/lua_c/%: $(BUILD)/obj/spec/lua_c/%.o \
    $(call objects,$(CORE) $(BINDING) $(EMBED) $(C_HELPERS) $(LUA_C_HELPERS)) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -Wl$(comma)--wrap=luaL_newstate -o $@ $(filter %.o,$^) \
	  $(CURL_LIBS) $(ZLIB_LIBS) $(LUA_LIBS) -lm -ldl -lpthread

# With libFuzzer's own main, and with one that runs what is kept. Lua in a program of ours is to be
# seen by modules that it loads.
fuzz_objects = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(1))
fuzz_flags  := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
fuzz_link   = clang $(fuzz_flags) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) \
  $(CURL_LIBS) $(ZLIB_LIBS) -lm -lpthread

$(BUILD)/fuzz/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  cc    $< for fuzzing"
	$(quiet)clang -std=c11 -D_GNU_SOURCE -Isrc -MMD -MP $(fuzz_flags) $(CURL_CFLAGS) $(ZLIB_CFLAGS) \
	  $(LUA_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/fuzz/lua_target: $(call fuzz_objects,spec/fuzz/lua_target.c $(CORE) $(BINDING)) $(BUILD)/sources
	@echo "  fuzz  $@"
	$(quiet)$(fuzz_link) $(LUA_LIBS) -ldl -rdynamic

$(addprefix $(BUILD)/fuzz/,$(c_targets)): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/spec/fuzz/fuzz_%.o \
    $(call fuzz_objects,$(CORE)) $(BUILD)/sources
	@echo "  fuzz  $@"
	$(quiet)$(fuzz_link)

$(BUILD)/spec/fuzz/lua_target: $(call objects,spec/fuzz/lua_target.c spec/fuzz/replay.c $(CORE) $(BINDING)) \
    $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -o $@ $(filter %.o,$^) $(CURL_LIBS) $(ZLIB_LIBS) $(LUA_LIBS) -lm -ldl -lpthread -rdynamic

$(addprefix $(BUILD)/spec/fuzz/,$(c_targets)): $(BUILD)/spec/fuzz/%: $(BUILD)/obj/spec/fuzz/fuzz_%.o \
    $(call objects,$(CORE) spec/fuzz/replay.c) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -o $@ $(filter %.o,$^) $(CURL_LIBS) $(ZLIB_LIBS) -lm -lpthread

$(foreach folder,fuzz spec/fuzz,$(addprefix $(BUILD)/$(folder)/,$(lua_targets))):
	$(quiet)ln -sf lua_target $@

$(addprefix $(BUILD)/fuzz/,$(lua_targets)): $(BUILD)/fuzz/lua_target
$(addprefix $(BUILD)/spec/fuzz/,$(lua_targets)): $(BUILD)/spec/fuzz/lua_target

$(BUILD)/embed/baked.c: src/embed/bake.lua $(MODULES) $(BUILD)/sources
	@mkdir -p $(@D)
	@echo "  bake  $@"
	$(quiet)$(LUA) src/embed/bake.lua $@ $(MODULES)

# Only what may know Lua finds its headers.
$(call objects,$(BINDING) $(EMBED) $(STORES_C) $(LUA_C_TESTS) $(LUA_C_HELPERS) spec/fuzz/lua_target.c): \
  compile += $(LUA_CFLAGS)
$(call objects,$(call store_c,sqlite)): compile += $(SQLITE_CFLAGS)
$(call objects,$(call store_c,redis)): compile += $(REDIS_CFLAGS:-I%=-isystem %)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(quiet)$(compile) -c -o $@ $<

# Stamps that change with the flags and with the list of sources, so that nothing stale is kept.
remember = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@

$(BUILD)/flags: FORCE
	$(call remember,$(compile) $(LUA_CFLAGS) $(SQLITE_CFLAGS) $(REDIS_CFLAGS))

$(BUILD)/sources: FORCE
	$(call remember,$(link) $(named) $(CORE) $(BINDING) $(EMBED) $(MODULES) $(C_HELPERS) \
	  $(LUA_C_HELPERS) $(STORES_C) $(LUA_LIBS) $(CURL_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS) $(REDIS_LIBS))

.SECONDARY:
fuzz_c := $(sort $(wildcard spec/fuzz/*.c))
-include $(patsubst %.o,%.d,$(call objects,$(CORE) $(BINDING) $(EMBED) $(STORES_C) $(C_TESTS) \
  $(C_HELPERS) $(LUA_C_TESTS) $(LUA_C_HELPERS) $(fuzz_c)) $(call fuzz_objects,$(CORE) $(BINDING) $(fuzz_c)))

## Try and test, installing what is missing

demo: setup ## install what is missing, build, and run the demonstration
	@$(MAKE) build
	@LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='$(BUILD)/?.so;;' $(LUA) examples/demo.lua

test: setup-test ## install what is missing, build, and run every test
	@$(MAKE) check WERROR=1

setup: ## install what the build and the demonstration need
	@$(found) tools/install-dependencies build demo

setup-test: ## install what the tests need
	@$(found) tools/install-dependencies build demo test

setup-lint: ## install what lint, format and check-valgrind need
	@$(found) tools/install-dependencies build demo test lint

setup-musl: ## install what check-musl needs
	@$(found) tools/install-dependencies build test musl

doctor: ## say what this system has, what it lacks, and how to get it
	@$(found) tools/doctor

## Measure

.PHONY: bench performance setup-bench
bench: setup-bench ## measure all, beside a plain C program on libcurl (ROUNDS=5 SECONDS=0.7 ONLY=sync,cache-hit)
	@$(MAKE) -s $(module) $(stores) $(BUILD)/bench/plain $(BUILD)/bench/store $(BUILD)/bench/embed
	@LUA_PATH='lua/?.lua;lua/?/init.lua;./?.lua;;' LUA_CPATH='$(BUILD)/?.so;;' \
	  BUILD='$(BUILD)' LUA='$(LUA)' CC='$(CC)' $(LUA) bench/run.lua

performance: ## put the tables of the last whole bench into docs/performance.md and README.md
	@LUA_PATH='./?.lua;;' $(LUA) tools/performance $(or $(RECORD),$(BUILD)/bench.md) docs/performance.md README.md

setup-bench: ## install what bench needs, and the clients it compares with where they can be had
	@$(found) tools/install-dependencies build demo bench
	@$(found) tools/install-dependencies peers || true

bench_objects := $(call objects,$(sort $(wildcard bench/*.c)))
store_bench   := $(call objects,bench/store.c)
embed_bench   := $(call objects,bench/embed.c)
-include $(bench_objects:.o=.d)

$(BUILD)/bench/plain: $(filter-out $(store_bench) $(embed_bench),$(bench_objects)) $(BUILD)/sources
$(BUILD)/bench/store: $(store_bench) $(call objects,$(CORE)) $(BUILD)/sources
$(BUILD)/bench/embed: $(embed_bench) $(BUILD)/$(linkname)

$(BUILD)/bench/%:
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -o $@ $(filter %.o %.so %.dylib,$^) -Wl$(comma)-rpath$(comma)$(abspath $(BUILD)) $(CURL_LIBS) $(ZLIB_LIBS) -lpthread

.PHONY: soak setup-soak
soak: setup-soak ## send a million requests through the standard chain to a faulty origin (REQUESTS=1000000)
	@$(MAKE) -s $(module) $(soakers)
	@LUA_PATH='lua/?.lua;lua/?/init.lua;./?.lua;;' LUA_CPATH='$(BUILD)/?.so;;' \
	  BUILD='$(BUILD)' LUA='$(LUA)' REQUESTS='$(REQUESTS)' $(LUA) soak/run.lua

setup-soak: ## install what soak needs
	@$(found) tools/install-dependencies build demo soak

REQUESTS     ?= 1000000
soak_objects := $(call objects,$(sort $(wildcard soak/*.c)))
soak_host    := $(call objects,soak/host.c)
-include $(soak_objects:.o=.d)

$(BUILD)/soak/origin: $(filter-out $(soak_host),$(soak_objects)) $(BUILD)/sources
$(BUILD)/soak/host: $(soak_host) $(BUILD)/$(linkname)
$(soak_host): private compile += $(LUA_CFLAGS)

$(BUILD)/soak/%:
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(quiet)$(link) -o $@ $(filter %.o %.so %.dylib,$^) -Wl$(comma)-rpath$(comma)$(abspath $(BUILD)) $(ZLIB_LIBS) $(LUA_LIBS)

## Checks that install nothing

check: build programs $(soakers) $(replays) ## run every test
	@$(portable_build)
	@$(run) c fuzz lua rock install prefix portable

check-c: programs ## run the tests in C: of the core, and of the whole library
	@$(run) c

check-lua: build $(soakers) ## run the specs (SPECS="caching store": those whose names begin so)
	@SPECS='$(or $(sort $(wildcard $(patsubst %,spec/%*_spec.lua,$(SPECS)))),$(addprefix spec/,$(SPECS)))' $(run) lua

check-rock: ## build, install and load the rock, from a clean copy
	@$(run) rock

check-install: build ## install below an empty folder, and use the C library from there
	@$(run) install

check-prefix: ## build with a Lua below a prefix, as LUA_PREFIX=/opt/lua54 has it
	@$(run) prefix

check-musl: setup-musl ## compile all with musl, and run the C tests that need no libcurl
	@$(run) musl

check-asan: ## run C tests and specs under the address, undefined and leak sanitizers
	@$(MAKE) BUILD=$(BUILD)/asan CC=gcc SANITIZE=address,undefined WERROR=1 under-asan

check-fuzz: $(replays) ## run what fuzzing has found and kept
	@$(run) fuzz

check-tsan: ## run the C tests that have threads under the thread sanitizer
	@$(MAKE) BUILD=$(BUILD)/tsan CC=gcc SANITIZE=thread WERROR=1 under-tsan

check-portable: ## run C tests, and specs that wait, with what stands in for Linux's own
	@$(portable_build)
	@$(run) portable

check-valgrind: build programs $(soakers) ## run C tests and specs under valgrind
	@RUN_UNDER='$(valgrind)' $(run) c lua

valgrind := valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
  --errors-for-leak-kinds=definite

fuzz: $(fuzzers) ## search for inputs that break the parsers, with clang (SECONDS=300 ONLY=entry,url)
	@tools/fuzz $(fuzzers)

lint: ## check style and likely mistakes, and build without warnings
	luacheck --quiet lua bin/viesti spec examples src bench soak tools $(lua_tools) rockspec/*.rockspec
	clang-format --dry-run -Werror $(c_files)
	cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	  --std=c11 -D_GNU_SOURCE -Isrc src
	@$(MAKE) BUILD=$(BUILD)/gcc CC=gcc WERROR=1 build programs
	@! command -v clang >/dev/null || $(MAKE) BUILD=$(BUILD)/clang CC=clang WERROR=1 build programs

docs: ## write docs/reference.md, docs/faults.md, the manual page and lua/viesti/types from the code
	@$(MAKE) -s $(module) $(foreach store,$(STORES),$(call store_so,$(store)))
	@export LUA_PATH='lua/?.lua;lua/?/init.lua;./?.lua;;' LUA_CPATH='$(BUILD)/?.so;;' && \
	  $(LUA) tools/reference >$(BUILD)/reference.md && $(LUA) tools/faults >$(BUILD)/faults.md && \
	  $(LUA) tools/manual >$(BUILD)/viesti.1 && \
	  rm -rf $(BUILD)/types && $(LUA) tools/stubs $(BUILD)/types
	@mv $(BUILD)/reference.md docs/reference.md && mv $(BUILD)/faults.md docs/faults.md
	@mkdir -p docs/man && mv $(BUILD)/viesti.1 docs/man/viesti.1
	@for folder in library chain_file; do \
	  rm -rf lua/viesti/types/$$folder && mv $(BUILD)/types/$$folder lua/viesti/types || exit 1; \
	done

format: ## format the C sources
	clang-format -i $(c_files)

programs: $(programs)

help: ## list these targets
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
	  /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

c_files = $(shell find src spec examples bench soak -name '*.[ch]')
lua_tools = $(shell grep -ls '^\#!.*lua' tools/*) # whose names do not say so

# The second library takes the first out of the environment again: servers and shells that
# a test starts are not to be sanitized.
.PHONY: under-asan
under-asan: build programs $(soakers) $(replays) $(BUILD)/unpreload.so
	@ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  RUN_UNDER="env LD_PRELOAD=$(shell $(CC) -print-file-name=libasan.so):$(abspath $(BUILD)/unpreload.so)" \
	  $(run) c fuzz lua

threaded := $(filter %_threads,$(programs))
.PHONY: under-tsan
under-tsan: $(threaded)
	@for program in $^; do $$program || exit 1; done

$(BUILD)/unpreload.so: spec/support/unpreload.c
	@mkdir -p $(@D)
	$(quiet)$(CC) -shared -fPIC -o $@ $<
