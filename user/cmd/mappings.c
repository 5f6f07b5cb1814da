/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mappings.c - which files were seen mapped, and what is done with one that is new.
 *
 * A file is known by the numbers of the kernel's record: one that is known costs no open. It
 * is kept open, so that its inode number cannot pass to another file meanwhile, that threads
 * of processes which are gone can still be named by it, and that a change in place is seen.
 */
#include "cmd/mappings.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cmd/look.h"
#include "kernel/mmap_events.h"

#define FILES_MAX      1024 /* open at once; the least recently mapped leave */
#define OWN_LINK_BYTES 32
#define ATTACH_AT_ONCE 64 /* of the files that somebody may go on to make and map */

struct mapped {
	dev_t device;
	ino_t inode;
	uint32_t generation;
	uint32_t tgid;	       /* that first mapped it */
	bool attached;	       /* that was tried */
	struct module *module; /* NULL: nothing that has probes or names */
	struct wire_layout layout;
	TAILQ_ENTRY(mapped) by_use;
};

struct mappings {
	struct mmap_events *events;
	TAILQ_HEAD(mapped_queue, mapped) by_use; /* the most recently mapped first */
	size_t count;
	size_t unattached;
	struct session *session; /* during mappings_take */
};

struct mappings *mappings_new(void)
{
	struct mappings *mappings = calloc(1, sizeof(*mappings));
	int err = mappings ? mmap_events_open(&mappings->events) : -ENOMEM;

	if (err) {
		free(mappings);
		errno = -err;
		return NULL;
	}
	TAILQ_INIT(&mappings->by_use);
	return mappings;
}

static void forget(struct mappings *mappings, struct mapped *file)
{
	TAILQ_REMOVE(&mappings->by_use, file, by_use);
	mappings->count--;
	mappings->unattached -= !file->attached;
	module_put(file->module);
	free(file);
}

void mappings_free(struct mappings *mappings)
{
	if (!mappings)
		return;
	while (!TAILQ_EMPTY(&mappings->by_use))
		forget(mappings, TAILQ_FIRST(&mappings->by_use));
	mmap_events_close(mappings->events);
	free(mappings);
}

int mappings_fd(const struct mappings *mappings)
{
	return mmap_events_fd(mappings->events);
}

bool mappings_wait(const struct mappings *mappings)
{
	return mappings->unattached || mmap_events_wait(mappings->events);
}

/* NULL: not known, or not in its present state. */
static struct mapped *find(struct mappings *mappings, const struct mmap_event *event)
{
	struct mapped *file;

	TAILQ_FOREACH(file, &mappings->by_use, by_use)
	if (file->inode == event->inode && file->device == event->device &&
		file->generation == event->generation)
		break;
	if (!file)
		return NULL;
	if (file->module && !module_is_current(file->module)) {
		forget(mappings, file);
		return NULL;
	}
	TAILQ_REMOVE(&mappings->by_use, file, by_use);
	TAILQ_INSERT_HEAD(&mappings->by_use, file, by_use);
	return file;
}

/* Takes over the reference. */
static void remember(
	struct mappings *mappings, const struct mmap_event *event, struct module *module)
{
	struct mapped *file = malloc(sizeof(*file));

	if (!file) {
		module_put(module);
		return;
	}
	*file = (struct mapped){.device = event->device,
		.inode = event->inode,
		.generation = event->generation,
		.tgid = event->pid,
		.module = module,
		.attached = !module};
	TAILQ_INSERT_HEAD(&mappings->by_use, file, by_use);
	mappings->unattached += !file->attached;
	if (++mappings->count <= FILES_MAX)
		return;
	file = TAILQ_LAST(&mappings->by_use, mapped_queue);
	if (file->attached)
		forget(mappings, file);
}

static void open_new(struct mappings *mappings, const struct mmap_event *event)
{
	struct session *session = mappings->session;
	struct mapped_file file = {
		.pid = event->pid,
		.start = event->start,
		.end = event->end,
		.device = event->device,
		.inode = event->inode,
		.generation = event->generation,
		.path = event->path,
	};
	struct module *module = module_open_mapped(session->modules, &file);

	if (module || errno != ESRCH)
		remember(mappings, event, module);
	else if (options_whole(session->options) || kernel_watches(session->kernel, event->pid))
		session->files_gone++;
}

/* By our own descriptor: the process may be gone by now. */
static void attach(struct mappings *mappings, struct mapped *file)
{
	char path[OWN_LINK_BYTES];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", module_fd(file->module));
	file->attached = true;
	mappings->unattached--;
	file->layout = look_attach(mappings->session, file->tgid, file->module, path);
}

/* Of a process that is gone nobody knows any more whether it was a child of a watched one. */
static bool concerns_us(struct session *session, pid_t pid)
{
	const struct common_options *options = session->options;

	if (options_whole(options) || kernel_watches(session->kernel, pid))
		return true;
	return options->follow && kill(pid, 0) && errno == ESRCH;
}

static void on_mapping(void *context, const struct mmap_event *event)
{
	struct mappings *mappings = context;
	struct session *session = mappings->session;
	struct mapped *file;

	if (event->pid == getpid() || !concerns_us(session, event->pid))
		return;
	file = find(mappings, event);
	if (file)
		look_learn_layout(session, event->pid, &file->layout);
	else
		open_new(mappings, event);
}

/* New ones are in front. */
static struct mapped *next_to_attach(struct mappings *mappings)
{
	struct mapped *file = NULL;

	if (mappings->unattached)
		TAILQ_FOREACH(file, &mappings->by_use, by_use)
	if (!file->attached)
		break;
	return file;
}

/* Attaching takes milliseconds, in which others may map files and end: opening comes first. */
bool mappings_take(struct mappings *mappings, struct session *session)
{
	uint64_t lost = 0;

	mappings->session = session;
	for (size_t i = 0; i < ATTACH_AT_ONCE; i++) {
		struct mapped *file;

		lost += mmap_events_consume(mappings->events, on_mapping, mappings);
		file = next_to_attach(mappings);
		if (!file)
			break;
		attach(mappings, file);
	}
	mappings->session = NULL;
	session->mappings_lost += lost;
	return !lost;
}
