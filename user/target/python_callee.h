/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_callee.h - names what a CPython program calls. Private to user/target.
 */
#ifndef TW_TARGET_PYTHON_CALLEE_H
#define TW_TARGET_PYTHON_CALLEE_H

#include "target/python_object.h"

/*
 * Names a callable object: a function, a bound method, a builtin, what a functools.partial wraps
 * (WIRE_SOURCE_SYMBOL), else its class or itself when it is one (WIRE_SOURCE_TYPE).
 * Returns as python_object.h says.
 */
int python_callee_name(struct python *python, uint64_t callee, struct callable_name *out);

/* Sets text and full from a module ("": none) and a qualified name. 0, or -EFAULT when the
 * name is empty. */
int python_callee_set(struct callable_name *out, const char *module, const char *qualname);

/* Whether the last part of the text is this. */
bool python_callee_is(const struct callable_name *name, const char *last);

#endif
