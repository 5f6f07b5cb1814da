/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.c - which files are looked at, and when.
 *
 * A process is looked at when it becomes a target, after each execve and when a routine of it
 * is first seen. Libraries are mapped after execve, by the dynamic linker or dlopen: the kernel
 * tells of them (mappings.c). Where it does not, each process is looked at again a few times,
 * and targets given by pid for good.
 */
#include "cmd/look.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/device.h"
#include "cmd/cmd.h"
#include "cmd/libraries.h"
#include "cmd/origin.h"

#define NS_PER_MS      1000000ull
#define LOOK_FIRST_NS  (10 * NS_PER_MS)
#define LOOK_LAST_NS   (1000 * NS_PER_MS)
#define PENDING_MAX    4096
#define MAP_FILE_BYTES 128

struct pending_look {
	struct wire_process image;
	uint64_t due_ns; /* 0: LOOK_FIRST_NS from the next call */
	uint64_t delay_ns;
	bool for_good;
	struct pending_look *next;
};

/* What a look needs to know. */
struct look {
	struct session *session;
	pid_t pid;
	uint32_t tgid;
};

void look_learn_layout(struct session *session, uint32_t tgid, const struct wire_layout *layout)
{
	if (layout->start_routine && memcmp(layout, &session->layout, sizeof(*layout)) != 0)
		kernel_set_layout(session->kernel, tgid, layout);
}

static void note_sites(
	struct session *session, const struct module *module, const struct module_attachment *done)
{
	session->usdt_sites += done->usdt_sites;
	session->usdt_rejected += done->usdt_rejected;
	session->usdt_over_limit += done->usdt_over_limit;
	session->call_sites_left += done->call_sites_left;
	if (done->usdt_over_limit)
		log_error("%zu of %zu routine probes of %s are not attached: there are too many",
			done->usdt_over_limit, done->usdt_over_limit + done->usdt_sites,
			module_path(module));
}

struct wire_layout look_attach(
	struct session *session, uint32_t tgid, struct module *module, const char *path)
{
	struct module_attachment done;
	int err = kernel_attach_module(session->kernel, module, path, &done);

	look_learn_layout(session, tgid, &done.layout);
	if (done.inode)
		module_set_kernel_file(module, done.device, done.inode);
	if (!done.first)
		return done.layout;
	note_sites(session, module, &done);
	if (err && err != -ENOENT && err != -ESRCH) {
		session->modules_failed++;
		log_error("cannot probe %s: %s", module_path(module), strerror(-err));
	} else if (done.usdt_sites || done.pthread_create) {
		log_detail("probing %s: %zu routine probes%s", module_path(module), done.usdt_sites,
			done.pthread_create ? ", pthread_create" : "");
	}
	return done.layout;
}

static int look_at_module(struct module *module, const struct mapping *mapping, void *context)
{
	struct look *look = context;
	char path[MAP_FILE_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", look->pid,
		(unsigned long)mapping->start, (unsigned long)mapping->end);
	look_attach(look->session, look->tgid, module, path);
	return 0;
}

/* A file that nothing maps yet. */
static void look_at_file(struct look *look, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct module *module = fd < 0 ? NULL : module_open(look->session->modules, fd, path);

	if (module)
		look_attach(look->session, 0, module, path);
	module_put(module);
	if (fd >= 0)
		close(fd);
}

static void look_at_library(void *context, const char *path)
{
	look_at_file(context, path);
}

/* false: it is gone. */
static bool look_at_image(struct session *session, const struct wire_process *image)
{
	struct look look = {.session = session, .pid = image->tgid, .tgid = image->tgid};
	struct target *target = processes_target(session->processes, image);

	if (!target || target_refresh(target))
		return false;
	target_each_module(target, look_at_module, &look);
	return true;
}

/* By number only: what we do to a file does not depend on which process maps it. */
static void look_at_pid(struct session *session, pid_t pid)
{
	struct look look = {.session = session, .pid = pid, .tgid = pid};
	struct target *target = target_open(session->modules, pid);

	if (!target)
		return;
	target_each_module(target, look_at_module, &look);
	target_free(target);
}

static void look_at_everything(struct session *session)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_pid(session, atoi(entry->d_name));
	closedir(proc);
}

static void look_at_watched(void *context, uint32_t tgid)
{
	look_at_pid(context, (pid_t)tgid);
}

void look_at_all(struct session *session)
{
	if (options_whole(session->options))
		look_at_everything(session);
	else
		kernel_each_watched(session->kernel, look_at_watched, session);
}

/* Only where the kernel does not tell of new mappings. */
static void look_later(struct session *session, const struct wire_process *image, bool for_good)
{
	struct pending_look *pending;
	size_t count = 0;

	if (session->mappings)
		return;
	for (pending = session->pending; pending; pending = pending->next, count++)
		if (!memcmp(&pending->image, image, sizeof(*image)))
			return;
	pending = count < PENDING_MAX ? malloc(sizeof(*pending)) : NULL;
	if (!pending)
		return;
	*pending = (struct pending_look){.image = *image,
		.delay_ns = LOOK_FIRST_NS,
		.for_good = for_good,
		.next = session->pending};
	session->pending = pending;
}

