/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.h - what a live test uses: processes with pipes, deadlines, a verdict.
 *
 * Each test runs in a forked child of the runner (live.c) and owns one struct world. The test
 * process is its own arena: strings and JSON values live until its exit, which also ends the
 * test. A failed requirement ends it at once; the runner then ends whatever it started.
 * Every wait has a deadline. Nothing that a process has written is lost: pipes of all
 * processes are emptied into memory during each wait, so that none of them ever blocks.
 */
#ifndef TW_LIVE_HARNESS_H
#define TW_LIVE_HARNESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_PASSED  0
#define TEST_FAILED  1
#define TEST_SKIPPED 77
#define PROCS_MAX    96
#define NS_PER_MS    1000000ull
#define NS_PER_S     1000000000ull

/* One stream of bytes from a process. */
struct channel {
	int fd; /* -1: ended */
	char *bytes;
	size_t length, capacity;
	size_t read; /* how far lines were taken */
};

enum { CHANNEL_OUT, CHANNEL_ERR, CHANNEL_EVENTS, CHANNELS };

struct proc {
	pid_t pid;
	int stdin_fd;
	struct channel channels[CHANNELS];
	int events; /* the channel that threadwatch's stream comes from: OUT or EVENTS */
	bool ended;
	int status;	  /* of waitpid, once ended */
	const char *what; /* for messages */
};

struct world {
	int report_fd;	 /* where the reason of a failure or a skip goes */
	unsigned scale;	 /* how much slower than real hardware this machine is */
	const char *bin; /* threadwatch */
	const char *workloads;
	char dir[64]; /* an empty directory of this test alone */
	struct proc procs[PROCS_MAX];
	size_t proc_count;
};

/* Of a test that says nothing of the kernel: one kernel is enough, and guests are slow. */
#define ANYWHERE 0x80000000u

struct live_test {
	const char *name;
	void (*run)(struct world *world);
	unsigned limit_s; /* 0: the default; ANYWHERE may be added */
};

/* ---- verdicts ---- */

_Noreturn void test_fail(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
_Noreturn void test_skip(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define REQUIRE(world, condition, ...)                   \
	do {                                             \
		if (!(condition))                        \
			test_fail((world), __VA_ARGS__); \
	} while (0)

/* ---- small things ---- */

/* A formatted string that lives as long as the test. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ms(void); /* CLOCK_MONOTONIC */
uint64_t boot_ns(void);
/* Sleeps a millisecond between two looks at a condition. */
void breathe(void);
/* Is there such a program in PATH? */
bool have_program(const char *name);
/* The whole of a file, NUL-terminated, or NULL. */
char *file_text(const char *path);
/* Number of folders in /proc/PID/task, 0 when the process is gone. */
size_t tasks_of(pid_t pid);
/* Those of every process; without_guarded: but for processes that not even root may look into
 * (an LSM forbids it), which the kernel may hide from BPF iterators too. */
size_t tasks_of_all(bool without_guarded);
/* A path in the test's own directory. */
char *scratch(struct world *world, const char *name);
/* Path of a workload; skips the test when it was not built. */
char *workload(struct world *world, const char *name);
/* In the guests everything is slower: N outside, what the second says inside. */
long scaled(const struct world *world, long outside, long inside);

/* ---- processes ---- */

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Starts a program with pipes on stdin, stdout and stderr. argv ends with NULL. */
struct proc *proc_start(struct world *world, const char *const *argv);
/* The same with a different user. */
struct proc *proc_start_as(struct world *world, uid_t uid, const char *const *argv);
/* Starts a program and stops it at its first instruction: its file and its dynamic linker are
 * mapped, nothing of it has run. proc_continue lets it go. */
struct proc *proc_start_held(struct world *world, const char *const *argv);
void proc_continue(struct world *world, struct proc *proc);
/* Makes a FIFO whose writer's lines arrive in CHANNEL_EVENTS of the next process started. */
char *events_fifo(struct world *world, int *fd);
void proc_read_events_from(struct proc *proc, int fd);

void proc_send(struct world *world, struct proc *proc, const char *line);
void proc_close_stdin(struct proc *proc);
void proc_signal(struct world *world, struct proc *proc, int number);
/* Empties pipes until something arrived or ms have passed. */
void procs_pump(struct world *world, int ms);
/* Waits for the end and for all output. Returns the exit code, 128 + N for a signal. */
int proc_wait(struct world *world, struct proc *proc);
/* Gives back the place of the process started last, which has ended, with all its output. */
void proc_forget(struct world *world, struct proc *proc);
/* Has it ended by now? Reaps it. */
bool proc_ended(struct proc *proc);

/* The next line of a channel without its newline, NULL at the end. Waits. */
char *proc_line(struct world *world, struct proc *proc, int channel);
/* The next line as JSON, NULL at the end; a line that is not an object fails the test. */
json_t *proc_json(struct world *world, struct proc *proc, int channel);
/* The next line that has this key; others are passed over. The end of output fails the test. */
json_t *proc_json_with(struct world *world, struct proc *proc, int channel, const char *key);
/* Text that the channel has had so far, NUL-terminated. */
const char *proc_text(const struct proc *proc, int channel);
size_t lines_in(const char *text);

/* ---- JSON ---- */

const char *json_text(const json_t *object, const char *key); /* "" when absent */
int64_t json_number(const json_t *object, const char *key);   /* 0 when absent */

#endif
