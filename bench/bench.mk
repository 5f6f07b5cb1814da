# SPDX-License-Identifier: GPL-2.0-only
#
# bench.mk - `sudo make bench`: what threadwatch costs, and how quick it is, here and now.
#
# Included by the top Makefile, which defines BUILD and CC.

BENCH_OUT := $(BUILD)/bench
BENCH_SITES ?= 400
BENCH_PROGRAMS := $(addprefix $(BENCH_OUT)/,threads cycle sites)

.PHONY: bench
bench: $(BUILD)/threadwatch $(BENCH_PROGRAMS)
	bench/run.sh $(BENCH_OUT)

$(BENCH_OUT)/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pthread -D_GNU_SOURCE $< -o $@

# Two probe sites a function: the begin and the end of a span.
$(BENCH_OUT)/sites.c: bench/bench.mk
	@mkdir -p $(@D)
	@{ \
		echo '#include <stdio.h>'; \
		echo '#include <unistd.h>'; \
		echo '#include "include/threadwatch.h"'; \
		for i in $$(seq $$(($(BENCH_SITES) / 2))); do \
			echo "void site_$$i(void) { TW_BEGIN(\"site-$$i\"); TW_END(); }"; \
		done; \
		echo 'int main(void) { char byte; puts("ready"); fflush(stdout);'; \
		echo 'return read(0, &byte, 1) < 0; }'; \
	} >$@

$(BENCH_OUT)/sites: $(BENCH_OUT)/sites.c include/threadwatch.h
	$(CC) $(CFLAGS) -D_GNU_SOURCE -I. $< -o $@