/* Returns false when this process need not be looked at any more. */
static bool look_when_due(struct session *session, struct pending_look *pending, uint64_t now_ns)
{
	if (!pending->due_ns)
		pending->due_ns = now_ns + pending->delay_ns;
	if (now_ns < pending->due_ns)
		return true;
	if (!look_at_image(session, &pending->image))
		return false;
	if (pending->delay_ns < LOOK_LAST_NS)
		pending->delay_ns *= 2;
	else if (!pending->for_good)
		return false;
	pending->due_ns = now_ns + pending->delay_ns;
	return true;
}

void session_look_again(struct session *session, uint64_t now_ns)
{
	struct pending_look **link = &session->pending;

	processes_sweep(session->processes, now_ns);
	origin_sweep(session, now_ns);
	while (*link) {
		struct pending_look *pending = *link;

		if (look_when_due(session, pending, now_ns)) {
			link = &pending->next;
			continue;
		}
		*link = pending->next;
		free(pending);
	}
}

/* A start function that nobody knew for a trampoline when its first thread was born. */
static void learn_trampoline(struct session *session, const struct wire_control *record)
{
	const struct wire_process *image = &record->key.process;
	struct target *target = processes_target(session->processes, image);
	uint32_t kind = target && record->key.trampoline == WIRE_TRAMPOLINE_NONE
				? target_trampoline(target, record->start_fn, record->start_arg)
				: WIRE_TRAMPOLINE_NONE;

	if (kind == WIRE_TRAMPOLINE_NONE)
		return;
	session->trampolines_late++;
	processes_late(session->processes, &(struct birth){.process = *image,
						   .start_fn = record->start_fn,
						   .start_arg = record->start_arg,
						   .trampoline = kind,
						   .tid = record->tid,
						   .start_ns = record->start_ns});
	if (record->file.inode)
		kernel_set_trampoline(session->kernel, &record->file, kind);
	kernel_set_start(session->kernel, image, record->start_fn, kind);
}

/* Names first: the process may not live much longer. */
static void look_at_routine(struct session *session, const struct wire_control *record)
{
	const struct wire_routine_key *key = &record->key;
	char comm[WIRE_COMM_BYTES] = "";
	struct routine_name name;
	struct birth birth = {.process = key->process,
		.start_fn = record->start_fn,
		.callable = record->number,
		.trampoline = key->trampoline,
		.source = key->source};

	processes_hint(session->processes, &key->process, record->start_fn,
		device_from_kernel(record->file.device), record->file.inode, record->file.offset);
	if (record->number)
		processes_callable(session->processes, &key->process, record->number, record->tid,
			&record->callable);
	processes_name(session->processes, &birth, comm, comm, &name);
	processes_call_site(session->processes, &key->process, record->call_site);
	learn_trampoline(session, record);
	look_at_image(session, &key->process);
}

void session_control(struct session *session, const struct wire_control *record)
{
	const struct wire_routine_key *key = &record->key;

	/* The kernel told of its files before. */
	session_take_mappings(session);
	confinement_note(session->confinements, &key->process, record->cgroup);
	switch (record->kind) {
	case WIRE_CONTROL_ROUTINE:
		look_at_routine(session, record);
		return;
	case WIRE_CONTROL_FORK:
		processes_forked(session->processes, &key->process, &record->origin);
		return;
	case WIRE_CONTROL_EXEC:
		look_at_image(session, &key->process);
		look_later(session, &key->process, false);
		return;
	}
}

/* The first libc among the modules of a process. */
static int own_libc(struct module *module, const struct mapping *mapping, void *context)
{
	struct look *look = context;
	struct libc_layout layout;
	(void)mapping;

	if (libc_layout_of(module, &layout) || !layout.start_routine_offset)
		return 0;
	look->session->layout =
		(struct wire_layout){layout.start_routine_offset, layout.tid_offset};
	return 1;
}

void look_own_layout(struct session *session)
{
	struct look look = {.session = session};
	struct target *self = target_open(session->modules, getpid());

	if (self)
		target_each_module(self, own_libc, &look);
	target_free(self);
}

void look_at_start(struct session *session, const char *program, bool from_now_on)
{
	struct look look = {.session = session};

	/* Our own libc is most programs' libc: it is probed before any of them runs. */
	if (from_now_on && (program || session->options->follow))
		look_at_pid(session, getpid());
	if (program && from_now_on) {
		look_at_file(&look, program);
		libraries_of(session->modules, program, look_at_library, &look);
	}
	if (options_whole(session->options))
		look_at_everything(session);
	for (size_t i = 0; i < session->target_count; i++) {
		look_at_image(session, &session->targets[i]);
		if (from_now_on)
			look_later(session, &session->targets[i], true);
	}
}

void look_free(struct session *session)
{
	while (session->pending) {
		struct pending_look *next = session->pending->next;

		free(session->pending);
		session->pending = next;
	}
}
