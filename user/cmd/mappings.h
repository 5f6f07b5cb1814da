/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mappings.h - reacts to every executable mapping that is made while we run: opens the file
 * before its process can be gone, attaches to its probes, learns its libc's layout.
 */
#ifndef TW_CMD_MAPPINGS_H
#define TW_CMD_MAPPINGS_H

#include "cmd/session.h"

struct mappings;

/* NULL with errno set: the kernel does not tell; then processes must be looked at again and
 * again. Open it before the first look, so that nothing is missed between the two. */
struct mappings *mappings_new(void);
void mappings_free(struct mappings *mappings); /* NULL is fine */
/* Readable (epoll) when something waits. */
int mappings_fd(const struct mappings *mappings);
/* Is there anything to take? To be asked after arming a wake-up by mappings_fd. */
bool mappings_wait(const struct mappings *mappings);
/* Takes what waits: opens each new file, and attaches to some. false: records were lost, look at
 * every process again. */
bool mappings_take(struct mappings *mappings, struct session *session);

#endif
