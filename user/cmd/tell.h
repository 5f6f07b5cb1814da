/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tell.h - kernel records as the events that outputs print.
 */
#ifndef TW_CMD_TELL_H
#define TW_CMD_TELL_H

#include "cmd/session.h"
#include "model/decode.h"

/* Fills the event from a record of the ring. Texts stay valid until the next call on
 * session->processes, session->origins or session->confinements, or as long as the record. */
void tell_event(struct session *session, const struct event_view *view, struct event *out);

/* The same from an iterator's record: a thread that ran before us is told as one that started. */
void tell_running(struct session *session, const struct thread_view *view, struct event *out);

#endif
