/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cgroup.c - --cgroup: processes in a cgroup and below, there before, born later, moved in.
 *
 * Needs a unified hierarchy in which root may make cgroups; skipped where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define REMOVE_MS 5000

/* Where the unified hierarchy is mounted. */
static char *mount_point(struct world *world)
{
	char *mounts = file_text("/proc/self/mountinfo"), *save = NULL, path[4096];

	for (char *line = mounts ? strtok_r(mounts, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save))
		if (strstr(line, " - cgroup2 ") &&
			sscanf(line, "%*d %*d %*s %*s %4095s", path) == 1)
			return text("%s", path);
	test_skip(world, "no unified cgroup hierarchy is mounted");
}

static void make(struct world *world, const char *path)
{
	if (mkdir(path, 0755))
		test_skip(world, "cannot make %s: %s", path, strerror(errno));
}

static void move(struct world *world, const struct proc *proc, const char *cgroup)
{
	int fd = open(text("%s/cgroup.procs", cgroup), O_WRONLY | O_CLOEXEC);
	char *pid = text("%d", (int)proc->pid);

	REQUIRE(world, fd >= 0 && write(fd, pid, strlen(pid)) == (ssize_t)strlen(pid),
		"cannot move %s to %s: %s", pid, cgroup, strerror(errno));
	close(fd);
}

/* The last process may not have left it yet. */
static void unmake(struct world *world, const char *path)
{
	uint64_t until = now_ms() + REMOVE_MS;

	while (rmdir(path) && errno == EBUSY) {
		REQUIRE(world, now_ms() < until, "%s is in use", path);
		breathe();
	}
}

static size_t workers_of(const struct stream_log *log, pid_t pid)
{
	size_t count = 0;

	for (size_t i = 0; i < log->count; i++)
		count += log->lives[i].pid == pid &&
			 strcmp(log->lives[i].routine, "churn_worker") == 0;
	return count;
}

static void require_confinement(struct world *world, const json_t *event, const char *cgroup)
{
	REQUIRE(world, strcmp(json_text(event, "cgroup"), cgroup) == 0, "not in %s: %s", cgroup,
		json_dumps(event, 0));
}

/* Moves it in and waits until its main thread is told of. */
static void move_in(
	struct world *world, struct proc *tw, struct proc *work, const char *at, const char *name)
{
	json_t *event;

	move(world, work, at);
	do
		event = stream_event(world, tw, "started", "instance", "thread");
	while (json_number(event, "pid") != work->pid);
	REQUIRE(world, json_is_true(json_object_get(event, "already_running")), "it ran before: %s",
		json_dumps(event, 0));
	require_confinement(world, event, name);
}

static void cgroup_filters(struct world *world)
{
	const char *churn = workload(world, "churn"), *name = text("threadwatch-%d", getpid());
	char *at = text("%s/%s", mount_point(world), name), *below = text("%s/below", at);
	struct proc *in, *parent, *moved, *out, *tw;
	json_t *event, *snapshot;
	struct stream_log log;

	make(world, at);
	make(world, below);
	in = work_start(world, ARGV(churn, "-n", "40"));
	moved = work_start(world, ARGV(churn, "-n", "50"));
	out = work_start(world, ARGV(churn, "-n", "60"));
	parent = proc_start(
		world, ARGV("/bin/sh", "-c", text("read go; %s --now -n 70 & wait", churn)));
	move(world, in, at);
	move(world, parent, below);
	tw = tw_start(world, ARGV("-o", "json", "--cgroup", name), NULL);
	stream_ready(world, tw);
	snapshot = snapshot_take(world, ARGV("--cgroup", text("/%s", name)));
	REQUIRE(world, json_number(snapshot, "threads") == 2, "%lld threads are in it",
		(long long)json_number(snapshot, "threads"));
	move_in(world, tw, moved, at, text("/%s", name));
	proc_send(world, parent, "go\n");
	event = stream_event(world, tw, "started", "routine", "churn_worker");
	require_confinement(world, event, text("/%s/below", name));
	proc_wait(world, parent);
	proc_send(world, in, "go\n");
	proc_send(world, moved, "go\n");
	proc_send(world, out, "go\n");
	proc_wait(world, in);
	proc_wait(world, moved);
	proc_wait(world, out);
	stream_stop(world, tw);
	unmake(world, below);
	unmake(world, at);
	log = stream_read(world, tw);
	REQUIRE(world, workers_of(&log, in->pid) == 40 && workers_of(&log, moved->pid) == 50,
		"%zu and %zu workers", workers_of(&log, in->pid), workers_of(&log, moved->pid));
	REQUIRE(world,
		lives_of(&log, "churn_worker") == 40 + 50 + 70 && !workers_of(&log, out->pid),
		"%zu workers in all", lives_of(&log, "churn_worker"));
	for (size_t i = 0; i < log.count; i++)
		REQUIRE(world, log.lives[i].started && log.lives[i].finished,
			"tid %lld, %s, has no start or no end", (long long)log.lives[i].tid,
			log.lives[i].routine);
}

static void require_refused(
	struct world *world, const char *const *options, int code, const char *word)
{
	struct proc *tw = tw_start(world, options, NULL);
	int status = proc_wait(world, tw);
	const char *said = proc_text(tw, CHANNEL_ERR);

	REQUIRE(world, status == code, "exit code %d instead of %d: %s", status, code, said);
	REQUIRE(world, lines_in(said) == 1 && strstr(said, word), "it said: %s", said);
}

static void cgroup_errors(struct world *world)
{
	require_refused(world, ARGV("--cgroup", "/", "-a"), 64, "more than one kind");
	require_refused(world, ARGV("--cgroup", "/", "-p", "1"), 64, "more than one kind");
	mount_point(world);
	require_refused(world, ARGV("--cgroup", "no/such/cgroup"), 66, "no/such/cgroup");
	require_refused(world, ARGV("--cgroup", "/etc"), 66, "/etc");
}

const struct live_test cgroup_tests[] = {
	{"cgroup_filters", cgroup_filters, 0},
	{"cgroup_errors", cgroup_errors, ANYWHERE},
	{0},
};
