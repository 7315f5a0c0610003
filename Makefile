# bora: build, run, check. `make help` lists the targets.
VERSION := 0.1.0
PREFIX ?= /usr/local
VARIANT ?= release
BUILD := build/$(VARIANT)

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
DEFINES := -D_GNU_SOURCE -DBORA_VERSION='"$(VERSION)"'
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wno-unused-parameter
# One rounding per operation everywhere: results must not depend on what the compiler fuses.
FLAGS := -std=c11 -ffp-contract=off -fno-math-errno -pthread $(WARN)
ifdef CI
FLAGS += -Werror
endif
ifeq ($(VARIANT),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),tsan)
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),fuzz)
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
endif

PACKAGES := ncursesw readline icu-uc icu-i18n libcjson sqlite3 libcmark-gfm
# Only their headers: pull/libraries.c loads them when they are needed.
LOADED := libcurl libcrypto
# Looked up only when something is compiled: `make deps` may have to install pkg-config first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES) $(LOADED)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
LDLIBS = $(PKG_LIBS) -lm

BUILD_DEBS := build-essential pkg-config libncurses-dev libreadline-dev libicu-dev \
	libcurl4-openssl-dev libssl-dev libcjson-dev libsqlite3-dev libcmark-gfm-dev libcmark-gfm-extensions-dev \
	python3 python3-pip
CHECK_DEBS := $(BUILD_DEBS) libcmocka-dev tmux strace clang libclang-rt-14-dev clang-format universal-ctags \
	screen nodejs python3-pytest python3-pexpect python3-pyte python3-venv unicode-data faketime man-db procps \
	git poppler-utils docx2txt odt2txt unzip zsh fish
ARM_DEBS := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

