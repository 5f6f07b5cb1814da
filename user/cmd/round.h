/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * round.h - one round of the exporter: the kernel's counters and a snapshot, made metrics.
 */
#ifndef TW_CMD_ROUND_H
#define TW_CMD_ROUND_H

#include "cmd/session.h"
#include "model/metrics.h"

struct round {
	struct session *session;
	struct metrics *metrics;
};

/* Reads everything anew. 0 or a negative errno; the metrics are then those of no round. */
int round_take(struct round *round);

/* Throws away the counters of processes that ended. 0 or a negative errno. */
int round_discard(struct session *session);

/* Takes threads that are watched only now into the account; the kernel side tells them. */
int round_adopt(struct session *session);

#endif
