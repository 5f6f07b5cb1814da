/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_errors.c - every refusal: its exit code, one line on stderr, nothing on stdout.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define EXIT_BAD_USAGE	   64
#define EXIT_NOT_FOUND	   66
#define EXIT_NO_PERMISSION 77
#define NOBODY		   65534
#define NO_SUCH_PID	   "4194303" /* one below the kernel's own limit of numbers */
#define ATTACH_TRIES	   20

static void require_refusal(struct world *world, struct proc *tw, int code, const char *word)
{
	int status = proc_wait(world, tw);
	const char *err = proc_text(tw, CHANNEL_ERR);

	REQUIRE(world, status == code, "exit code %d, not %d; stderr: %s", status, code, err);
	REQUIRE(world, lines_in(err) == 1 && strncmp(err, "threadwatch: ", 13) == 0,
		"stderr is not one line of ours: %s", err);
	REQUIRE(world, strlen(err) > 20 && strstr(err, word), "\"%s\" is not in: %s", word, err);
	REQUIRE(world, !*proc_text(tw, CHANNEL_OUT), "on stdout: %s", proc_text(tw, CHANNEL_OUT));
	proc_forget(world, tw);
}

static void refusals(struct world *world)
{
	char *self = text("%d", (int)getpid());
	const struct {
		int code;
		const char *word; /* that the line has */
		const char *const *args;
	} cases[] = {
		{EXIT_NOT_FOUND, NO_SUCH_PID, ARGV("-p", NO_SUCH_PID)},
		{EXIT_NOT_FOUND, NO_SUCH_PID, ARGV("snapshot", "-p", NO_SUCH_PID)},
		{EXIT_NOT_FOUND, NO_SUCH_PID, ARGV("-p", self, "-p", NO_SUCH_PID)},
		{EXIT_NOT_FOUND, "/no/such/program", ARGV("--", "/no/such/program")},
		{EXIT_NOT_FOUND, "no-such-program", ARGV("--", "no-such-program", "-x")},
		{EXIT_NOT_FOUND, "/no/such/folder",
			ARGV("export", "-p", self, "--textfile", "/no/such/folder/x.prom")},
		{EXIT_BAD_USAGE, "(", ARGV("-p", self, "-r", "(")},
		{EXIT_BAD_USAGE, "--no-such-option", ARGV("--no-such-option")},
		{EXIT_BAD_USAGE, "", ARGV("-p", self, "-a")},
		{EXIT_BAD_USAGE, "", ARGV("-p", self, "--", "/bin/true")},
		{EXIT_BAD_USAGE, "", ARGV("trace")},
		{EXIT_BAD_USAGE, "abc", ARGV("-p", "abc")},
		{EXIT_BAD_USAGE, "-1", ARGV("-p", "-1")},
		{EXIT_BAD_USAGE, "0", ARGV("-p", "0")},
		{EXIT_BAD_USAGE, "99999999999", ARGV("-p", "99999999999")},
		{EXIT_BAD_USAGE, "yaml", ARGV("-p", self, "-o", "yaml")},
		{EXIT_BAD_USAGE, "nan", ARGV("-p", self, "-d", "nan")},
		{EXIT_BAD_USAGE, "4097", ARGV("-p", self, "--ring-bytes", "4097")},
		{EXIT_BAD_USAGE, "frobnicate", ARGV("frobnicate")},
		{EXIT_BAD_USAGE, "", ARGV("snapshot", "--", "/bin/true")},
		{EXIT_BAD_USAGE, "textfile", ARGV("export", "-p", self)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *args[16] = {world->bin};

		for (size_t a = 0; cases[i].args[a]; a++)
			args[a + 1] = cases[i].args[a];
		require_refusal(world, proc_start(world, args), cases[i].code, cases[i].word);
	}
}

/* A copy that somebody else can reach, wherever the original lies. */
static char *public_copy(struct world *world)
{
	char *path = scratch(world, "threadwatch");
	struct proc *copy = proc_start(world, ARGV("cp", world->bin, path));

	REQUIRE(world, proc_wait(world, copy) == 0 && chmod(path, 0755) == 0, "cp failed");
	return path;
}

static void not_root(struct world *world)
{
	char *bin = public_copy(world);

	require_refusal(world, proc_start_as(world, NOBODY, ARGV(bin, "-p", "1")),
		EXIT_NO_PERMISSION, "root");
	require_refusal(world, proc_start_as(world, NOBODY, ARGV(bin, "snapshot", "-a")),
		EXIT_NO_PERMISSION, "root");
	require_refusal(world, proc_start_as(world, NOBODY, ARGV(bin, "--", "/bin/true")),
		EXIT_NO_PERMISSION, "root");
	/* What is wrong with the command line is said to anybody. */
	require_refusal(
		world, proc_start_as(world, NOBODY, ARGV(bin, "-p", "abc")), EXIT_BAD_USAGE, "abc");
}

/* A number that was a process a moment ago. */
static void process_that_is_gone(struct world *world)
{
	struct proc *gone = proc_start(world, ARGV("/bin/true"));
	char *pid = text("%d", (int)gone->pid);

	proc_wait(world, gone);
	require_refusal(world, proc_start(world, ARGV(world->bin, "-p", pid)), EXIT_NOT_FOUND, pid);
}

/* Whenever it ends: either it was never there, or there is a stream with an end. */
static void process_that_ends_while_attaching(struct world *world)
{
	/* Attaching takes seconds in a guest: fewer tries, spread wider. */
	for (long i = 0; i < ATTACH_TRIES; i += scaled(world, 1, 4)) {
		struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", "1"));
		struct proc *tw = proc_start(
			world, ARGV(world->bin, "-o", "json", "-p", text("%d", (int)work->pid)));
		const char *err;
		int status;

		for (long ms = 0; ms < i * scaled(world, 5, 80); ms++)
			breathe();
		proc_send(world, work, "go\n");
		proc_wait(world, work);
		status = proc_wait(world, tw);
		err = proc_text(tw, CHANNEL_ERR);
		REQUIRE(world, status == 0 || status == EXIT_NOT_FOUND, "exit code %d: %s", status,
			err);
		if (status == 0)
			stream_read(world, tw);
		else
			REQUIRE(world, lines_in(err) == 1, "stderr: %s", err);
		proc_forget(world, tw);
		proc_forget(world, work);
	}
}

/* An output that takes nothing more: an error, not an endless stream into nowhere. */
static void output_is_full(struct world *world)
{
	struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", "200000"));
	struct proc *tw =
		proc_start(world, ARGV("/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/full", world->bin,
					  "-o", "json", "-p", text("%d", (int)work->pid)));
	int status;

	proc_send(world, work, "go\n");
	status = proc_wait(world, tw);
	REQUIRE(world, status != 0 && status < 128, "exit code %d", status);
	REQUIRE(world, strstr(proc_text(tw, CHANNEL_ERR), "cannot write"), "stderr: %s",
		proc_text(tw, CHANNEL_ERR));
	proc_signal(world, work, SIGKILL);
	proc_wait(world, work);
}

const struct live_test error_tests[] = {
	{"refusals", refusals, 0},
	{"not_root", not_root, ANYWHERE},
	{"process_that_is_gone", process_that_is_gone, ANYWHERE},
	{"process_that_ends_while_attaching", process_that_ends_while_attaching, 0},
	{"output_is_full", output_is_full, ANYWHERE},
	{0},
};
