/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtti.h - C++ objects of watched processes by the Itanium ABI's tables. Private to user/target.
 */
#ifndef TW_TARGET_RTTI_H
#define TW_TARGET_RTTI_H

#include <stddef.h>
#include <stdint.h>

#include "target/target.h"

/* The mangled name of an object's dynamic type, by the word that the object begins with.
 * 0, or negative errno when this leads to no name. */
int rtti_type_name(struct target *target, uint64_t vtable, char *out, size_t bytes);

/* The size of the objects with that vtable, as their deleting destructor tells it to operator
 * delete. 0: it does not (clang's does not by default), or cannot be read. */
uint64_t rtti_object_size(struct target *target, uint64_t vtable);

#endif
