/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * processes.h - the program images that have been looked at, and the names found in them.
 *
 * Bounded: the least recently used images leave, and an image forgets its names when there
 * are too many. Texts handed out stay valid until the next call on the same struct.
 */
#ifndef TW_CMD_PROCESSES_H
#define TW_CMD_PROCESSES_H

#include "model/event.h"
#include "target/target.h"

struct processes;

/* What a thread was created for; the fields of wire_thread, or of wire_event with its name. */
struct birth {
	struct wire_process process;
	uint64_t start_fn;
	uint64_t start_arg;
	uint64_t pthread;  /* pthread_self(); 0: not known */
	uint64_t callable; /* 0: none */
	uint64_t start_ns; /* of the thread, with its tid */
	uint32_t tid;
	uint32_t trampoline; /* WIRE_TRAMPOLINE_* */
	uint32_t source;     /* WIRE_SOURCE_* */
	uint32_t flags;	     /* WIRE_THREAD_* */
	bool alive;	     /* the thread was there a moment ago: its memory may be asked */
	const char *name;
};

/* /proc shows this process and not another one that got its number. */
bool process_is_there(const struct wire_process *process);

struct processes *processes_new(struct module_cache *modules); /* NULL without memory */
void processes_free(struct processes *processes);	       /* NULL is fine */

/*
 * The image's address space, opened now or earlier. NULL when /proc does not show this image
 * (any more). Earlier images of the same process are not looked for in /proc again.
 */
struct target *processes_target(struct processes *processes, const struct wire_process *image);

/* The address space in which this image's addresses mean what they did: its own, or that of
 * which it began as a copy; also once it has ended, as long as it is remembered. NULL: none. */
struct target *processes_addresses(struct processes *processes, const struct wire_process *image);

/* Is this image remembered? Does not make it used. */
bool processes_has_image(const struct processes *processes, const struct wire_process *image);

/* The best birth name there is. comm and process_comm are the thread's and its leader's. */
void processes_name(struct processes *processes, const struct birth *birth, const char *comm,
	const char *process_comm, struct routine_name *out);

/* "function+0x12", or NULL. */
const char *processes_call_site(
	struct processes *processes, const struct wire_process *image, uint64_t address);

/* Notes that an image began as a copy of another: what it is named after is the same there,
 * should it end before it was looked at. */
void processes_forked(struct processes *processes, const struct wire_process *child,
	const struct wire_process *origin);

/* Names a start function by its place in a file, as the kernel saw it while the image was
 * there: right even when the process has ended or executed another program since. Only files
 * that were looked at before can be named so. */
void processes_hint(struct processes *processes, const struct wire_process *image,
	uint64_t start_fn, dev_t device, ino_t inode, uint64_t file_offset);

/* Was this number named? */
bool processes_knows(
	struct processes *processes, const struct wire_process *image, uint64_t callable);
/* Names what a trampoline was to call in this thread, while the image is there. */
void processes_callable(struct processes *processes, const struct wire_process *image,
	uint64_t number, uint32_t tid, const struct wire_callable *callable);

/* Counters of images that ended are asked about only this often. */
void processes_keep_dead(struct processes *processes, uint64_t ns);

/*
 * Names the first thread of a start function that turned out to be a trampoline only then: the
 * kernel took it for a routine of its own. Others that were born meanwhile are told by the
 * run-time system's name.
 */
void processes_late(struct processes *processes, const struct birth *birth);

/* Forgets images that ended and have not been asked about for a while; events of them that
 * still wait in a ring come sooner than that. now_ns is any monotonic clock. */
void processes_sweep(struct processes *processes, uint64_t now_ns);

/* How many start functions could not be looked up because their process was gone. */
uint64_t processes_unnamed(const struct processes *processes);

#endif
