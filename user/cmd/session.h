/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - what trace, snapshot and export have in common: the kernel side with its
 * targets, the images that were looked at, and the program that was started.
 */
#ifndef TW_CMD_SESSION_H
#define TW_CMD_SESSION_H

#include "cmd/child.h"
#include "cmd/confinement.h"
#include "cmd/options.h"
#include "cmd/processes.h"
#include "kernel/kernel.h"
#include "model/snapshot.h"

struct pending_look; /* processes to be looked at again soon */
struct mappings;

struct session {
	const struct common_options *options;
	struct kernel *kernel;
	struct module_cache *modules;
	struct processes *processes;
	struct origins *origins; /* NULL: nobody will see them */
	uint32_t origin_stacks;	 /* WIRE_ORIGIN_*: what the kernel side takes */
	struct confinements *confinements;
	struct kallsyms *kallsyms; /* opened on first need */
	bool kallsyms_tried;
	struct wire_layout layout; /* our own libc's */
	struct child child;
	struct rlimit files;			      /* of open files, before we raised it */
	struct wire_process targets[TARGET_PIDS_MAX]; /* of options->pids */
	int pidfds[TARGET_PIDS_MAX];		      /* -1: ended */
	size_t target_count;
	uint64_t cgroups[WIRE_CGROUPS_MAX]; /* of options->cgroup_paths */
	struct mappings *mappings;	    /* NULL: none, or the kernel does not tell */
	struct pending_look *pending;	    /* used without mappings only */
	bool polling;			    /* as mappings were refused */
	size_t usdt_sites, usdt_rejected, usdt_over_limit, modules_failed;
	size_t call_sites_left; /* see struct module_attachment */
	uint64_t mappings_lost, files_gone, records_refused, walks_failed;
	size_t trampolines_late; /* images in which one was found only after its first thread */
};

enum session_kind {
	SESSION_SNAPSHOT, /* one walk, nothing attached */
	SESSION_COUNT,	  /* lifecycle and spans are counted, no events */
	SESSION_STREAM,	  /* and told */
};

/* 0, or an exit code after one line on stderr. session_close is needed in both cases. */
int session_open(
	struct session *session, const struct common_options *options, enum session_kind kind);
void session_close(struct session *session);
/* Lets the program of "-- CMD" go. 0 or an exit code after one line. */
int session_release_child(struct session *session);

/* Handles a control record: looks at the process while it lives. */
void session_control(struct session *session, const struct wire_control *record);
/* Looks again at processes whose libraries may have appeared since; now_ns is any monotonic
 * clock. Call it a few times a second. */
void session_look_again(struct session *session, uint64_t now_ns);

/* Takes in what was mapped since, by programs that started or loaded a library. */
void session_take_mappings(struct session *session);

/* Counts a walk that failed; what it was for is made good by the next one. */
void session_walked(struct session *session, int err);

/* Is there anything left to watch? (`-a`, `--cgroup`: always) */
bool session_has_targets(struct session *session);

/* A grouped snapshot with the drop counters. 0 or negative errno. */
int session_snapshot(struct session *session, bool with_wait, struct snapshot **out);

/* All counters, kernel's and ours; `out` has room for SESSION_COUNTERS. Returns how many. */
#define SESSION_OWN_COUNTERS 14
#define SESSION_COUNTERS     (WIRE_COUNTER_COUNT + SESSION_OWN_COUNTERS)
size_t session_counters(struct session *session, bool with_zeros, struct drop_count *out);
/* Events that the ring could not take. */
uint64_t session_dropped(struct session *session);

/* CLOCK_BOOTTIME now, and what must be added to it for the wall clock. */
uint64_t boot_now_ns(void);
int64_t wall_offset_ns(void);

#endif
