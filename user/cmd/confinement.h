/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confinement.h - in which cgroup and container a process image was when it was first seen.
 */
#ifndef TW_CMD_CONFINEMENT_H
#define TW_CMD_CONFINEMENT_H

#include "model/event.h"

/* A bounded cache; the least recently used images leave. */
struct confinements;
struct confinements *confinements_new(void);		   /* NULL without memory */
void confinements_free(struct confinements *confinements); /* NULL is fine */

/* The kernel's word: the number of the cgroup that the process is in. Tells more surely than a
 * look at a process that may be gone. */
void confinement_note(
	struct confinements *confinements, const struct wire_process *process, uint64_t cgroup);
/* Reads it now or tells what was read before. Fields that are not known stay NULL; texts are
 * valid until the next call. */
struct confinement confinement_of(
	struct confinements *confinements, const struct wire_process *process);

/* The number of a cgroup: `path` is below the mount of the unified hierarchy, or absolute.
 * 0, -ENOENT: no such cgroup; -ENODEV: the unified hierarchy is not mounted. */
int cgroup_find(const char *path, uint64_t *id);

#endif
