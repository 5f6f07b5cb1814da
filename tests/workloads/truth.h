/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * truth.h - how a workload tells what it really did. C and C++, glibc and musl.
 *
 * Protocol on stdout, one JSON object a line:
 *   {"ready":true,"pid":N}                    then a line on stdin is awaited, unless --now
 *   {"thread":"ROUTINE","pid":N,"tid":N}      a thread that lived, told by itself
 *   {"settled":true,...}                      everything is in place; a line is awaited
 *   {"totals":{"ROUTINE":N,...},"failed":N}   last: how many of each lived, creates that failed
 * pid and tid are as the workload's own PID namespace sees them. Every line is one write(2)
 * of less than PIPE_BUF bytes, so that lines of threads and of forked children never mix.
 */
#ifndef TW_TESTS_TRUTH_H
#define TW_TESTS_TRUTH_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRUTH_LINE_BYTES   4096 /* PIPE_BUF */
#define TRUTH_EXIT_BROKEN  99	/* the workload itself failed; its truth is worth nothing */
#define TRUTH_UNUSED	   __attribute__((unused))
#define TRUTH_PRINTF(f, a) __attribute__((unused, format(printf, f, a)))

static TRUTH_PRINTF(1, 2) void truth_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(TRUTH_EXIT_BROKEN);
}

static TRUTH_PRINTF(1, 2) void truth_line(const char *format, ...)
{
	char line[TRUTH_LINE_BYTES];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0 || length >= (int)sizeof(line) - 1)
		truth_die("a line of truth is too long");
	line[length] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length + 1) != length + 1)
		truth_die("cannot write the truth");
}

static TRUTH_UNUSED int truth_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static TRUTH_UNUSED void truth_thread(const char *routine)
{
	truth_line(
		"{\"thread\":\"%s\",\"pid\":%d,\"tid\":%d}", routine, (int)getpid(), truth_tid());
}

/* Waits for one line on stdin; the end of stdin counts as one. */
static TRUTH_UNUSED void truth_wait_line(void)
{
	char byte = 0;

	while (byte != '\n' && read(STDIN_FILENO, &byte, 1) == 1)
		;
}

static TRUTH_UNUSED bool truth_flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

/* The argument after `name`, or NULL. */
static TRUTH_UNUSED const char *truth_text(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return NULL;
}

static TRUTH_UNUSED long truth_number(int argc, char **argv, const char *name, long otherwise)
{
	const char *text = truth_text(argc, argv, name);

	return text ? strtol(text, NULL, 10) : otherwise;
}

static TRUTH_UNUSED void truth_ready(int argc, char **argv)
{
	truth_line("{\"ready\":true,\"pid\":%d}", (int)getpid());
	if (!truth_flag(argc, argv, "--now"))
		truth_wait_line();
}

static TRUTH_UNUSED pthread_t truth_create(void *(*routine)(void *), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, routine, argument);

	if (error)
		truth_die("pthread_create: %s", strerror(error));
	return thread;
}

static TRUTH_UNUSED void truth_join(pthread_t thread)
{
	int error = pthread_join(thread, NULL);

	if (error)
		truth_die("pthread_join: %s", strerror(error));
}

/*
 * A pthread_create that fails with EAGAIN: no address space is that large. The function is
 * entered, and left, without a new task.
 */
static TRUTH_UNUSED void truth_failing_create(void *(*routine)(void *))
{
	const size_t impossible_bytes = (size_t)1 << 46;
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes) ||
		pthread_attr_setstacksize(&attributes, impossible_bytes))
		truth_die("cannot ask for an impossible stack");
	if (pthread_create(&thread, &attributes, routine, NULL) == 0)
		truth_die("a thread with an impossible stack was created");
	pthread_attr_destroy(&attributes);
}

#endif
