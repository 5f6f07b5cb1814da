/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin_table.h - what was worked out of call sites and stacks, by image. Private to origin.c.
 *
 * Bounded: an image is forgotten with the one of processes.h, and all of them when there is too
 * much. A place says which stack the kernel means by a number; a later one that falls on it
 * takes it over: of copied stacks, as many as there are places are known, the latest.
 */
#ifndef TW_CMD_ORIGIN_TABLE_H
#define TW_CMD_ORIGIN_TABLE_H

#include "cmd/processes.h"

/* A return address in an image. */
struct site {
	uint64_t address;
	uint32_t line;	   /* 0: not known */
	const char *file;  /* "" when not known */
	const char *frame; /* "function+0x12 (file.c:12)" */
	char call[];	   /* "function+0x12"; file and frame lie behind it */
};

/* Return addresses in an image, the innermost first. */
struct stack {
	size_t count;
	uint64_t frames[];
};

struct origin_table;
/* places: a power of two. NULL without memory. */
struct origin_table *origin_table_new(size_t places);
void origin_table_free(struct origin_table *table); /* NULL is fine */
/* Forgets what images the processes no longer have, or all of it when it is too much; at most
 * once a second of now_ns. What was handed out before is worth nothing then. */
void origin_table_sweep(
	struct origin_table *table, const struct processes *processes, uint64_t now_ns);

/* NULL when it is not there (find), without memory (add). */
const struct site *origin_site_find(
	struct origin_table *table, const struct wire_process *image, uint64_t address);
const struct site *origin_site_add(struct origin_table *table, const struct wire_process *image,
	uint64_t address, const char *call, const struct source_line *source);
const struct stack *origin_stack_find(
	struct origin_table *table, const struct wire_process *image, int32_t id);
const struct stack *origin_stack_add(struct origin_table *table, const struct wire_process *image,
	int32_t id, const uint64_t *frames, size_t count);

#endif
