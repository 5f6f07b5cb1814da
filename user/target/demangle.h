/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * demangle.h - what demangle() is made of. Private to user/target.
 */
#ifndef TW_TARGET_DEMANGLE_H
#define TW_TARGET_DEMANGLE_H

#include <stdbool.h>

/* A form of C++ name that libiberty would print, or only count, for ever. */
bool demangle_is_bomb(const char *mangled);

#endif
