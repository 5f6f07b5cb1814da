/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * wire.h - the records that the kernel side writes and user space reads.
 *
 * One contract for both: ring buffer events, iterator records, map keys and values.
 * Fixed-width types only, explicit pads, sizes asserted. Kinds and counters are append-only.
 * All times are CLOCK_BOOTTIME in nanoseconds. All pids and tids are the initial PID
 * namespace's unless a field says ns_. Every char array is NUL-terminated by the writer, but
 * user space must not rely on it.
 */
#ifndef TW_WIRE_H
#define TW_WIRE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define WIRE_COMM_BYTES	 16 /* TASK_COMM_LEN */
#define WIRE_NAME_BYTES	 64 /* with the NUL; longer names are cut and counted */
#define WIRE_KEY_BYTES	 24
#define WIRE_VALUE_BYTES 56
#define WIRE_CGROUPS_MAX 8 /* that are watched at once */
#define WIRE_DATA_MAX	 4 /* key=value pairs on one instance */
#define WIRE_SPANS_MAX	 8 /* nesting kept by name; deeper ones are counted */

/* Where a routine's name comes from, the best last. */
#define WIRE_SOURCE_COMM   1u
#define WIRE_SOURCE_SYMBOL 2u /* a start function's address; 0 is a process' main thread */
#define WIRE_SOURCE_TYPE   3u /* what a trampoline was to call: see wire_callable */
#define WIRE_SOURCE_SPAWN  4u
#define WIRE_SOURCE_SPAN   5u

/*
 * A program image in a process. start_ns is the leader's start_boottime, which execve keeps;
 * image is task_struct.self_exec_id, which execve increments: addresses of one image mean
 * nothing in the next. The three together are never reused.
 */
struct wire_process {
	__u64 start_ns;
	__u32 tgid;
	__u32 image;
};

/*
 * A routine within an image: the key of `routine_stats`.
 * id: the address of the start function for WIRE_SOURCE_SYMBOL (0: the main thread), the
 * number of the callable for WIRE_SOURCE_TYPE, else the number of the name in `names`.
 */
struct wire_routine_key {
	struct wire_process process;
	__u64 id;
	__u32 source;
	__u32 trampoline; /* WIRE_TRAMPOLINE_* that the thread started in */
};

/* log2 buckets of durations: bucket i counts those below 2^i microseconds, not below 2^(i-1);
 * the last takes all the rest. */
#define WIRE_DURATION_BUCKETS 32

/* live instances = adopted + started - finished, at any moment. */
struct wire_routine_stats {
	__u64 started;
	__u64 finished;
	__u64 adopted; /* already running when first seen */
	__u64 timebox_exceeded;
	__u64 duration_sum_ns;
	__u64 duration_log2_us[WIRE_DURATION_BUCKETS];
	char process_comm[WIRE_COMM_BYTES]; /* the leader's, at the latest start or finish */
};

#define WIRE_NAME_ID_OTHER 0xffffffffu

struct wire_name {
	char text[WIRE_NAME_BYTES];
};

#define WIRE_DATA_NONE	 0u
#define WIRE_DATA_INT	 1u
#define WIRE_DATA_STRING 2u

struct wire_data {
	char key[WIRE_KEY_BYTES];
	__u32 kind;
	__u32 pad;
	__s64 number;		     /* WIRE_DATA_INT */
	char text[WIRE_VALUE_BYTES]; /* WIRE_DATA_STRING */
};

/*
 * Start functions of run-time systems, which call what the program gave them. What a thread's
 * argument points to tells it apart from the others that start there.
 */
#define WIRE_TRAMPOLINE_NONE	   0u
#define WIRE_TRAMPOLINE_STD_THREAD 1u /* libstdc++: arg -> std::thread::_State, a C++ object */
#define WIRE_TRAMPOLINE_RUST	   2u /* arg -> Box<dyn FnOnce()>: {data, vtable} */
#define WIRE_TRAMPOLINE_FUNCTION   3u /* arg -> {function, ...}: GNU OpenMP, GLib */
#define WIRE_TRAMPOLINE_PYTHON	   4u /* arg -> {function, bootstate}: CPython */

