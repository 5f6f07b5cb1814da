/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ticks_lib.c - libticks.so: probe sites of a library that loads_later opens by dlopen.
 */
#include "include/threadwatch.h"

void tick(const char *name);

void tick(const char *name)
{
	TW_BEGIN(name);
	TW_END();
}