SOURCES := $(wildcard *.c cli/*.c engine/*.c engine/arch/*.c engine/kernels/*.c sessions/*.c i18n/*.c pull/*.c ui/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/locale/catalogue.o $(BUILD)/models/embedded.o
LIBRARY := $(BUILD)/libbora.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/test_*.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.PHONY: all run check test unit system bench bench-store kill-sweep asan tsan fuzz format man install uninstall clean help \
	deps deps-check models check-layers check-docs check-neon run-neon lint-locale run-fuzzers list-tests man-pages

all: bora                           ## build ./bora

bora: $(BUILD)/bora
	cp -f $< $@

$(BUILD)/bora: $(BUILD)/main.o $(LIBRARY)
	$(CC) $(CFLAGS) $(FLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(filter-out $(BUILD)/main.o,$(OBJECTS))
	rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(DEFINES) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(FLAGS) $(SANITIZE) $(ISA_FLAGS) -MMD -MP -c -o $@ $<

# The messages of every language, built in.
$(BUILD)/locale/catalogue.c: locale/make_catalogue.py $(wildcard locale/*.txt)
	@mkdir -p $(@D)
	python3 $^ >$@.new
	mv $@.new $@
# The table of known models, and what gets them as packages.
$(BUILD)/models/embedded.c: models/embed.py models/catalogue.tsv models/fetch.py
	@mkdir -p $(@D)
	python3 $< known_models_table=models/catalogue.tsv known_models_script=models/fetch.py >$@.new
	mv $@.new $@
$(BUILD)/%.o: $(BUILD)/%.c
	$(CC) $(DEFINES) $(CPPFLAGS) -I. $(CFLAGS) $(FLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

# Kernels are compiled for the instruction sets that they are written in;
# dispatch.c calls only those that the CPU has.
# Fuzzers look at parsers: instrumenting the kernels would only take minutes to compile.
ifeq ($(VARIANT),fuzz)
$(BUILD)/engine/kernels/%.o: SANITIZE :=
endif
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
ifneq ($(filter x86_64-%,$(MACHINE)),)
CHECK_DEBS += $(ARM_DEBS)
AVX2 := -mavx2 -mfma -mf16c
AVX512 := $(AVX2) -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni
$(patsubst %.c,$(BUILD)/%.o,$(wildcard engine/kernels/*avx2.c)): ISA_FLAGS := $(AVX2)
$(BUILD)/engine/kernels/avxvnni.o: ISA_FLAGS := $(AVX2) -mavxvnni
$(patsubst %.c,$(BUILD)/%.o,$(wildcard engine/kernels/*avx512.c)) $(BUILD)/engine/kernels/avx512vl.o: ISA_FLAGS := $(AVX512)
endif
ifneq ($(filter aarch64-% arm64-%,$(MACHINE)),)
$(BUILD)/engine/kernels/neon_dot.o: ISA_FLAGS := -march=armv8.2-a+dotprod
endif

$(BUILD)/tests/%: tests/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(DEFINES) $(CPPFLAGS) -I. $(PKG_CFLAGS) $(CFLAGS) $(FLAGS) $(SANITIZE) $(LDFLAGS) -MMD -MP -o $@ $< $(LIBRARY) -lcmocka $(LDLIBS)

# libFuzzer brings main().
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(DEFINES) $(CPPFLAGS) -I. $(PKG_CFLAGS) $(CFLAGS) $(FLAGS) $(SANITIZE) -fsanitize=fuzzer $(LDFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(LDLIBS)

# The engine's tests for a machine that this one only emulates: without cmocka, which is not here for it.
ENGINE_OBJECTS := $(filter $(addprefix $(BUILD)/,engine/% xmalloc.o log.o split_name.o),$(OBJECTS))
ARM_TESTS := $(addprefix $(BUILD)/tests/arm/,test_kernels test_forward list_kernels)
ARM_COMPILE = $(CC) $(DEFINES) -Itests/arm -I. $(CFLAGS) $(FLAGS) -static -MMD -MP -o $@ $< $(ENGINE_OBJECTS) -lm
$(BUILD)/tests/arm/test_%: tests/engine/test_%.c $(ENGINE_OBJECTS)
	@mkdir -p $(@D)
	$(ARM_COMPILE)
$(BUILD)/tests/arm/list_kernels: tests/arm/list_kernels.c $(ENGINE_OBJECTS)
	@mkdir -p $(@D)
	$(ARM_COMPILE)

-include $(OBJECTS:.o=.d) $(TESTS:=.d) $(ARM_TESTS:=.d)

# --- Running ---------------------------------------------------------------------

MODEL ?= default
PROMPT ?= Say hello in one short sentence.

run:                                ## everything up to a chat (MODEL=small for the small model)
	@$(MAKE) --no-print-directory -s deps
	@$(MAKE) --no-print-directory -s bora
	@python3 models/fetch.py $(MODEL)
	@if [ -t 0 ] && [ -t 1 ]; then exec ./bora -m $(MODEL); else ./bora -m $(MODEL) -p "$$PROMPT_TEXT" </dev/null; fi
run: export PROMPT_TEXT := $(PROMPT)

# Installs what is missing, on Debian and its relatives; elsewhere says what is needed.
define install_debs
	@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q '^install ok' || echo $$p; done); \
	[ -z "$$missing" ] && exit 0; \
	command -v apt-get >/dev/null || { echo "Please install what these Debian packages hold: $(1)"; exit 0; }; \
	[ "$$(id -u)" = 0 ] && sudo= || sudo=sudo; \
	echo "Installing:" $$missing; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
endef

deps:                               ## install what building needs
	$(call install_debs,$(BUILD_DEBS))
deps-check:                         ## install what the tests need as well
	$(call install_debs,$(CHECK_DEBS))

# --- Checking ---------------------------------------------------------------------

check:                              ## dependencies, build, every test
	@$(MAKE) --no-print-directory -s deps-check
	@tests/check.sh

test unit: $(TESTS)                 ## unit tests only: seconds
	tests/run.sh $(TESTS)

list-tests:
	@echo $(TESTS)

fixtures:                           ## fetch what the vocabulary tests compare with, once
	@python3 tests/fetch_fixtures.py

system: bora                        ## tests of the real program in real terminals
	/usr/bin/python3 -m pytest -q tests/system

# Whole real models are compared without sanitizers: with them it takes an hour.
asan:                               ## unit tests under address and undefined-behaviour sanitizers
	$(MAKE) VARIANT=asan CFLAGS="-O1 -g" unit TESTS="$(filter-out %/test_logits,$(TESTS:build/$(VARIANT)/%=build/asan/%))"
tsan:                               ## unit tests of threads under the thread sanitizer
	$(MAKE) VARIANT=tsan CFLAGS="-O1 -g" unit TESTS="$(filter $(addprefix %/test_,pool engine generator event_queue recall counter),$(TESTS:build/$(VARIANT)/%=build/tsan/%))"

# libFuzzer on every parser of untrusted bytes; FUZZ_SECONDS for each.
FUZZ_SECONDS ?= 60
fuzz:                               ## fuzz every parser for a minute each
	$(MAKE) VARIANT=fuzz CC=clang CFLAGS="-O1 -g" run-fuzzers

check-neon:                         ## the kernels of 64-bit ARM, emulated
	$(call install_debs,$(ARM_DEBS))
	@$(MAKE) --no-print-directory VARIANT=arm CC=aarch64-linux-gnu-gcc PKG_CFLAGS= run-neon

run-neon: $(ARM_TESTS)
	tests/arm/run.sh $(BUILD)/tests/arm

run-fuzzers: $(FUZZERS)
	@for fuzzer in $^; do \
		corpus=build/corpus/$$(basename $$fuzzer); mkdir -p $$corpus; echo "$$fuzzer, $(FUZZ_SECONDS) s"; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 $$corpus >$$corpus.log 2>&1 || \
			{ tail -40 $$corpus.log; exit 1; }; \
		grep -E 'number_of_executed_units' $$corpus.log; \
	done

bench: bora $(BUILD)/tests/bench/bench_kernels   ## speed of this machine, kernel by kernel and model by model
	tests/bench/bench.sh $(BUILD)/tests/bench/bench_kernels

lint-locale:                        ## catalogues are complete and used
	tests/check-locale.py
bench-store: $(BUILD)/tests/bench/bench_store   ## speed of a store of 10,000 conversations and 1,000,000 messages
	$< build/bench-store

kill-sweep: bora                    ## kill the store at every write, sync and rename: minutes
	BORA_SWEEP=full TMPDIR=$$([ -d /dev/shm ] && echo /dev/shm || echo /tmp) \
		/usr/bin/python3 -m pytest -q -s tests/system/test_sessions_faults.py -k "killed or fails"

check-layers:                       ## folders include only what they may
	tests/check-layers.sh
check-docs:                         ## names in documents exist; generated pages are current
	tests/check-docs.sh

MAN_OUT ?= man
MAN_LANGUAGES := ar fr zh
MANDIR = $(DESTDIR)$(PREFIX)/share/man
man: man-pages                      ## make the man pages from their templates and the program's tables
man-pages: $(BUILD)/man/make_man
	@mkdir -p $(MAN_OUT) $(MAN_LANGUAGES:%=$(MAN_OUT)/%)
	$< en $(VERSION) <man/bora.1.in >$(MAN_OUT)/bora.1
	$< en $(VERSION) <man/bora-config.5.in >$(MAN_OUT)/bora-config.5
	for l in $(MAN_LANGUAGES); do for page in bora.1 bora-config.5; do \
		$< $$l $(VERSION) <man/$$l/$$page.in >$(MAN_OUT)/$$l/$$page || exit 1; done; done
$(BUILD)/man/make_man: man/make_man.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(DEFINES) $(CPPFLAGS) -I. $(PKG_CFLAGS) $(CFLAGS) $(FLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LDLIBS)

COMPLETIONS = $(addprefix $(DESTDIR)$(PREFIX)/share/,bash-completion/completions/bora zsh/site-functions/_bora \
	fish/vendor_completions.d/bora.fish)
install: bora                       ## install under PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 bora $(DESTDIR)$(PREFIX)/bin/bora
	install -d $(dir $(COMPLETIONS))
	./bora completion bash >$(word 1,$(COMPLETIONS))
	./bora completion zsh >$(word 2,$(COMPLETIONS))
	./bora completion fish >$(word 3,$(COMPLETIONS))
	for l in . $(MAN_LANGUAGES); do \
		install -D -m 644 man/$$l/bora.1 $(MANDIR)/$$l/man1/bora.1 && \
		install -D -m 644 man/$$l/bora-config.5 $(MANDIR)/$$l/man5/bora-config.5 || exit 1; done
uninstall:                          ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/bora $(COMPLETIONS)
	for l in . $(MAN_LANGUAGES); do rm -f $(MANDIR)/$$l/man1/bora.1 $(MANDIR)/$$l/man5/bora-config.5; done

format:                             ## clang-format the sources
	clang-format -i $(SOURCES) $(wildcard *.h */*.h */*/*.h tests/*/*.c tests/*/*.h)

clean:                              ## remove what was built
	rm -rf build bora

help:                               ## this list
	@sed -nE 's/^([a-z][a-z -]*):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
