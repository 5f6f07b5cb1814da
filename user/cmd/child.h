/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child.h - a program that we start and watch from its first instruction.
 *
 * It is forked first and held before its execve, so that its pid can be watched.
 */
#ifndef TW_CMD_CHILD_H
#define TW_CMD_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child {
	pid_t pid;    /* 0: none */
	int go_fd;    /* a byte written here lets it go */
	int error_fd; /* gives errno when execve failed, end of file when it worked */
	bool reaped;
	int status; /* as waitpid gives it, once reaped */
};

/* Finds the file that execvp would run. 0 with its path (free it), or -ENOENT, -EACCES. */
int child_find_program(const char *name, char **path);
/* Forks and holds; the program gets this limit of open files. Negative errno on failure. */
int child_hold(
	struct child *child, char *const argv[], const char *path, const struct rlimit *files);
/* Lets it go. 0, or the negative errno of its execve (it is then reaped). */
int child_release(struct child *child);
/* Ends a child that was never released. */
void child_abandon(struct child *child);
/* Reaps without waiting. true once it is reaped. */
bool child_poll(struct child *child);
/* The exit code that a shell would give: its own, or 128 + signal. */
int child_exit_code(const struct child *child);

#endif
