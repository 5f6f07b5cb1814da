/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h - the text of /proc/PID/maps, parsed. Private to user/target.
 *
 * Entries ascend and do not overlap, whatever the text says. A line that is not in the
 * kernel's form is skipped.
 */
#ifndef TW_TARGET_MAPS_H
#define TW_TARGET_MAPS_H

#include "target/target.h"

/* One line. `mapping` is the part that others see. */
struct maps_entry {
	struct mapping mapping;
	uint64_t device; /* makedev of what the line says */
	uint64_t inode;	 /* 0: no file */
	bool tried;	 /* opening its file was tried */
};

/* Owns the entries, their module references and their paths. */
struct maps {
	size_t count;
	struct maps_entry *entries;
	char *paths;
};

/* 0, or -ENOMEM with `out` untouched. The text is overwritten. */
int maps_parse(char *text, size_t bytes, struct maps *out);
void maps_clear(struct maps *maps); /* a zeroed one is fine */
/* The entry that covers an address, or NULL. */
struct maps_entry *maps_find(const struct maps *maps, uint64_t address);
/* A path as people know it, without what the kernel says behind that of a deleted file; cut when
 * it is too long. */
void maps_clean_path(const char *path, char *out, size_t bytes);

#endif
