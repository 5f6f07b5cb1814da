/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.h - looking at the files that watched processes map: attach to their probes, learn
 * their libc's layout. Internal to session.
 */
#ifndef TW_CMD_LOOK_H
#define TW_CMD_LOOK_H

#include "cmd/session.h"

/* Learns our own libc's struct pthread; most processes have the same. */
void look_own_layout(struct session *session);
/* At the beginning: our own libc, the program to start with its libraries, all targets.
 * attach: probe them; else only learn layouts. */
void look_at_start(struct session *session, const char *program, bool attach);
void look_free(struct session *session);

#endif
