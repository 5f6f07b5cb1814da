/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vdso.c - reads the vdso of a process; see vdso.h.
 *
 * Input: its memory, since there is no file. Refuses to take our own for that of a process that
 * is gone: it may have been another one (of another architecture, or a checkpoint's).
 */
#include "target/vdso.h"

#include <stdlib.h>
#include <string.h>

#include "target/module_internal.h"

#define VDSO	       "[vdso]"
#define VDSO_BYTES_MAX (1u << 20)

bool vdso_is(const struct mapping *mapping)
{
	return mapping->executable && !strcmp(mapping->path, VDSO);
}

uint64_t vdso_start(const struct maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (!strcmp(maps->entries[i].mapping.path, VDSO))
			return maps->entries[i].mapping.start;
	return 0;
}

struct module *vdso_open(
	struct module_cache *cache, const struct process_dir *dir, const struct mapping *mapping)
{
	uint64_t bytes = mapping->end - mapping->start;
	uint8_t *memory = bytes <= VDSO_BYTES_MAX ? malloc(bytes) : NULL;

	if (memory && !process_dir_read_memory(dir, mapping->start, memory, bytes))
		return module_open_memory(cache, memory, bytes, VDSO);
	free(memory);
	return NULL;
}
