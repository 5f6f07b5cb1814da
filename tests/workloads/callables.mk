# SPDX-License-Identifier: GPL-2.0-only
#
# callables.mk - builds what tests/unit/test_target_callable.c names, into $(BUILD)/callables.
#
# Included by the top Makefile. Variants of callables.cpp, rust_threads.rs and omp_threads.c: what
# differs is what the names are read from. Not in $(BUILD)/workloads, which goes into guests.

CALLABLES_OUT := $(BUILD)/callables
CLANGXX ?= clang++
RUSTC ?= /usr/bin/rustc

comma := ,
callable_flags := -g0 -pthread -D_GNU_SOURCE -I. -Wall -Wextra -Werror
callable_programs :=

# $(1): the program; $(2): its source; $(3): compiler and options.
define callable_rule
callable_programs += $(CALLABLES_OUT)/$(1)
$(CALLABLES_OUT)/$(1): tests/workloads/$(2) tests/workloads/truth.h | $(CALLABLES_OUT)
	$(3) -o $$@ $$<
endef
callable_cpp = $(eval $(call callable_rule,$(1),callables.cpp,$(2) -std=c++20 $(callable_flags)))
callable_omp = $(eval $(call callable_rule,$(1),omp_threads.c,$(CC) $(2) -fopenmp $(callable_flags)))
callable_rust = $(eval $(call callable_rule,$(1),rust_threads.rs,$(RUSTC) $(2)))

$(call callable_cpp,callables,$(CXX) -O2)
$(call callable_cpp,callables_O0,$(CXX) -O0)
$(call callable_cpp,callables_no_pie,$(CXX) -O2 -no-pie)
$(call callable_cpp,callables_static,$(CXX) -O2 -static)
$(call callable_cpp,callables_relr,$(CXX) -O2 -Wl$(comma)-z$(comma)pack-relative-relocs)
$(call callable_cpp,callables_clang,$(CLANGXX) -O2)
$(call callable_omp,omp_threads,-O2)
$(call callable_omp,omp_threads_static,-O2 -static -Wl$(comma)--no-warnings)
$(eval $(call callable_rule,libpasser.so,passer.c,$(CC) -O2 -shared -fPIC $(callable_flags)))
$(call callable_rust,rust_threads,-O -C symbol-mangling-version=v0)
$(call callable_rust,rust_threads_O0,-C symbol-mangling-version=v0)
$(call callable_rust,rust_threads_legacy,-O)
$(call callable_rust,rust_threads_legacy_O0,)

callable_stripped := $(addsuffix _stripped,$(addprefix $(CALLABLES_OUT)/,callables callables_static \
	omp_threads rust_threads libpasser.so))
$(callable_stripped): %_stripped: %
	strip -s -o $@ $<
callable_programs += $(callable_stripped)

$(CALLABLES_OUT):
	mkdir -p $@

.PHONY: callables
callables: $(callable_programs)
