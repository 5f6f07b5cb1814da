/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.h - looking at the files that watched processes map: attach to their probes, learn
 * their libc's layout. Internal to session.
 */
#ifndef TW_CMD_LOOK_H
#define TW_CMD_LOOK_H

#include "cmd/session.h"
#include "target/target.h"

/* Learns our own libc's struct pthread; most processes have the same. */
void look_own_layout(struct session *session);
/* At the beginning: our own libc, the program to start with its libraries, all targets.
 * from_now_on: what starts later counts too, not only what is there. */
void look_at_start(struct session *session, const char *program, bool from_now_on);
/* Attaches to one file, which `path` opens, and tells the kernel side how its libc lays out the
 * threads of this process; returns that layout (0: no libc). */
struct wire_layout look_attach(
	struct session *session, uint32_t tgid, struct module *module, const char *path);
/* The same for a file that was attached before. */
void look_learn_layout(struct session *session, uint32_t tgid, const struct wire_layout *layout);
/* All processes that are watched, after something was missed. */
void look_at_all(struct session *session);
void look_free(struct session *session);

#endif
