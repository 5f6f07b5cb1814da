# SPDX-License-Identifier: GPL-2.0-only
# threadwatch: `sudo make run` and `sudo make test` do all the set-up on Debian 12.
VERSION := 0.1.0
BUILD   := build
CC      ?= gcc
CXX     ?= g++
CLANG   ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
ARCH    := $(shell uname -m | sed 's/x86_64/x86/')
MULTIARCH := $(shell gcc -dumpmachine)

WARNINGS := -Wall -Wextra -Werror
CPPFLAGS += -D_GNU_SOURCE -I. -Iuser -I$(BUILD) -DTW_VERSION='"$(VERSION)"'
CFLAGS   ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARNINGS)
LDLIBS   := -lbpf -ldw -lelf -llzma -liberty

BPF_FLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) $(WARNINGS) \
	-Wno-unused-parameter -I. -I/usr/include/$(MULTIARCH)

BPF_SRC  := $(wildcard bpf/*.bpf.c)
BPF_OBJ  := $(BPF_SRC:%.c=$(BUILD)/%.o)
SKELETON := $(BUILD)/bpf/threadwatch.skel.h
PURE_SRC := $(wildcard user/target/*.c user/model/*.c user/out/*.c)
USER_SRC := $(PURE_SRC) $(wildcard user/kernel/*.c user/cmd/*.c)
USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)
LIVE_SRC := $(wildcard tests/live/*.c)
FORMATTED := $(shell git ls-files '*.c' '*.h' '*.cpp' 2>/dev/null)

.PHONY: all deps run test ci check format unit live header-test vmtest install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/threadwatch

# ---- the program ----

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bpf/threadwatch.o: $(BPF_OBJ)
	$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/threadwatch.o
	$(BPFTOOL) gen skeleton $< name threadwatch_bpf > $@

$(BUILD)/user/%.o: user/%.c | $(SKELETON)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/threadwatch: $(USER_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LDLIBS)

# ---- tests ----

include tests/workloads/workloads.mk
include tests/workloads/callables.mk

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
PURE_SAN_OBJ := $(PURE_SRC:%.c=$(BUILD)/san/%.o)

$(BUILD)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -O1 $(SANITIZE) -MMD -MP -c $< -o $@

$(BUILD)/tests/unit/%: tests/unit/%.c $(PURE_SAN_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -O1 $(SANITIZE) -MMD -MP $< $(PURE_SAN_OBJ) -o $@ \
		-lcmocka -ljansson $(LDLIBS)

$(BUILD)/tests/live: $(LIVE_SRC:tests/live/%.c=$(BUILD)/tests/live.o/%.o)
	$(CC) $(CFLAGS) $^ -o $@ -ljansson -lbpf -lelf -lz

$(BUILD)/tests/live.o/%.o: tests/live/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

TEST_BINARIES := $(BUILD)/threadwatch $(UNIT_BIN) $(BUILD)/tests/live $(BUILD)/vmlinux-check workloads \
	callables

$(BUILD)/vmlinux-check: vmlinux/check.c $(BUILD)/bpf/threadwatch.o
	$(CC) $(CPPFLAGS) $(CFLAGS) $< -o $@ -lbpf

unit: $(UNIT_BIN) callables
	tests/run.sh unit

live: $(BUILD)/threadwatch $(BUILD)/tests/live workloads
	tests/run.sh live

header-test:
	tests/run.sh header

vmtest: $(BUILD)/threadwatch $(BUILD)/tests/live workloads
	tests/run.sh vm

# Style, layering, kernel types, manual and completion against the options; no root needed.
check: $(BUILD)/threadwatch $(BUILD)/vmlinux-check
	tests/run.sh check

format:
	clang-format -i $(FORMATTED)

include bench/bench.mk

# ---- for people ----

deps:
	scripts/deps.sh

# Goals of their own make, so that what `deps` installs is there before anything is built.
run:
	@scripts/deps.sh
	@$(MAKE) --no-print-directory -s $(BUILD)/threadwatch $(BUILD)/leaky-service
	@PID='$(PID)' CMD='$(CMD)' scripts/run.sh

test:
	@scripts/deps.sh test
	@$(MAKE) --no-print-directory -s $(TEST_BINARIES)
	@tests/run.sh check unit header live vm

ci:
	@$(MAKE) --no-print-directory test

PREFIX ?= /usr/local
install: $(BUILD)/threadwatch
	install -D -m 755 $(BUILD)/threadwatch $(DESTDIR)$(PREFIX)/bin/threadwatch
	install -D -m 644 include/threadwatch.h $(DESTDIR)$(PREFIX)/include/threadwatch.h
	install -D -m 644 man/threadwatch.8 $(DESTDIR)$(PREFIX)/share/man/man8/threadwatch.8
	install -D -m 644 completion/threadwatch \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/threadwatch

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