#define WIRE_OBJECT_WORDS 8
#define WIRE_INNER_WORDS  16

/*
 * The memory behind a trampoline's argument, as the kernel read it at the thread's birth (or
 * user space later). STD_THREAD: object is the _State, inner what its second word points to.
 * RUST: object is the box, inner the vtable {drop, size, align, call}. FUNCTION: object only.
 * PYTHON: object is the bootstate {.., func, ..}, inner the threading.Thread that func is
 * bound to. Counts are of words that could be read.
 */
struct wire_callable {
	__u32 trampoline; /* WIRE_TRAMPOLINE_* */
	__u16 object_count;
	__u16 inner_count;
	__u64 object_address;
	__u64 inner_address;
	__u64 object[WIRE_OBJECT_WORDS];
	__u64 inner[WIRE_INNER_WORDS];
};

#define WIRE_THREAD_MAIN     (1u << 0) /* began life as its process' main thread */
#define WIRE_THREAD_ADOPTED  (1u << 1) /* was running before us */
#define WIRE_THREAD_DETACHED (1u << 2) /* created detached, as its control block says */
#define WIRE_THREAD_UPROBE   (1u << 3) /* start function and call site from the uprobe */
#define WIRE_THREAD_FORKED   (1u << 4) /* continues the thread that called fork */
#define WIRE_THREAD_KERNEL   (1u << 5) /* a kernel thread */
#define WIRE_THREAD_OTHER    (1u << 6) /* counted in `routine_other`: routine_stats was full */
#define WIRE_THREAD_BORN     (1u << 7) /* we saw its birth, when its comm was its creator's */
#define WIRE_THREAD_RENAMED  (1u << 8) /* and it was renamed since */
#define WIRE_THREAD_JOINABLE (1u << 9) /* as its control block says; neither flag: not known */

/* What is known of a thread's life; kept in the task's own storage. */
struct wire_thread {
	struct wire_process process;
	__u64 start_ns; /* the instance's: the task's start, or its last execve */
	__u64 start_fn; /* 0: not known (or main, see flags) */
	__u64 start_arg;
	__u64 pthread; /* the thread pointer, which is pthread_self(); 0: none yet */
	/* Return address of the pthread_create call; for what a run-time system creates, of the
	 * call into that, as far as `frame_rules` lead; 0: not known. */
	__u64 call_site;
	/* Tells apart within an image what a trampoline was to call (for PYTHON: the thread);
	 * equal numbers have one name, which needs the wire_callable. 0: none. */
	__u64 callable;
	__u64 creator_id;     /* with creator_source: wire_routine_key of the creator's routine */
	__u32 creator_source; /* 0: not known */
	__u32 trampoline;     /* WIRE_TRAMPOLINE_* that start_fn is */
	__s32 origin_stack;   /* see WIRE_ORIGIN_*; negative: none */
	__u32 pad;
	__u32 tid;
	__u32 creator_tid;	    /* 0: not known */
	__u32 source;		    /* of the birth name */
	__u32 flags;		    /* WIRE_THREAD_* */
	char name[WIRE_NAME_BYTES]; /* spawn: the given name; comm: comm at birth; else "" */
};

/* One open span. token pairs an end with its begin; 0 pairs with the innermost. */
struct wire_span {
	__u64 begin_ns;
	__u64 timebox_ns; /* 0: none */
	__u64 token;
	__u64 told_ns; /* equals begin_ns once this instance's timebox was told */
	__u32 name_id; /* WIRE_NAME_ID_OTHER: counted in `routine_other` */
	__u32 data_count;
	char name[WIRE_NAME_BYTES];
	struct wire_data data[WIRE_DATA_MAX];
};

/* ---- ring buffer `events` ---- */

#define WIRE_EVENT_STARTED  1u
#define WIRE_EVENT_NAMED    2u /* comm changed */
#define WIRE_EVENT_FINISHED 3u
#define WIRE_EVENT_TIMEBOX  4u

#define WIRE_INSTANCE_THREAD 1u
#define WIRE_INSTANCE_SPAN   2u

