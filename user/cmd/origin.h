/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.h - who created a thread and from where, as people read it.
 */
#ifndef TW_CMD_ORIGIN_H
#define TW_CMD_ORIGIN_H

#include "cmd/session.h"

/* What the kernel side has noted of a thread's creation; the fields of wire_thread and of
 * wire_event. */
struct creation {
	const struct wire_process *process;
	uint64_t call_site;
	uint64_t creator_id;
	uint32_t creator_source;
	uint32_t creator_tid;
	int32_t stack;
	uint32_t flags; /* WIRE_THREAD_* */
};

struct origins;
struct origins *origins_new(void);	    /* NULL without memory */
void origins_free(struct origins *origins); /* NULL is fine */

/* Texts stay valid until the next call of anything here for the same session. */
void origin_of(struct session *session, const struct creation *creation, struct origin *out);

/* Takes the stacks that wait in the kernel, while their processes live. */
void origin_take_stacks(struct session *session);

/* Forgets what belongs to images that are forgotten; now_ns is any monotonic clock. */
void origin_sweep(struct session *session, uint64_t now_ns);

#endif
