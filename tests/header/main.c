/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - calls everything in macros.c and prints what it returns. C and C++.
 *
 * The same words must come out whether the macros are probes, traps or nothing.
 */
#include <stdio.h>

#include "macros.h"

int main(void)
{
	static const char *const texts[] = {"zero", "one", "two", "three"};
	char text[] = "text";

	printf("scopes %d\n", macros_scopes(4));
	printf("branches %d\n", macros_branches(4));
	printf("begin_end %d\n", macros_begin_end(-1));
	printf("strings %d\n", macros_strings(text, NULL, 1));
	printf("integers %d\n", macros_integers(-77));
	printf("once %d\n", macros_once(texts));
	printf("inline %d\n", macros_inline(1));
	return 0;
}
