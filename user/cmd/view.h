/* SPDX-License-Identifier: GPL-2.0-only */
/* view.h - kernel records with names; the parts that trace needs one by one. */
#ifndef TW_CMD_VIEW_H
#define TW_CMD_VIEW_H

#include "cmd/session.h"
#include "model/decode.h"

/* Checks a record of kernel_walk; one that is refused is counted. */
bool view_decode(
	struct session *session, const void *record, size_t bytes, struct thread_view *out);

/* Fills `to` from a record. Texts stay valid until the next call on session->processes, or
 * as long as the record. */
void view_thread(
	struct session *session, const struct thread_view *from, struct snapshot_thread *to);

#endif
