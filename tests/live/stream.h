/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - threadwatch's event stream beside the truth of the workload that it watched.
 *
 * A stream_log is what a whole stream said, read once it has ended: each thread's life under
 * (tid, start_ns), each span event, the summary. Reading it already requires what must hold
 * for every stream: only valid JSON lines of known types, no instance that starts or ends
 * twice, no end that names something else than its start, sane durations, nothing but
 * dropped events, late births and ends (which come all the same) among the drops, a summary last.
 */
#ifndef TW_LIVE_STREAM_H
#define TW_LIVE_STREAM_H

#include "harness.h"

struct life {
	int64_t pid, tid, ns_pid, ns_tid, start_ns, finish_ns, creator_tid;
	const char *routine, *source, *process, *call_site;
	bool started, finished, already_running;
	bool matched; /* by a line of truth */
};

struct stream_log {
	struct life *lives; /* in the order in which the stream named them first */
	size_t count, capacity;
	uint32_t *index; /* of lives, hashed by (tid, start_ns); index_size is a power of two */
	size_t index_size;
	json_t *events; /* array: all that are not a thread's started or finished */
	json_t *summary;
	size_t started, finished; /* events of threads, the already running ones left out */
	int64_t started_dropped, finished_dropped;
};

/* Everything that the workload said up to its totals. */
struct truth {
	json_t *lines;	/* array of the lines, {"thread":...} and others */
	json_t *totals; /* object routine -> count */
	int64_t failed;
};

struct run {
	struct stream_log log;
	struct truth truth;
	int status; /* of threadwatch */
	int work_status;
};

/* ---- step by step ---- */

/* threadwatch with options (NULL-terminated), then "--" and argv when that is given. */
struct proc *tw_start(struct world *world, const char *const *options, const char *const *argv);
/* Starts a workload and waits until it says that it is ready. */
struct proc *work_start(struct world *world, const char *const *argv);
/* Waits until threadwatch has attached and listed what runs. */
void stream_ready(struct world *world, struct proc *tw);
/* Waits for an event of this type whose `key` has this text; earlier ones are passed over. */
json_t *stream_event(
	struct world *world, struct proc *tw, const char *type, const char *key, const char *value);
/* What `threadwatch snapshot -o json` says, with more options (NULL-terminated, may be NULL). */
json_t *snapshot_take(struct world *world, const char *const *options);
/* Threads under this routine in a snapshot's groups. */
int64_t snapshot_threads(const json_t *snapshot, const char *routine);
/* The sum over all groups. */
int64_t snapshot_sum(const json_t *snapshot);
/* Stops threadwatch unless it has ended by itself. Returns its exit code. */
int stream_stop(struct world *world, struct proc *tw);
struct stream_log stream_read(struct world *world, const struct proc *tw);
struct truth truth_read(struct world *world, struct proc *work);

/* ---- all at once ---- */

/* Starts the workload, attaches, says go, waits for the end of both. */
struct run run_attached(struct world *world, const char *const *options, const char *const *argv);
/* The same with the workload started by threadwatch. */
struct run run_launched(struct world *world, const char *const *options, const char *const *argv);

/* The program (started by threadwatch, with --now and --hold) lives until the stream has told its
 * last thread: so much is known of its stacks only while it can be looked at. Returns threadwatch,
 * ended; the truth has no totals. */
struct proc *run_held(
	struct world *world, const char *name, const char *const *options, struct truth *truth);

/* ---- comparison ---- */

/* The life with these numbers, or NULL. */
struct life *life_find(const struct stream_log *log, int64_t tid, int64_t start_ns);
/* Lives of this routine. */
size_t lives_of(const struct stream_log *log, const char *routine);
/* Every thread of the truth is one life, and there is no other; all have ended. Only for
 * streams that dropped nothing. */
void require_lives(struct world *world, struct run *run);
/* started + dropped and finished + dropped equal the truth; by routine too when nothing was
 * dropped. `running` threads of them ran before the attach. */
void require_counts(struct world *world, const struct run *run, size_t running);
/* Total of the truth over all routines. */
size_t truth_total(const struct truth *truth);

#endif
