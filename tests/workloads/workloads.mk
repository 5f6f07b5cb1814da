# SPDX-License-Identifier: GPL-2.0-only
#
# workloads.mk - builds the programs that the live tests watch, into $(BUILD)/workloads.
#
# Included by the top Makefile, which defines BUILD, CC and CXX. Every *.c here is one program,
# except for those in workload_parts and for those of callables.mk. Variants of the same source: static, stripped, and for
# musl where musl-gcc exists (the tests that want them skip otherwise).

WORKLOADS_DIR := tests/workloads
WORKLOADS_OUT := $(BUILD)/workloads
MUSL_CC ?= $(shell command -v musl-gcc 2>/dev/null)

WORKLOAD_FLAGS := -O2 -g -pthread -D_GNU_SOURCE -I. -Wall -Wextra -Werror
WORKLOAD_CFLAGS := $(WORKLOAD_FLAGS) -std=gnu11

workload_headers := $(wildcard $(WORKLOADS_DIR)/*.h) include/threadwatch.h
workload_parts := spans_lib omp_threads passer golden_threads golden_library ticks_lib
workload_names := $(filter-out $(workload_parts),$(basename $(notdir $(wildcard $(WORKLOADS_DIR)/*.c))))
workload_cpp_names := $(filter-out callables call_sites,$(basename $(notdir $(wildcard $(WORKLOADS_DIR)/*.cpp))))
workload_static := pool_static churn_static spans_static forged_static short_life_static
workload_stripped := pool_stripped pool_static_stripped numbered_stripped \
	short_life_static_stripped
workload_musl := $(if $(MUSL_CC),pool_musl pool_musl_static churn_musl churn_musl_static \
	short_life_musl)

workload_frames := origin_fp # with frame pointers
workload_debug := origin_dwarf2 origin_dwarf3 origin_dwarf4 origin_clang # debug information

# What creates threads inlined and not, with and without its frames known.
workload_call_sites := call_sites_O0 call_sites_O0_no_plt call_sites_clang call_sites_clang_O0 \
	call_sites_fp call_sites_no_pie call_sites_static
workload_stripped += call_sites_stripped

workload_all := call_sites $(workload_call_sites) $(workload_names) $(workload_frames) $(workload_debug) $(workload_cpp_names) $(workload_static) $(workload_stripped) \
	$(workload_musl)
ifneq ($(wildcard $(WORKLOADS_DIR)/spans_lib.c),)
workload_all += spans_shared
endif

workload_all += libticks.so

include $(WORKLOADS_DIR)/golden.mk

.PHONY: workloads
workloads: $(addprefix $(WORKLOADS_OUT)/,$(workload_all)) $(BUILD)/leaky-service

$(WORKLOADS_OUT):
	mkdir -p $@

$(addprefix $(WORKLOADS_OUT)/,$(workload_names)): $(WORKLOADS_OUT)/%: $(WORKLOADS_DIR)/%.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -o $@ $<

$(addprefix $(WORKLOADS_OUT)/,$(workload_cpp_names)): $(WORKLOADS_OUT)/%: $(WORKLOADS_DIR)/%.cpp $(workload_headers) | $(WORKLOADS_OUT)
	$(CXX) $(WORKLOAD_FLAGS) -o $@ $<

call_sites = $(CXX) -O2
call_sites_O0 = $(CXX) -O0
call_sites_O0_no_plt = $(CXX) -O0 -fno-plt
call_sites_clang = $(CLANGXX) -O2
call_sites_clang_O0 = $(CLANGXX) -O0
call_sites_fp = $(CXX) -O2 -fno-omit-frame-pointer
call_sites_no_pie = $(CXX) -O2 -no-pie -fno-pie
call_sites_static = $(CXX) -O2 -static
$(addprefix $(WORKLOADS_OUT)/,call_sites $(workload_call_sites)): $(WORKLOADS_DIR)/call_sites.cpp $(workload_headers) | $(WORKLOADS_OUT)
	$($(@F)) $(filter-out -O2,$(WORKLOAD_FLAGS)) -std=c++20 -o $@ $<

$(addprefix $(WORKLOADS_OUT)/,$(workload_static)): $(WORKLOADS_OUT)/%_static: $(WORKLOADS_DIR)/%.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -static -o $@ $<

$(addprefix $(WORKLOADS_OUT)/,$(workload_frames)): $(WORKLOADS_OUT)/%_fp: $(WORKLOADS_DIR)/%.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -fno-omit-frame-pointer -o $@ $<

$(WORKLOADS_OUT)/origin_dwarf2 $(WORKLOADS_OUT)/origin_dwarf3 $(WORKLOADS_OUT)/origin_dwarf4: $(WORKLOADS_DIR)/origin.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -gstrict-dwarf -gdwarf-$(patsubst $(WORKLOADS_OUT)/origin_dwarf%,%,$@) -o $@ $<

# clang writes no table of address ranges; and compressed sections here.
$(WORKLOADS_OUT)/origin_clang: $(WORKLOADS_DIR)/origin.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CLANG) $(WORKLOAD_CFLAGS) -gdwarf-5 -gz=zlib -o $@ $<

$(addprefix $(WORKLOADS_OUT)/,$(workload_stripped)): %_stripped: %
	strip -s -o $@ $<

$(WORKLOADS_OUT)/%_musl: $(WORKLOADS_DIR)/%.c $(workload_headers) | $(WORKLOADS_OUT)
	$(MUSL_CC) $(WORKLOAD_CFLAGS) -o $@ $<

$(WORKLOADS_OUT)/%_musl_static: $(WORKLOADS_DIR)/%.c $(workload_headers) | $(WORKLOADS_OUT)
	$(MUSL_CC) $(WORKLOAD_CFLAGS) -static -o $@ $<

# The same spans, with all probe sites in a shared library.
$(WORKLOADS_OUT)/libspans.so: $(WORKLOADS_DIR)/spans_lib.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -fPIC -shared -o $@ $<

$(WORKLOADS_OUT)/spans_shared: $(WORKLOADS_DIR)/spans.c $(WORKLOADS_OUT)/libspans.so $(workload_headers)
	$(CC) $(WORKLOAD_CFLAGS) -DSPANS_SHARED -o $@ $< -L$(WORKLOADS_OUT) -lspans '-Wl,-rpath,$$ORIGIN'

# What loads_later opens by dlopen.
$(WORKLOADS_OUT)/libticks.so: $(WORKLOADS_DIR)/ticks_lib.c $(workload_headers) | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -fPIC -shared -o $@ $<

# The demo of `make run`.
$(BUILD)/leaky-service: examples/leaky-service.c include/threadwatch.h | $(WORKLOADS_OUT)
	$(CC) $(WORKLOAD_CFLAGS) -o $@ $<
