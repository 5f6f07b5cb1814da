/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * many_sites.c - a program with 200 places that begin a span and 200 that end one.
 *
 * many_sites [--now]. Passes each once; the spans are "site-0" to "site-199".
 */
#include "include/threadwatch.h"
#include "truth.h"

#define PAIRS	   200
#define NAME_BYTES 32

#define PAIR(n)                     \
	do {                        \
		TW_BEGIN(names[n]); \
		TW_END();           \
	} while (0);
#define TEN(n)      \
	PAIR(n)     \
	PAIR(n + 1) \
	PAIR(n + 2) \
	PAIR(n + 3) PAIR(n + 4) PAIR(n + 5) PAIR(n + 6) PAIR(n + 7) PAIR(n + 8) PAIR(n + 9)

int main(int argc, char **argv)
{
	static char names[PAIRS][NAME_BYTES];

	for (int i = 0; i < PAIRS; i++)
		snprintf(names[i], NAME_BYTES, "site-%d", i);
	truth_ready(argc, argv);
	truth_thread("main");
	TEN(0)
	TEN(10)
	TEN(20)
	TEN(30)
	TEN(40)
	TEN(50)
	TEN(60)
	TEN(70)
	TEN(80)
	TEN(90)
	TEN(100)
	TEN(110)
	TEN(120)
	TEN(130)
	TEN(140)
	TEN(150)
	TEN(160)
	TEN(170)
	TEN(180)
	TEN(190)
	truth_line("{\"totals\":{\"main\":1},\"failed\":0,\"spans\":%d}", PAIRS);
	return 0;
}
