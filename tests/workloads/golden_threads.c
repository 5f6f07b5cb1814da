/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden_threads.c - one thread, made in one way; built with many compilers, C libraries and
 * linkages for the golden table (tests/live/golden_table.c).
 *
 * golden_threads FORM: starts the thread of that form, says {"settled":true} once it runs, and
 * ends with its stdin.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <threads.h>

#include "truth.h"

#define STACK_BYTES 65536

#ifdef GOLDEN_LIBRARY
#include "golden_library.h"
#endif

static sem_t running;

/* Until the process ends. */
static void stay(void)
{
	sem_post(&running);
	for (;;)
		pause();
}

static void *worker(void *unused)
{
	stay();
	return unused;
}

/* In .dynsym of a program linked with -rdynamic, even when that is stripped. */
void *exported_worker(void *unused)
{
	stay();
	return unused;
}

static int c11_worker(void *unused)
{
	(void)unused;
	stay();
	return 0;
}

/* Shares the control block of its creator: nothing of libc that needs one. */
static int raw_worker(void *unused)
{
	(void)unused;
	sem_post(&running);
	for (;;)
		syscall(SYS_pause);
	return 0;
}

__attribute__((noinline)) static void start_pthread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, worker, NULL))
		truth_die("cannot create a thread");
}

__attribute__((noinline)) static void start_exported(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exported_worker, NULL))
		truth_die("cannot create a thread");
}

__attribute__((noinline)) static void start_detached(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes) ||
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) ||
		pthread_create(&thread, &attributes, worker, NULL))
		truth_die("cannot create a detached thread");
	pthread_attr_destroy(&attributes);
}

__attribute__((noinline)) static void start_c11(void)
{
	thrd_t thread;

	if (thrd_create(&thread, c11_worker, NULL) != thrd_success)
		truth_die("thrd_create");
}

__attribute__((noinline)) static void start_clone(void)
{
	char *stack = malloc(STACK_BYTES);
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	if (!stack || clone(raw_worker, stack + STACK_BYTES, flags, NULL) < 0)
		truth_die("clone: %s", strerror(errno));
}

#ifdef GOLDEN_LIBRARY
static void start_library(void)
{
	library_start();
	sem_post(&running);
}
#endif

int main(int argc, char **argv)
{
	static const struct form {
		const char *name;
		void (*start)(void);
	} forms[] = {
		{"pthread", start_pthread},
		{"exported", start_exported},
		{"detached", start_detached},
		{"c11", start_c11},
		{"clone", start_clone},
#ifdef GOLDEN_LIBRARY
		{"library", start_library},
#endif
	};
	char byte;

	if (argc != 2 || sem_init(&running, 0, 0))
		truth_die("golden_threads FORM");
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].name, argv[1])) {
			forms[i].start();
			while (sem_wait(&running))
				;
			truth_line("{\"settled\":true}");
			while (read(STDIN_FILENO, &byte, 1) > 0)
				;
			_exit(0);
		}
	truth_die("no form %s", argv[1]);
}
