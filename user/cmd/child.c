/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child.c - starting a program, held until the probes are in place.
 */
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNAL_EXIT_BASE 128
#define DEFAULT_PATH	 "/usr/local/bin:/usr/bin:/bin"

/* 0, or why this file cannot be executed. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return -EACCES;
	return 0;
}

static int search_path(const char *name, char **out)
{
	const char *path = getenv("PATH");
	char *list = strdup(path ? path : DEFAULT_PATH), *rest = list, *folder;
	int result = list ? -ENOENT : -ENOMEM;

	while (result && (folder = strsep(&rest, ":"))) {
		char *candidate;
		int err;

		if (asprintf(&candidate, "%s/%s", *folder ? folder : ".", name) < 0) {
			result = -ENOMEM;
			break;
		}
		err = executable(candidate);
		if (!err)
			*out = candidate;
		else
			free(candidate);
		if (!err || err == -EACCES)
			result = err;
	}
	free(list);
	return result;
}

int child_find_program(const char *name, char **path)
{
	int err;

	if (!strchr(name, '/'))
		return *name ? search_path(name, path) : -ENOENT;
	err = executable(name);
	if (err)
		return err;
	*path = strdup(name);
	return *path ? 0 : -ENOMEM;
}

/* In the child: back to what a program expects, then wait for the word. */
static void run(char *const argv[], const char *path, const struct rlimit *files, int go_fd,
	int error_fd, pid_t parent)
{
	sigset_t none;
	char go;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_NOFILE, files);
	/* Should we die before the word, it must not wait for ever. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || read(go_fd, &go, 1) != 1)
		_exit(EXIT_FAILURE);
	prctl(PR_SET_PDEATHSIG, 0);
	execv(path, argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

int child_hold(
	struct child *child, char *const argv[], const char *path, const struct rlimit *files)
{
	int go[2], error[2];
	pid_t pid, self = getpid();

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return -errno;
	}
	pid = fork();
	if (!pid)
		run(argv, path, files, go[0], error[1], self);
	close(go[0]);
	close(error[1]);
	if (pid < 0) {
		close(go[1]);
		close(error[0]);
		return -errno;
	}
	*child = (struct child){.pid = pid, .go_fd = go[1], .error_fd = error[0]};
	return 0;
}

static void reap(struct child *child)
{
	while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
		;
	child->reaped = true;
}

int child_release(struct child *child)
{
	int err = 0;
	ssize_t got;

	if (write(child->go_fd, "g", 1) != 1)
		err = errno;
	close(child->go_fd);
	got = read(child->error_fd, &err, sizeof(err));
	close(child->error_fd);
	child->go_fd = child->error_fd = -1;
	if (got != sizeof(err))
		return -err;
	reap(child);
	return -err;
}

void child_abandon(struct child *child)
{
	if (!child->pid || child->go_fd < 0)
		return;
	/* The end of its pipe makes it exit. */
	close(child->go_fd);
	close(child->error_fd);
	child->go_fd = child->error_fd = -1;
	reap(child);
}

bool child_poll(struct child *child)
{
	if (child->pid && !child->reaped && waitpid(child->pid, &child->status, WNOHANG) > 0)
		child->reaped = true;
	return child->reaped;
}

int child_exit_code(const struct child *child)
{
	if (!child->reaped)
		return 0;
	return WIFSIGNALED(child->status) ? SIGNAL_EXIT_BASE + WTERMSIG(child->status)
					  : WEXITSTATUS(child->status);
}
