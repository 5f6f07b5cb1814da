/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * creating.h - library functions that stand between pthread_create and the author's code.
 *
 * Private to user/target. By their symbols only.
 */
#ifndef TW_TARGET_CREATING_H
#define TW_TARGET_CREATING_H

#include <stdbool.h>

/* libstdc++'s one function that calls pthread_create: in its three forms, the latest first. */
#define CREATING_EXPORTED_COUNT 3
extern const char *const creating_exported[CREATING_EXPORTED_COUNT];

/*
 * Does this function (mangled) of the C++ or Rust standard library create a thread for its
 * caller, and does nothing of the author's run within it? A function into which the compiler
 * may have inlined a callback is not one: the author's line would be in it.
 */
bool creates_for_caller(const char *symbol);

#endif
