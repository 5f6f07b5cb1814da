/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vdso.h - the library that the kernel maps into each process. Private to user/target.
 */
#ifndef TW_TARGET_VDSO_H
#define TW_TARGET_VDSO_H

#include "target/process_dir.h"

bool vdso_is(const struct mapping *mapping);

/* Where the kernel put it, 0 without one. It stays there as long as the address space; execve
 * chooses anew. */
uint64_t vdso_start(const struct maps *maps);

/* The library of a process, as a counted module; NULL when it cannot be read (any more). All
 * processes that have the same one share it. */
struct module *vdso_open(
	struct module_cache *cache, const struct process_dir *dir, const struct mapping *mapping);

#endif