/*
 * Every record starts with this. When `body` is WIRE_BODY_NAME or WIRE_BODY_DATA a wire_name
 * follows, and for WIRE_BODY_DATA then WIRE_DATA_MAX wire_data.
 * thread_* describe the thread's birth, also in span events. For spans start_ns, timebox_ns
 * and the name are the span's.
 */
#define WIRE_BODY_NONE 0u
#define WIRE_BODY_NAME 1u
#define WIRE_BODY_DATA 2u

struct wire_event {
	__u16 kind;	/* WIRE_EVENT_* */
	__u16 instance; /* WIRE_INSTANCE_* */
	__u16 body;	/* WIRE_BODY_* */
	__u16 data_count;
	__u64 time_ns;
	__u64 start_ns;	  /* of the instance */
	__u64 timebox_ns; /* 0: none */
	struct wire_process process;
	__u64 start_fn;
	__u64 start_arg;
	__u64 call_site;
	__u64 callable;
	__u64 creator_id;
	__u32 creator_source;
	__u32 trampoline;
	__s32 origin_stack;
	__u32 pad;
	__u32 tid;
	__u32 creator_tid;
	__u32 ns_tgid;
	__u32 ns_tid;
	__u32 source;			    /* of the thread's birth name, or WIRE_SOURCE_SPAN */
	__u32 flags;			    /* WIRE_THREAD_* of the thread */
	char comm[WIRE_COMM_BYTES];	    /* the thread's, after a rename the new one */
	char process_comm[WIRE_COMM_BYTES]; /* the leader's */
};

/* A place in a file: the key of `trampolines`. The device is the kernel's dev_t. */
#define WIRE_PLACE_ANYWHERE 0xffffffffffffffffull /* as an offset: all of the file */

struct wire_place {
	__u64 inode; /* 0: not known */
	__u64 offset;
	__u32 device;
	__u32 pad;
};

/* ---- call sites of run-time systems ---- */

/*
 * How the caller's frame is found where this return address is: what call frame information says
 * of it, as far as x86-64 functions need it. The value of `frame_rules`, whose key is the place
 * of a return address within a function that creates threads for its caller. The return address
 * to the caller lies 8 bytes before the CFA, and the CFA is the caller's stack pointer.
 */
#define WIRE_FRAME_CFA_RBP   (1u << 0) /* the CFA is rbp + cfa_offset; else rsp + cfa_offset */
#define WIRE_FRAME_RBP_SAVED (1u << 1) /* the caller's rbp is at CFA + rbp_offset; else in rbp */

struct wire_frame_rule {
	__s32 cfa_offset;
	__s32 rbp_offset;
	__u32 flags; /* WIRE_FRAME_* */
};

/* ---- user stacks at the creation of threads ---- */

/* Which kind is taken; wire_thread.origin_stack is then the number of a record in the ring
 * `origin_stacks`. It means nothing without WIRE_THREAD_UPROBE. */
#define WIRE_ORIGIN_NONE   0u
#define WIRE_ORIGIN_FRAMES 1u
#define WIRE_ORIGIN_COPIES 2u

#define WIRE_STACK_NONE	    (-1)
#define WIRE_STACK_FRAMES   64
#define WIRE_COPY_BYTES	    16384	/* of stack, whole pages */
#define WIRE_STACK_ID_MASK  0x7fffffffu /* numbers start again after that */
#define WIRE_COPY_REGISTERS 17		/* x86-64 in DWARF's order, return address last */

/* Return addresses by frame pointers, innermost first. */
struct wire_stack_walk {
	struct wire_process process;
	__u32 id;
	__u32 count;
	__u64 call_site;
	__u64 frames[WIRE_STACK_FRAMES];
};

/* What pthread_create was entered with: the return address lies at the stack pointer. */
struct wire_stack_copy {
	struct wire_process process;
	__u32 id;
	__u32 bytes; /* of `stack`, from the stack pointer on */
	__u64 pad;
	__u64 registers[WIRE_COPY_REGISTERS];
	__u8 stack[WIRE_COPY_BYTES];
};

/* A start function of an image, the key of `starts`; or a return address, that of `frames`. */
struct wire_start {
	struct wire_process process;
	__u64 start_fn;
};

