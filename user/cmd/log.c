/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.c - messages for the person at the terminal.
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "out/escape.h"

#define MESSAGE_BYTES 4096 /* all counters of a stream fit */

static bool log_verbose; /* set once, before anything can log */

static void say(const char *format, va_list arguments)
{
	char message[MESSAGE_BYTES];

	vsnprintf(message, sizeof(message), format, arguments);
	message[strcspn(message, "\n")] = '\0';
	fputs("threadwatch: ", stderr);
	escape_terminal(stderr, message, 0);
	fputc('\n', stderr);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void log_detail(const char *format, ...)
{
	va_list arguments;

	if (!log_verbose)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

static int from_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (log_verbose && level != LIBBPF_DEBUG)
		vfprintf(stderr, format, arguments);
	return 0;
}

void log_init(bool verbose)
{
	log_verbose = verbose;
	/* A line at once, so that lines of several processes do not mix. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	libbpf_set_print(from_libbpf);
}
