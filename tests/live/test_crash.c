/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_crash.c - kill -9 of threadwatch: the kernel is clean, the target unharmed, the next
 * threadwatch works.
 */
#include <signal.h>
#include <string.h>

#include "leftovers.h"
#include "stream.h"
#include "tests.h"

#define LEFTOVER_MS 10000

static void require_clean(struct world *world, const struct bpf_state *before)
{
	char *leftover = bpf_state_leftover(before, LEFTOVER_MS * world->scale);

	REQUIRE(world, !leftover, "after kill -9 it %s", leftover);
}

static void kill_and_restart(struct world *world, int signal)
{
	struct bpf_state before = bpf_state_take();
	struct proc *work = work_start(
		world, ARGV(workload(world, "churn"), "--endless", "-c", "2", "--routines", "3"));
	char *pid = text("%d", (int)work->pid);
	struct proc *first = tw_start(world, ARGV("-o", "json", "-p", pid), NULL), *second;
	struct stream_log log;
	struct truth truth;

	stream_ready(world, first);
	proc_send(world, work, "go\n");
	for (int i = 0; i < 100; i++)
		json_decref(stream_event(world, first, "finished", "instance", "thread"));
	proc_signal(world, first, signal);
	REQUIRE(world, proc_wait(world, first) == 128 + signal, "it lives on");
	require_clean(world, &before);

	second = tw_start(world, ARGV("-o", "json", "-p", pid), NULL);
	stream_ready(world, second);
	proc_send(world, work, "enough\n");
	truth = truth_read(world, work);
	REQUIRE(world, proc_wait(world, work) == 0 && truth.failed == 0,
		"the target came to harm: %s", json_dumps(truth.totals, 0));
	stream_stop(world, second);
	log = stream_read(world, second);
	REQUIRE(world, lives_of(&log, "main") == 1 && lives_of(&log, "churn_creator") == 2,
		"the second one sees %zu main, %zu creators", lives_of(&log, "main"),
		lives_of(&log, "churn_creator"));
}

static void killed_and_restarted(struct world *world)
{
	kill_and_restart(world, SIGKILL);
}

/* What -- started lives on when threadwatch is killed. */
static void killed_with_a_launched_program(struct world *world)
{
	struct bpf_state before = bpf_state_take();
	struct proc *tw =
		tw_start(world, ARGV("-o", "json"), ARGV(workload(world, "churn"), "-n", "5000"));
	struct truth truth;

	stream_ready(world, tw);
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "ready"));
	proc_signal(world, tw, SIGKILL);
	while (!proc_ended(tw))
		procs_pump(world, 1);
	require_clean(world, &before);
	proc_send(world, tw, "go\n"); /* the program has inherited this pipe */
	truth = truth_read(world, tw);
	REQUIRE(world, truth_total(&truth) == 5002, "the program came to harm");
	proc_wait(world, tw);
}

/* Killed at any moment of its start. */
static void killed_while_attaching(struct world *world)
{
	struct bpf_state before = bpf_state_take();
	struct proc *work = work_start(world, ARGV(workload(world, "churn"), "-n", "1000"));

	for (int delay = 0; delay < 40; delay++) {
		struct proc *tw =
			tw_start(world, ARGV("-o", "json", "-p", text("%d", (int)work->pid)), NULL);

		for (int ms = 0; ms < delay * 4; ms++)
			breathe();
		proc_signal(world, tw, SIGKILL);
		proc_wait(world, tw);
		proc_forget(world, tw);
	}
	require_clean(world, &before);
	proc_send(world, work, "go\n");
	REQUIRE(world, truth_read(world, work).failed == 0 && proc_wait(world, work) == 0,
		"the target came to harm");
}

const struct live_test crash_tests[] = {
	{"killed_and_restarted", killed_and_restarted, 120},
	{"killed_with_a_launched_program", killed_with_a_launched_program, ANYWHERE},
	{"killed_while_attaching", killed_while_attaching, 120},
	{0},
};