/* ---- ring buffer `control`: rare, woken at once, so that user space can look while the
 * process still lives. Losing one costs a name, never a count. ---- */

#define WIRE_CONTROL_ROUTINE 1u /* first thread of this routine in this image */
#define WIRE_CONTROL_EXEC    2u
#define WIRE_CONTROL_FORK    3u /* a process that begins as a copy of another; not woken */

struct wire_control {
	__u32 kind;
	__u32 tid; /* ROUTINE: of the thread */
	__u64 time_ns;
	struct wire_routine_key key; /* ROUTINE: all; else only key.process */
	struct wire_process origin;  /* FORK: whose memory it is a copy of */
	__u64 cgroup;		     /* number of the process' cgroup in the unified hierarchy */
	__u64 call_site;	     /* ROUTINE; 0: not known */
	/* ROUTINE: the file that is mapped where the routine starts, and where in it that is, as
	 * long as the process lived. */
	struct wire_place file;
	__u64 start_ns; /* ROUTINE: of the thread */
	__u64 start_fn;
	__u64 start_arg;
	__u64 number; /* wire_thread.callable; 0: none, and `callable` is all 0 */
	struct wire_callable callable;
};

/* ---- iterator records ---- */

/* task_struct.__state and exit_state folded into one small number. */
#define WIRE_STATE_RUNNING  0u
#define WIRE_STATE_SLEEPING 1u
#define WIRE_STATE_DISK	    2u /* uninterruptible */
#define WIRE_STATE_STOPPED  3u
#define WIRE_STATE_TRACED   4u
#define WIRE_STATE_ZOMBIE   5u
#define WIRE_STATE_DEAD	    6u
#define WIRE_STATE_PARKED   7u
#define WIRE_STATE_IDLE	    8u
#define WIRE_STATE_NEW	    9u
#define WIRE_STATE_COUNT    10u

#define WIRE_WAIT_FRAMES 4

/* The snapshot: one per thread, followed by span_count wire_span, outermost first. */
struct wire_thread_record {
	struct wire_thread thread;
	__u64 time_ns;
	__u64 cpu_ns;
	__u64 wait_ips[WIRE_WAIT_FRAMES]; /* kernel stack of a thread that does not run, innermost
					   * first, scheduler included; 0: not asked for, no more */
	__u32 state;			  /* WIRE_STATE_* */
	__u32 ns_tgid;
	__u32 ns_tid;
	__u32 span_count;
	__u32 torn; /* 1: the spans changed while they were read; span_count is then 0 */
	__u32 pad;
	char comm[WIRE_COMM_BYTES];
	char process_comm[WIRE_COMM_BYTES];
};

/* What `watch` answers for one process. */
struct wire_watch_record {
	struct wire_process process;
};

/* ---- `watched` ---- */

#define WIRE_WATCH_FOLLOW  (1u << 0) /* children too */
#define WIRE_WATCH_ON_EXEC (1u << 1) /* asleep until its next execve */
#define WIRE_WATCH_ENDED   (1u << 2) /* its last thread has left; perhaps not reaped yet */

struct wire_watch {
	__u64 start_ns; /* the leader's; a reused pid does not match */
	__u32 flags;
	__u32 pad;
};

/* ---- `layouts`, by tgid: offsets in glibc's struct pthread; 0: not known ---- */

struct wire_layout {
	__u32 start_routine;
	__u32 tid;
};

/* ---- `usdt_sites`: what the cookie of an attached probe site points to ---- */

#define WIRE_PROBE_BEGIN    1u
#define WIRE_PROBE_END	    2u
#define WIRE_PROBE_DATA_INT 3u
#define WIRE_PROBE_DATA_STR 4u
#define WIRE_PROBE_SPAWN    5u

#define WIRE_ARG_NONE	0u
#define WIRE_ARG_CONST	1u
#define WIRE_ARG_REG	2u /* register at reg_offset of pt_regs */
#define WIRE_ARG_MEMORY 3u /* [reg + index * scale + value] */

#define WIRE_NO_REG   0xffffu
#define WIRE_ARGS_MAX 3

