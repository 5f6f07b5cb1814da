/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target_internal.h - what the parts of user/target know of a target beyond target.h.
 */
#ifndef TW_TARGET_TARGET_INTERNAL_H
#define TW_TARGET_TARGET_INTERNAL_H

#include "target/target.h"

/* A descriptor of the memory of exactly this image, which stays the target's; a negative errno
 * when it cannot be had. Reads of it fail once the image is gone, also after an execve. */
int target_memory(struct target *target);

struct maps_entry;
/* The mapping that covers an address, or NULL; reads the maps again when there is none. The
 * target's, until the maps are read again. */
struct maps_entry *target_entry_at(struct target *target, uint64_t address);
/* The module of an executable mapping, opened on first need; NULL: none that is usable. */
struct module *target_entry_module(struct target *target, struct maps_entry *entry);
/* What the process itself says of code that it has made (perf_map.h), or NULL. The target's. */
const char *target_made_function(struct target *target, uint64_t address, uint64_t *distance);

/* An address within a mapped file. */
struct target_place {
	struct module *module; /* the target's own reference */
	uint64_t vaddr;	       /* as linked */
	uint64_t bias;	       /* address - vaddr, for all of this copy of the file */
	bool executable;       /* the mapping is */
};

/* Where in which file an address is, also in a mapping that is not executable. Does not read the
 * maps again. 0, or -ENOENT when no segment of a usable file is there. */
int target_place_of(struct target *target, uint64_t address, struct target_place *out);

/* The number of a thread in its own PID namespace. 0, or negative errno: it has ended. */
int target_ns_tid(const struct target *target, pid_t tid, pid_t *out);

struct python_layout;
/* The layout of the Python in this image, found once; NULL when there is none that is known. It
 * stays the target's. */
struct python_layout *target_python(struct target *target);

/* Bytes that are the same in every process that maps the file: of segments that are not
 * writable, or are so only while the dynamic loader relocates them, with that done. 0, -EFAULT
 * for any other byte or one that depends on other files, -EIO. */
int module_read_relocated(
	struct module *module, uint64_t bias, uint64_t vaddr, void *out, size_t bytes);

/* Calls visit for each entry of a table that two tags of the dynamic section tell of (its address,
 * its bytes); stops at the first result that is not 0 and returns it. entry_bytes: 8 or 24.
 * -EFAULT: it cannot be read, or is too large. A file without one has no entries. */
int module_each_entry(struct module *module, int64_t table_tag, int64_t bytes_tag,
	size_t entry_bytes, int (*visit)(const void *entry, void *context), void *context);

/* How many words of the file's relocated data point at a linked address, up to 2. */
size_t module_count_pointers(struct module *module, uint64_t vaddr);

/* Whether the data that the file is loaded with hold a text. */
bool module_has_text(struct module *module, const char *text);

#endif
