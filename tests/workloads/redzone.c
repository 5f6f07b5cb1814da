/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * redzone.c - a leaf function that keeps its data in the red zone around every kind of probe.
 *
 * redzone [-n CALLS] [--now]. Build it with -O2. The 128 bytes below the stack pointer belong
 * to a leaf function (System V ABI, x86-64). A tracer that pushes anything there, as Linux 6.18
 * does for a probe on a 5-byte nop, corrupts the program. Last line:
 *   {"calls":N,"corrupt":N,"red_zone_bytes":N,"totals":{"main":1},"failed":0}
 * corrupt is the number of calls whose data changed; red_zone_bytes, how much of the data lay in
 * the red zone: not less than RED_ZONE_LEAST, or else the program proves nothing and fails.
 */
#include <stdint.h>

#include "include/threadwatch.h"
#include "truth.h"

#define CALLS	       2000
#define WORDS	       14
#define RED_ZONE_BYTES 128
#define RED_ZONE_LEAST 96

struct leaf {
	unsigned corrupt;	 /* words that changed */
	unsigned red_zone_bytes; /* of the words, right below the stack pointer */
};

/* Calls nothing: a call would move the stack pointer below the words. */
static __attribute__((noinline)) struct leaf leaf_function(uint64_t seed)
{
	struct leaf leaf = {0, 0};
	volatile uint64_t words[WORDS];
	uintptr_t stack_pointer, from = (uintptr_t)words;

	__asm__ volatile("mov %%rsp, %0" : "=r"(stack_pointer));
	if (from < stack_pointer && stack_pointer - from <= RED_ZONE_BYTES)
		leaf.red_zone_bytes = (unsigned)(stack_pointer - from);
	for (unsigned i = 0; i < WORDS; i++)
		words[i] = seed + i;
	{
		TW_ROUTINE("red-zone", TW_TIMEBOX_MS(60000));
		TW_DATA("seed", seed);
		TW_DATA("kind", "leaf");
		TW_BEGIN("red-zone-inner");
		TW_END();
	}
	for (unsigned i = 0; i < WORDS; i++)
		leaf.corrupt += words[i] != seed + i;
	return leaf;
}

int main(int argc, char **argv)
{
	const uint64_t seed = 0x1122334455667788;
	long calls = truth_number(argc, argv, "-n", CALLS), corrupt = 0;
	struct leaf leaf = {0, 0};

	truth_ready(argc, argv);
	for (long i = 0; i < calls; i++) {
		leaf = leaf_function(seed + (uint64_t)i);
		corrupt += leaf.corrupt > 0;
	}
	if (leaf.red_zone_bytes < RED_ZONE_LEAST)
		truth_die("only %u bytes lie in the red zone", leaf.red_zone_bytes);
	truth_line("{\"calls\":%ld,\"corrupt\":%ld,\"red_zone_bytes\":%u,\"totals\":{\"main\":1},"
		   "\"failed\":0}",
		calls, corrupt, leaf.red_zone_bytes);
	return corrupt > 0;
}
