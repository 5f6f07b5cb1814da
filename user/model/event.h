/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - one event of the stream, decoded, as observers receive it.
 *
 * Plain data: no I/O, no clock. Strings belong to the record or to the caller and live only
 * as long as the call that passes the event; an observer copies what it keeps. All text is
 * as hostile as the process it came from: outputs escape it (out/escape.h).
 */
#ifndef TW_MODEL_EVENT_H
#define TW_MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

enum event_type { EVENT_STARTED, EVENT_NAMED, EVENT_FINISHED, EVENT_TIMEBOX };
enum instance { INSTANCE_THREAD, INSTANCE_SPAN };
enum name_source {
	SOURCE_COMM = WIRE_SOURCE_COMM,
	SOURCE_SYMBOL = WIRE_SOURCE_SYMBOL,
	SOURCE_TYPE = WIRE_SOURCE_TYPE,
	SOURCE_SPAWN = WIRE_SOURCE_SPAWN,
	SOURCE_SPAN = WIRE_SOURCE_SPAN,
};

/* A routine's name with where it comes from. */
struct routine_name {
	const char *text; /* shortened for people */
	enum name_source source;
	bool heuristic;	      /* guessed, not told */
	const char *full;     /* the whole demangled name; NULL: text is the whole */
	const char *build_id; /* hex, of the file, when text is module+0xoffset; NULL: none */
};

#define ORIGIN_FRAMES_MAX 64

/* Who created a thread, and where. All of it may be not known. */
struct origin {
	uint32_t creator_tid;	     /* 0: not known */
	const char *creator_routine; /* what the creator was doing then; NULL: not known */
	const char *call_site;	     /* "function+0x12" of the call that created it, or NULL */
	const char *file;	     /* source file of the call site, or NULL */
	uint32_t line;		     /* 0: not known */
	size_t frame_count;	     /* user stack at that time, the call site first */
	const char *frames[ORIGIN_FRAMES_MAX]; /* "function+0x12 (file.c:12)" */
};

/* Where a process lives; a field that is not known is NULL. */
struct confinement {
	const char *cgroup;    /* path in the unified hierarchy */
	const char *container; /* id of the container that the path tells of */
};

struct data_item {
	const char *key;
	const char *text; /* NULL: the value is `number` */
	int64_t number;
};

struct event {
	enum event_type type;
	enum instance instance;
	bool already_running; /* STARTED: it ran before we came */
	uint64_t boot_ns;     /* CLOCK_BOOTTIME */
	uint32_t pid, tid;
	uint32_t ns_pid, ns_tid;
	const char *process; /* comm of the process' leader */
	struct routine_name routine;
	uint64_t start_ns;    /* CLOCK_BOOTTIME */
	uint64_t timebox_ns;  /* 0: none */
	struct origin origin; /* of the thread */
	struct confinement confinement;
	size_t data_count;
	struct data_item data[WIRE_DATA_MAX];
};

/* How long the instance has lived at the event; for FINISHED the whole life. */
static inline uint64_t event_age_ns(const struct event *event)
{
	return event->boot_ns > event->start_ns ? event->boot_ns - event->start_ns : 0;
}

/* Names as the contracts write them: "started", "thread", "symbol". Never NULL. */
const char *event_type_name(enum event_type type);
const char *instance_name(enum instance instance);
const char *name_source_name(enum name_source source);

#endif
