/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debug_file.h - the separate debug file of a stripped file, in local folders. Private to
 * user/target.
 */
#ifndef TW_TARGET_DEBUG_FILE_H
#define TW_TARGET_DEBUG_FILE_H

#include "target/build_id.h"
#include "target/elf_file.h"

/* Where debug files are looked for; owned strings, NULL: nowhere. */
struct debug_places {
	char *packages;	 /* /usr/lib/debug */
	char *downloads; /* what debuginfod-find has brought here earlier */
};

/* Those of this machine and of who runs us. 0 or -ENOMEM. */
int debug_places_default(struct debug_places *out);
void debug_places_clear(struct debug_places *places); /* a zeroed one is fine */

/* Whose debug file is sought. */
struct debug_subject {
	const struct elf_file *file;
	const struct build_id *id;
	const char *path; /* for debug files next to it */
};

/* A descriptor of the debug file, which is then open as `out`, or a negative errno. Both are
 * the caller's to close. */
int debug_file_of_build(
	const struct debug_places *places, const struct build_id *id, struct elf_file *out);
/* Likewise by .gnu_debuglink. What lies next to a file is the word of whoever put it there: a
 * checksum of 32 bits can be made to fit. */
int debug_file_of_link(const struct debug_places *places, const struct debug_subject *subject,
	struct elf_file *out);

#endif
