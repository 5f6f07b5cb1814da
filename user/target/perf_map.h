/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * perf_map.h - names of code that a process made at run time, by /tmp/perf-PID.map. Private to
 * user/target.
 *
 * Just-in-time compilers write that file for profilers: "START SIZE name" a line, in hex, added
 * to at any time. It is found as the process itself finds it, by its own root and its number in
 * its own PID namespace, and believed only when it belongs to the process's user or to root.
 */
#ifndef TW_TARGET_PERF_MAP_H
#define TW_TARGET_PERF_MAP_H

#include "target/process_dir.h"

/* What all maps share: memory is bounded in sum, since each process may have one. */
struct perf_map_account {
	size_t bytes_held;
	uint64_t refused; /* processes whose map was not taken, or not as a whole */
};

struct perf_map;

struct perf_map *perf_map_new(struct perf_map_account *account); /* NULL without memory */
void perf_map_free(struct perf_map *map);			 /* NULL is fine */

/* The name that covers an address, with the distance from its start; the newest when several
 * do. Reads what the process has added when the address is not found. NULL: not known. The
 * string lives until the next call. */
const char *perf_map_find(
	struct perf_map *map, const struct process_dir *dir, uint64_t address, uint64_t *distance);

/* Adds the lines of a text to the map, up to the last newline; returns how many bytes that is.
 * A line that is not in the form is passed over. For perf_map_find and tests. */
size_t perf_map_add(struct perf_map *map, const char *text, size_t bytes);
/* Looks without reading. */
const char *perf_map_look(const struct perf_map *map, uint64_t address, uint64_t *distance);

#endif
