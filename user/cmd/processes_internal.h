/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * processes_internal.h - the cache of images (processes.c) as the naming rules (naming.c) see it.
 */
#ifndef TW_CMD_PROCESSES_INTERNAL_H
#define TW_CMD_PROCESSES_INTERNAL_H

#include <sys/queue.h>

#include "cmd/names.h"
#include "cmd/processes.h"

/* Several images may look at one address space. */
struct shared_target {
	struct target *target;
	size_t references;
};

struct image {
	struct wire_process id;
	bool opened;		      /* that was tried; it is not tried again */
	struct shared_target *own;    /* NULL: could not be opened */
	struct shared_target *origin; /* what it was forked from, NULL: not known */
	struct names names;
	bool go_looked; /* whether it is a Go program */
	bool go;
	uint64_t used_ns; /* of the sweep that last found it used */
	bool used;	  /* since then */
	TAILQ_ENTRY(image) by_use;
};

struct processes {
	struct module_cache *modules;
	void *images; /* tsearch tree of struct image */
	size_t image_count;
	uint64_t unnamed;
	uint64_t swept_ns;
	uint64_t keep_dead_ns;
	TAILQ_HEAD(image_queue, image) by_use; /* the most recently used first */
};

/* NULL when it was not asked about before. */
struct image *image_find(const struct processes *processes, const struct wire_process *id);
/* The image with this identity, opened when /proc still shows it. NULL without memory. */
struct image *image_get(struct processes *processes, const struct wire_process *id);
/* Its own address space, or that which it was a copy of; NULL when neither is known. */
struct target *image_target(const struct image *image);

#endif
