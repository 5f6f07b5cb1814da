# SPDX-License-Identifier: GPL-2.0-only
#
# golden.mk - builds the program variants of the golden table (tests/live/golden_table.c).
#
# Included by workloads.mk. A variant is named LANGUAGE-COMPILER-OPTIMISATION-LINKAGE, and
# -stripped is the same file without symbols. None has -g: names must not need it. What has no
# compiler here is left out; the test says which rows it then skips.

RUSTC ?= $(wildcard /usr/bin/rustc)
GO ?= $(shell command -v go 2>/dev/null)
JAVAC ?= $(shell command -v javac 2>/dev/null)

golden_flags := -pthread -D_GNU_SOURCE -I. -Wall -Wextra -Werror
golden_programs :=

# $(1): the program; $(2): its source; $(3): compiler and options; $(4): libraries.
define golden_rule
golden_programs += $(1)
$(WORKLOADS_OUT)/$(1): $(WORKLOADS_DIR)/$(2) $(workload_headers) | $(WORKLOADS_OUT)
	$(3) -o $$@ $$< $(4)
endef
golden_c = $(eval $(call golden_rule,$(1),golden_threads.c,$(2) -std=gnu11 $(golden_flags)))

$(call golden_c,c-gcc-O0,$(CC) -O0)
$(call golden_c,c-gcc-O2,$(CC) -O2)
$(call golden_c,c-gcc-O2-lto,$(CC) -O2 -flto)
$(call golden_c,c-gcc-O2-rdynamic,$(CC) -O2 -rdynamic)
$(call golden_c,c-gcc-O2-nopie,$(CC) -O2 -no-pie -fno-pie)
$(call golden_c,c-gcc-O2-static,$(CC) -O2 -static)
$(call golden_c,c-gcc-O2-staticpie,$(CC) -O2 -static-pie -fPIE)
$(call golden_c,c-clang-O0,$(CLANG) -O0)
$(call golden_c,c-clang-O2,$(CLANG) -O2)
$(call golden_c,c-clang-O2-nopie,$(CLANG) -O2 -no-pie -fno-pie)
$(call golden_c,c-clang-O2-static,$(CLANG) -O2 -static)
ifneq ($(MUSL_CC),)
$(call golden_c,c-musl-O0,$(MUSL_CC) -O0)
$(call golden_c,c-musl-O2,$(MUSL_CC) -O2)
$(call golden_c,c-musl-O2-static,$(MUSL_CC) -O2 -static)
endif

# The thread is made by a library, and does what the library says.
golden_library_link := -L$(WORKLOADS_OUT) '-Wl,-rpath,$$$$ORIGIN'
$(eval $(call golden_rule,libgolden.so,golden_library.c,$(CC) -O2 -fPIC -shared $(golden_flags)))
$(eval $(call golden_rule,c-gcc-O2-library,golden_threads.c,$(CC) -O2 -DGOLDEN_LIBRARY \
	-std=gnu11 $(golden_flags),$(golden_library_link) -lgolden))
$(eval $(call golden_rule,c-gcc-O2-library-bare,golden_threads.c,$(CC) -O2 -DGOLDEN_LIBRARY \
	-std=gnu11 $(golden_flags),$(golden_library_link) -l:libgolden.so-stripped))
$(WORKLOADS_OUT)/c-gcc-O2-library: $(WORKLOADS_OUT)/libgolden.so
$(WORKLOADS_OUT)/c-gcc-O2-library-bare: $(WORKLOADS_OUT)/libgolden.so-stripped

golden_cpp = $(eval $(call golden_rule,$(1),callables.cpp,$(2) -std=c++20 $(golden_flags)))
CLANGXX ?= $(CLANG)++
$(call golden_cpp,cpp-gcc-O0,$(CXX) -O0)
$(call golden_cpp,cpp-gcc-O2,$(CXX) -O2)
$(call golden_cpp,cpp-gcc-O2-nopie,$(CXX) -O2 -no-pie -fno-pie)
$(call golden_cpp,cpp-gcc-O2-static,$(CXX) -O2 -static)
$(call golden_cpp,cpp-clang-O0,$(CLANGXX) -O0)
$(call golden_cpp,cpp-clang-O2,$(CLANGXX) -O2)

ifneq ($(RUSTC),)
golden_rust = $(eval $(call golden_rule,$(1),rust_threads.rs,$(RUSTC) -C strip=debuginfo $(2)))
$(call golden_rust,rust-v0-O2,-O -C symbol-mangling-version=v0)
$(call golden_rust,rust-v0-O0,-C symbol-mangling-version=v0)
$(call golden_rust,rust-legacy-O2,-O)
$(call golden_rust,rust-legacy-O0)
endif

golden_omp = $(eval $(call golden_rule,$(1),omp_threads.c,$(CC) $(2) -fopenmp -std=gnu11 $(golden_flags)))
$(call golden_omp,omp-gcc-O0,-O0)
$(call golden_omp,omp-gcc-O2,-O2)

ifneq ($(GO),)
golden_go := HOME=$(abspath $(BUILD)) GOCACHE=$(abspath $(BUILD))/go-cache GO111MODULE=off $(GO) build
$(eval $(call golden_rule,go-pure,go_threads.go,CGO_ENABLED=0 $(golden_go)))
$(eval $(call golden_rule,go-pure-small,go_threads.go,CGO_ENABLED=0 $(golden_go) -ldflags '-s -w'))
$(eval $(call golden_rule,go-cgo,go_threads.go,CGO_ENABLED=1 $(golden_go),\
	$(WORKLOADS_DIR)/go_threads_cgo.go))
endif

golden_stripped := $(filter libgolden.so c-%-O2 cpp-gcc-O2 cpp-clang-O2 rust-%-O2 omp-%-O2 %-O2-rdynamic %-O2-nopie %-O2-static \
	%-O2-staticpie go-cgo,$(golden_programs))
golden_stripped := $(addsuffix -stripped,$(golden_stripped))
$(addprefix $(WORKLOADS_OUT)/,$(golden_stripped)): %-stripped: %
	strip -s -o $@ $<
golden_programs += $(golden_stripped)

ifneq ($(JAVAC),)
golden_programs += JavaThreads.class
$(WORKLOADS_OUT)/JavaThreads.class: $(WORKLOADS_DIR)/JavaThreads.java | $(WORKLOADS_OUT)
	$(JAVAC) -d $(@D) $<
endif

golden_programs += threads.py
$(WORKLOADS_OUT)/threads.py: $(WORKLOADS_DIR)/threads.py | $(WORKLOADS_OUT)
	cp $< $@

workload_all += $(golden_programs)
