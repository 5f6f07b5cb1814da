/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * processes.c - the cache of images and of their address spaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cmd/processes_internal.h"
#include "target/proc_text.h"

#define IMAGES_MAX   1024
#define NS_PER_S     1000000000ull
#define PATH_BYTES   32
#define SWEEP_NS     NS_PER_S
#define KEEP_DEAD_NS (5 * NS_PER_S)

static int compare_images(const void *a, const void *b)
{
	return memcmp(&((const struct image *)a)->id, &((const struct image *)b)->id,
		sizeof(struct wire_process));
}

static struct shared_target *share(struct target *target)
{
	struct shared_target *shared = target ? malloc(sizeof(*shared)) : NULL;

	if (shared)
		*shared = (struct shared_target){.target = target, .references = 1};
	else
		target_free(target);
	return shared;
}

static void shared_put(struct shared_target *shared)
{
	if (!shared || --shared->references)
		return;
	target_free(shared->target);
	free(shared);
}

static void image_free(struct image *image)
{
	names_clear(&image->names);
	shared_put(image->own);
	shared_put(image->origin);
	free(image);
}

struct processes *processes_new(struct module_cache *modules)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	processes->modules = modules;
	processes->keep_dead_ns = KEEP_DEAD_NS;
	TAILQ_INIT(&processes->by_use);
	return processes;
}

static void forget(struct processes *processes, struct image *image)
{
	tdelete(image, &processes->images, compare_images);
	TAILQ_REMOVE(&processes->by_use, image, by_use);
	processes->image_count--;
	image_free(image);
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	while (!TAILQ_EMPTY(&processes->by_use))
		forget(processes, TAILQ_FIRST(&processes->by_use));
	free(processes);
}

uint64_t processes_unnamed(const struct processes *processes)
{
	return processes->unnamed;
}

bool process_is_there(const struct wire_process *image)
{
	char path[PATH_BYTES], stat[PROC_STAT_BYTES];
	uint64_t ticks;

	snprintf(path, sizeof(path), "/proc/%u/stat", image->tgid);
	return proc_text_read(AT_FDCWD, path, stat, sizeof(stat)) &&
	       proc_text_start_ticks(stat, &ticks) &&
	       ticks == image->start_ns / (NS_PER_S / sysconf(_SC_CLK_TCK));
}

/* Does a later image of the same process exist, as far as we know? */
static bool superseded(struct processes *processes, const struct wire_process *id)
{
	struct image *image;

	TAILQ_FOREACH(image, &processes->by_use, by_use)
	if (image->id.tgid == id->tgid && image->id.start_ns == id->start_ns &&
		image->id.image > id->image)
		return true;
	return false;
}

struct image *image_find(const struct processes *processes, const struct wire_process *id)
{
	struct image wanted = {.id = *id};
	void *found = tfind(&wanted, &processes->images, compare_images);

	return found ? *(struct image **)found : NULL;
}

static struct image *image_new(struct processes *processes, const struct wire_process *id)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->id = *id;
	if (!tsearch(image, &processes->images, compare_images)) {
		image_free(image);
		return NULL;
	}
	TAILQ_INSERT_HEAD(&processes->by_use, image, by_use);
	if (++processes->image_count > IMAGES_MAX)
		forget(processes, TAILQ_LAST(&processes->by_use, image_queue));
	return image;
}

static void image_open(struct processes *processes, struct image *image)
{
	image->opened = true;
	if (superseded(processes, &image->id) || !process_is_there(&image->id))
		return;
	image->own = share(target_open(processes->modules, image->id.tgid));
	/* The number may have changed hands while the maps were read. */
	if (image->own && !process_is_there(&image->id)) {
		shared_put(image->own);
		image->own = NULL;
	}
}

struct image *image_get(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_find(processes, id);

	if (image) {
		TAILQ_REMOVE(&processes->by_use, image, by_use);
		TAILQ_INSERT_HEAD(&processes->by_use, image, by_use);
	} else {
		image = image_new(processes, id);
	}
	if (!image)
		return NULL;
	image->used = true;
	if (!image->opened)
		image_open(processes, image);
	return image;
}

struct target *image_target(const struct image *image)
{
	if (image->own)
		return image->own->target;
	return image->origin ? image->origin->target : NULL;
}

void processes_forked(struct processes *processes, const struct wire_process *child,
	const struct wire_process *origin)
{
	struct image *parent = image_find(processes, origin), *image;
	struct shared_target *known = parent && parent->own ? parent->own
				      : parent		    ? parent->origin
							    : NULL;

	if (!known || image_find(processes, child))
		return;
	image = image_new(processes, child);
	if (!image)
		return;
	image->used = true;
	image->origin = known;
	known->references++;
}

void processes_keep_dead(struct processes *processes, uint64_t ns)
{
	processes->keep_dead_ns = KEEP_DEAD_NS + ns;
}

void processes_sweep(struct processes *processes, uint64_t now_ns)
{
	struct image *image, *next;

	if (now_ns < processes->swept_ns + SWEEP_NS)
		return;
	processes->swept_ns = now_ns;
	for (image = TAILQ_FIRST(&processes->by_use); image; image = next) {
		next = TAILQ_NEXT(image, by_use);
		if (image->used)
			image->used_ns = now_ns;
		image->used = false;
		if (now_ns - image->used_ns > processes->keep_dead_ns &&
			!process_is_there(&image->id))
			forget(processes, image);
	}
}

struct target *processes_target(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_get(processes, id);

	return image && image->own ? image->own->target : NULL;
}

struct target *processes_addresses(struct processes *processes, const struct wire_process *id)
{
	struct image *image = image_get(processes, id);

	return image ? image_target(image) : NULL;
}

bool processes_has_image(const struct processes *processes, const struct wire_process *id)
{
	return image_find(processes, id) != NULL;
}
