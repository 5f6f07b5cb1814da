/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * macros.c - see macros.h. Compiled as c99, c11, gnu11, c++11 and c++20.
 *
 * Straight lines and no calls in a scope, so that there is one probe site for each macro at any
 * optimisation and in either language: expected.notes lists them, expected.trace what they tell.
 */
#include <stdbool.h>

#include "threadwatch.h"

#include "macros.h"

enum colour { RED, GREEN = 7 };

struct bits {
	unsigned three : 3;
};

int macros_scopes(int n)
{
	TW_ROUTINE("outer");
	n += 1;
	{
		TW_ROUTINE("inner", TW_TIMEBOX_MS(5));
		n *= 2;
		{
			TW_ROUTINE("innermost", TW_TIMEBOX_MS(n));
			n += 3;
		}
	}
	return n;
}

int macros_branches(int n)
{
	/* One after the other in one scope: both end at its end, the last first. */
	TW_ROUTINE("first");
	TW_ROUTINE("second");
	return n - 1;
}

int macros_begin_end(int ms)
{
	TW_BEGIN("plain");
	TW_BEGIN("boxed", TW_TIMEBOX_MS(250));
	TW_END();
	TW_BEGIN("negative timebox is none", TW_TIMEBOX_MS(ms));
	TW_END();
	TW_BEGIN("longest timebox", TW_TIMEBOX_MS(INT64_MAX));
	TW_END();
	TW_END();
	TW_SPAWN("child");
	return ms;
}

int macros_strings(char *text, const char *absent, int n)
{
	char array[8] = "array";
	static const char constant[] = "constant";

	TW_DATA("literal", "value");
	TW_DATA("pointer", text);
	TW_DATA("array", array);
	TW_DATA("constant", constant);
	TW_DATA("conditional", n ? "there" : "not there");
	TW_DATA("empty", "");
	TW_DATA("absent", absent);
	return array[0] + constant[0];
}

int macros_integers(int n)
{
	const short small = -3;
	volatile unsigned char byte = 200;
	struct bits bits = {5};
	bool yes = true;
	enum colour colour = GREEN;

	TW_DATA("literal", -5);
	TW_DATA("int", n);
	TW_DATA("short", small);
	TW_DATA("byte", byte);
	TW_DATA("char", 'A');
	TW_DATA("bool", yes);
	TW_DATA("enum", colour);
	TW_DATA("bits", bits.three);
	TW_DATA("unsigned", 4000000000u);
	TW_DATA("lowest", INT64_MIN);
	TW_DATA("highest", UINT64_MAX);
	return n + bits.three;
}

int macros_once(const char *const *texts)
{
	int keys = 0, values = 0, ms = 1;

	TW_BEGIN(texts[keys++], TW_TIMEBOX_MS(ms++));
	TW_DATA(texts[keys++], values++);
	TW_DATA(texts[keys++], texts[++values]);
	TW_SPAWN(texts[keys++]);
	TW_END();
	return keys * 100 + values * 10 + ms;
}

/* In C an inline function of external linkage, which may not use anything static. */
inline __attribute__((always_inline)) int macros_in_header(int n);
inline __attribute__((always_inline)) int macros_in_header(int n)
{
	TW_ROUTINE("inline");
	TW_DATA("n", n);
	return n + 1;
}

int macros_inline(int n)
{
	return macros_in_header(n);
}
