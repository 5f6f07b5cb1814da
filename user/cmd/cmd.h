/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd.h - the subcommands, their exit codes and how they speak to the user.
 */
#ifndef TW_CMD_CMD_H
#define TW_CMD_CMD_H

#include <stdbool.h>

/* sysexits where they fit; stable, documented in the man page. */
enum exit_code {
	EXIT_FINE = 0,
	EXIT_USAGE = 64,
	EXIT_NO_INPUT = 66,    /* no such process, program or file */
	EXIT_UNAVAILABLE = 69, /* the kernel lacks something needed */
	EXIT_INTERNAL = 70,
	EXIT_NO_PERMISSION = 77,
};

/* Each gets argv with its own name as argv[0] and returns an exit code. */
int cmd_trace(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_export(int argc, char **argv);

/* ---- log.c ---- */

/* One line on stderr, "threadwatch: ...". Control characters of the text are made visible. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, only with -v. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Sends libbpf's own messages to log_detail. */
void log_init(bool verbose);

#endif
