/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.c - threads created at known lines, within known calls, by known routines.
 *
 * origin [--now] [--hold]
 * For each: {"origin":"ROUTINE","file":"origin.c","line":N,"function":"F","creator":"ROUTINE",
 * "stack":["F","ITS CALLER",...,"main"]}; the stack of a creator that is not main ends with its
 * start function. With --hold all of them live until one more line on stdin, after
 * {"settled":true,"last":ROUTINE}. Built with frame pointers too (origin_fp).
 */
#include "include/threadwatch.h"
#include "truth.h"

#define NOINLINE    static __attribute__((noinline))
#define INLINED	    static inline __attribute__((always_inline))
#define NO_TAIL()   __asm__ volatile("") /* what comes before it is a call, not a jump */
#define CREATED_MAX 16

struct created {
	pthread_mutex_t held; /* locked while the threads must live */
	pthread_t threads[CREATED_MAX];
	int count;
};

/* One line of source, whatever the formatter does. */
#define CREATE(thread, routine, created, line) \
	(*(line) = __LINE__, pthread_create(thread, NULL, routine, created))

static void told(struct created *created, pthread_t thread, int error, const char *routine,
	int line, const char *function, const char *creator, const char *stack)
{
	if (error || created->count == CREATED_MAX)
		truth_die("origin: no thread");
	created->threads[created->count++] = thread;
	truth_line("{\"origin\":\"%s\",\"file\":\"origin.c\",\"line\":%d,\"function\":\"%s\","
		   "\"creator\":\"%s\",\"stack\":[%s]}",
		routine, line, function, creator, stack);
}

static void live(struct created *created, const char *routine)
{
	truth_thread(routine);
	pthread_mutex_lock(&created->held);
	pthread_mutex_unlock(&created->held);
}

/* One start function each, so that a name tells which create it was. */
#define ROUTINE(name)                     \
	static void *name(void *argument) \
	{                                 \
		live(argument, #name);    \
		return NULL;              \
	}
ROUTINE(origin_plain)
ROUTINE(origin_nested)
ROUTINE(origin_inlined)
ROUTINE(origin_in_span)
ROUTINE(origin_by_worker)
ROUTINE(origin_by_named)

NOINLINE void plain(struct created *created)
{
	pthread_t thread;
	int error, line;

	error = CREATE(&thread, origin_plain, created, &line);
	told(created, thread, error, "origin_plain", line, "plain", "main", "\"plain\",\"main\"");
}

NOINLINE void inner(struct created *created)
{
	pthread_t thread;
	int error, line;

	error = CREATE(&thread, origin_nested, created, &line);
	told(created, thread, error, "origin_nested", line, "inner", "main",
		"\"inner\",\"middle\",\"outer\",\"main\"");
}

INLINED void inlined(struct created *created)
{
	pthread_t thread;
	int error, line;

	error = CREATE(&thread, origin_inlined, created, &line);
	told(created, thread, error, "origin_inlined", line, "inlining", "main",
		"\"inlining\",\"main\"");
}

NOINLINE void in_span(struct created *created)
{
	pthread_t thread;
	int error, line;

	TW_ROUTINE("origin-span");
	error = CREATE(&thread, origin_in_span, created, &line);
	told(created, thread, error, "origin_in_span", line, "in_span", "origin-span",
		"\"in_span\",\"main\"");
}

static void *origin_worker(void *argument)
{
	struct created *created = argument;
	pthread_t thread;
	int error, line;

	truth_thread("origin_worker");
	error = CREATE(&thread, origin_by_worker, created, &line);
	told(created, thread, error, "origin_by_worker", line, "origin_worker", "origin_worker",
		"\"origin_worker\"");
	return NULL;
}

static void *origin_named(void *argument)
{
	struct created *created = argument;
	pthread_t thread;
	int error, line;

	truth_thread("origin-given");
	error = CREATE(&thread, origin_by_named, created, &line);
	told(created, thread, error, "origin_by_named", line, "origin_named", "origin-given",
		"\"origin_named\"");
	return NULL;
}

NOINLINE void inlining(struct created *created)
{
	inlined(created);
	NO_TAIL();
}

/* An array of a size known late keeps the compiler from finding the frame by the stack pointer
 * alone. */
NOINLINE void middle(struct created *created, int words)
{
	char scratch[words];

	__asm__ volatile("" : : "r"(scratch) : "memory");
	inner(created);
	NO_TAIL();
}

NOINLINE void outer(struct created *created)
{
	middle(created, (int)(getpid() % 64) + 64);
	NO_TAIL();
}

int main(int argc, char **argv)
{
	struct created created = {.held = PTHREAD_MUTEX_INITIALIZER};
	pthread_t worker;

	truth_ready(argc, argv);
	truth_thread("main");
	pthread_mutex_lock(&created.held);
	plain(&created);
	outer(&created);
	inlining(&created);
	in_span(&created);
	truth_join(truth_create(origin_worker, &created));
	TW_SPAWN("origin-given");
	worker = truth_create(origin_named, &created);
	truth_join(worker);
	if (truth_flag(argc, argv, "--hold")) {
		truth_line("{\"settled\":true,\"threads\":%d,\"last\":\"origin_by_named\"}",
			created.count + 1);
		truth_wait_line();
	}
	pthread_mutex_unlock(&created.held);
	for (int i = 0; i < created.count; i++)
		truth_join(created.threads[i]);
	truth_line(
		"{\"totals\":{\"main\":1,\"origin_plain\":1,\"origin_nested\":1,"
		"\"origin_inlined\":1,\"origin_in_span\":1,\"origin_worker\":1,"
		"\"origin_by_worker\":1,\"origin-given\":1,\"origin_by_named\":1},\"failed\":0}");
	return 0;
}
