/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libraries.c - asks the dynamic linker for a program's libraries.
 */
#include "cmd/libraries.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST_BYTES_MAX	(256u << 10)
#define LIST_TIMEOUT_MS 5000
#define SHEBANG_BYTES	256
#define SCRIPTS_DEEP	4 /* as many as execve follows */

extern char **environ;

/* Starts `interpreter --list program`; returns its pid with the reading end in *fd. */
static pid_t start_list(const char *interpreter, const char *program, int *fd)
{
	char *const argv[] = {(char *)interpreter, "--list", (char *)program, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid;
	int err;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	err = posix_spawn(&pid, interpreter, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (err) {
		close(ends[0]);
		return -1;
	}
	*fd = ends[0];
	return pid;
}

/* All that it prints, NUL-terminated; gives up on one that prints too much or too slowly. */
static char *read_list(int fd)
{
	char *text = malloc(LIST_BYTES_MAX + 1);
	struct pollfd poll_one = {.fd = fd, .events = POLLIN};
	size_t used = 0;
	ssize_t got = 1;

	while (text && used < LIST_BYTES_MAX && got > 0) {
		if (poll(&poll_one, 1, LIST_TIMEOUT_MS) <= 0)
			break;
		got = read(fd, text + used, LIST_BYTES_MAX - used);
		if (got > 0)
			used += got;
	}
	if (text)
		text[used] = '\0';
	return text;
}

/* Lines are "name => /path (0x...)" or "/path (0x...)". */
static void visit_lines(char *text, void (*visit)(void *context, const char *path), void *context)
{
	char *line, *path, *end;

	while ((line = strsep(&text, "\n"))) {
		path = strchr(line, '/');
		end = path ? strstr(path, " (0x") : NULL;
		if (!end)
			continue;
		*end = '\0';
		visit(context, path);
	}
}

static void list(const char *interpreter, const char *program,
	void (*visit)(void *context, const char *path), void *context)
{
	pid_t pid;
	char *text;
	int fd;

	pid = start_list(interpreter, program, &fd);
	if (pid < 0)
		return;
	text = read_list(fd);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (text)
		visit_lines(text, visit, context);
	free(text);
}

/* The interpreter of a "#!" line, or NULL (free it). */
static char *script_interpreter(int fd)
{
	char line[SHEBANG_BYTES], *start;
	ssize_t got = pread(fd, line, sizeof(line) - 1, 0);

	if (got < 3 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[got] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	return *start == '/' ? strdup(start) : NULL;
}

static void visit_program(struct module_cache *modules, const char *program, int scripts,
	void (*visit)(void *context, const char *path), void *context)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct module *module;
	const char *interpreter;
	char *script;

	if (fd < 0)
		return;
	module = module_open(modules, fd, program);
	script = module || !scripts ? NULL : script_interpreter(fd);
	close(fd);
	interpreter = module ? module_interpreter(module) : NULL;
	if (interpreter)
		list(interpreter, program, visit, context);
	module_put(module);
	if (script) {
		visit(context, script);
		visit_program(modules, script, scripts - 1, visit, context);
	}
	free(script);
}

void libraries_of(struct module_cache *modules, const char *program,
	void (*visit)(void *context, const char *path), void *context)
{
	visit_program(modules, program, SCRIPTS_DEEP, visit, context);
}
