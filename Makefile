# bora: build, run, check. `make help` lists the targets.
VERSION := 0.1.0
PREFIX ?= /usr/local
VARIANT ?= release
BUILD := build/$(VARIANT)

CC ?= gcc
CPPFLAGS += -D_GNU_SOURCE -DBORA_VERSION='"$(VERSION)"'
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wno-unused-parameter
CFLAGS ?= -O2 -g
# One rounding per operation everywhere: results must not depend on what the compiler fuses.
CFLAGS += -std=c11 -ffp-contract=off -fno-math-errno -pthread $(WARN)
ifdef CI
CFLAGS += -Werror
endif
PACKAGES := ncursesw readline icu-uc icu-i18n icu-io openblas libcjson sqlite3 libcurl libcmark-gfm
# Looked up only when something is built: `make deps` runs before pkg-config exists.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
LDLIBS = $(PKG_LIBS) -lcmark-gfm-extensions -lm

ifeq ($(VARIANT),asan)
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(VARIANT),tsan)
CFLAGS += -fsanitize=thread -fno-omit-frame-pointer
LDFLAGS += -fsanitize=thread
endif

SOURCES := $(wildcard *.c cli/*.c engine/*.c engine/arch/*.c engine/kernels/*.c sessions/*.c i18n/*.c ui/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libbora.a
TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/test_*.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all run check test unit system bench asan tsan fuzz format man install uninstall clean help deps check-layers check-docs
all: bora
.DEFAULT_GOAL := all

bora: $(BUILD)/bora
	cp -f $< $@

$(BUILD)/bora: $(BUILD)/main.o $(LIBRARY)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(filter-out $(BUILD)/main.o,$(OBJECTS))
	rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(ISA_FLAGS) -MMD -MP -c -o $@ $<

# Kernels are compiled for the instruction sets they are written in; dispatch.c
# calls only those that the CPU has.
ifeq ($(shell uname -m),x86_64)
$(BUILD)/engine/kernels/avx2.o: ISA_FLAGS := -mavx2 -mfma -mf16c
$(BUILD)/engine/kernels/avx512.o: ISA_FLAGS := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c
endif

$(BUILD)/tests/%: tests/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I. $(PKG_CFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(LIBRARY) -lcmocka $(LDLIBS)

-include $(OBJECTS:.o=.d) $(TESTS:=.d)

# Unit tests only: seconds.
unit: $(TESTS)
	tests/run.sh $(TESTS)
test: unit

check-layers:
	tests/check-layers.sh

clean:
	rm -rf build bora
