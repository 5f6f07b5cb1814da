/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python.h - what a thread of CPython was started to run. Private to user/target.
 */
#ifndef TW_TARGET_PYTHON_H
#define TW_TARGET_PYTHON_H

#include "target/target.h"

/*
 * Names a thread that CPython's pythread_wrapper started (WIRE_TRAMPOLINE_PYTHON): the name that
 * the program gave to it (WIRE_SOURCE_SPAWN), else the function that it runs
 * (WIRE_SOURCE_SYMBOL), else its class (WIRE_SOURCE_TYPE). CPython 3.9 to 3.13.
 * 0, or -ENOENT: no name can be told for sure; `out` is then untouched.
 */
int python_thread_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out);

#endif