struct wire_arg {
	__s64 value; /* constant, or displacement */
	__u16 kind;
	__u16 reg_offset;   /* byte offset in struct pt_regs, or WIRE_NO_REG */
	__u16 index_offset; /* likewise */
	__u8 scale;
	__s8 size; /* bytes, negative when signed: -8..8 */
};

struct wire_site {
	__u32 probe; /* WIRE_PROBE_* */
	__u32 pad;
	struct wire_arg args[WIRE_ARGS_MAX];
};

/* ---- `counters`: everything that was lost or fell back ---- */

#define WIRE_COUNTERS(X)                                      \
	X(EVENTS_STARTED_DROPPED, "events_started_dropped")   \
	X(EVENTS_FINISHED_DROPPED, "events_finished_dropped") \
	X(EVENTS_NAMED_DROPPED, "events_named_dropped")       \
	X(EVENTS_TIMEBOX_DROPPED, "events_timebox_dropped")   \
	X(CONTROL_DROPPED, "control_dropped")                 \
	X(THREAD_STORAGE_FAILED, "thread_storage_failed")     \
	X(THREAD_FALLBACK_FULL, "thread_fallback_full")       \
	X(SPAN_STORAGE_FAILED, "span_storage_failed")         \
	X(SPAN_TOO_DEEP, "span_too_deep")                     \
	X(SPAN_END_UNMATCHED, "span_end_unmatched")           \
	X(SPAN_ABANDONED, "span_abandoned")                   \
	X(NAME_TRUNCATED, "name_truncated")                   \
	X(NAME_UNREADABLE, "name_unreadable")                 \
	X(NAMES_FULL, "names_full")                           \
	X(DATA_TRUNCATED, "data_truncated")                   \
	X(DATA_UNREADABLE, "data_unreadable")                 \
	X(DATA_FULL, "data_full")                             \
	X(DATA_WITHOUT_SPAN, "data_without_span")             \
	X(ROUTINES_FULL, "routines_full")                     \
	X(WATCHED_FULL, "watched_full")                       \
	X(SNAPSHOT_TORN, "snapshot_torn")                     \
	X(START_DISAGREES, "start_disagrees")                 \
	X(START_UNREADABLE, "start_unreadable")               \
	X(BIRTHS_LATE, "births_late")                         \
	X(ENDS_LATE, "ends_late")                             \
	X(EXECS_MISSED, "execs_missed")                       \
	X(CALLABLE_UNREADABLE, "callable_unreadable")         \
	X(ORIGIN_STACKS_LOST, "origin_stacks_lost")           \
	X(CALL_SITES_INNER, "call_sites_inner")

enum wire_counter {
#define WIRE_COUNTER_ENUM(id, text) WIRE_COUNTER_##id,
	WIRE_COUNTERS(WIRE_COUNTER_ENUM)
#undef WIRE_COUNTER_ENUM
		WIRE_COUNTER_COUNT
};

#define WIRE_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has padding")
WIRE_ASSERT_SIZE(struct wire_process, 16);
WIRE_ASSERT_SIZE(struct wire_routine_key, 32);
WIRE_ASSERT_SIZE(struct wire_routine_stats, 312);
WIRE_ASSERT_SIZE(struct wire_data, 96);
WIRE_ASSERT_SIZE(struct wire_callable, 216);
WIRE_ASSERT_SIZE(struct wire_thread, 168);
WIRE_ASSERT_SIZE(struct wire_span, 488);
WIRE_ASSERT_SIZE(struct wire_event, 160);
WIRE_ASSERT_SIZE(struct wire_control, 352);
WIRE_ASSERT_SIZE(struct wire_thread_record, 272);
WIRE_ASSERT_SIZE(struct wire_stack_walk, 544);
WIRE_ASSERT_SIZE(struct wire_frame_rule, 12);
WIRE_ASSERT_SIZE(struct wire_stack_copy, 168 + WIRE_COPY_BYTES);
WIRE_ASSERT_SIZE(struct wire_arg, 16);
WIRE_ASSERT_SIZE(struct wire_site, 56);

#endif
