/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.c - names meant to break whoever prints them.
 *
 * hostile [--hold] [--now]. A process and its threads carry escapes, newlines, quotes, invalid
 * UTF-8 and a bidirectional override in their comm, in given names, in span names and in the
 * keys and values of data. Prints {"names":N}, how many there are, before its totals. --hold:
 * one thread then stays within hostile spans until a line comes.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "include/threadwatch.h"
#include "truth.h"

#define NAMES 8

static const char *const hostile_names[NAMES] = {
	"\033[2J\033[31mred",
	"a\nfinished 1 2",
	"q\"u\\o\",\"x\":1",
	"tab\there\rback",
	"\xff\xfe\xc3(",
	"\xe2\x80\xaeoverride",
	"\xc2\x9b[31mc1",
	"a\",b=\"c\"} 1\n",
};

struct hostile_hold {
	pthread_barrier_t barrier;
};

static void *hostile_worker(void *argument)
{
	const char *name = argument;

	if (prctl(PR_SET_NAME, name))
		truth_die("prctl: %s", strerror(errno));
	TW_ROUTINE(name);
	TW_DATA(name, name);
	return NULL;
}

static void *hostile_holder(void *argument)
{
	struct hostile_hold *hold = argument;

	for (int i = 0; i < NAMES - 1; i++)
		TW_BEGIN(hostile_names[i]);
	pthread_barrier_wait(&hold->barrier);
	pthread_barrier_wait(&hold->barrier);
	for (int i = 0; i < NAMES - 1; i++)
		TW_END();
	return NULL;
}

static void hold(void)
{
	struct hostile_hold hold;
	pthread_t thread;

	if (pthread_barrier_init(&hold.barrier, NULL, 2))
		truth_die("pthread_barrier_init");
	TW_SPAWN(hostile_names[0]);
	thread = truth_create(hostile_holder, &hold);
	pthread_barrier_wait(&hold.barrier);
	truth_line("{\"settled\":true,\"threads\":2}");
	truth_wait_line();
	pthread_barrier_wait(&hold.barrier);
	truth_join(thread);
}

int main(int argc, char **argv)
{
	truth_ready(argc, argv);
	if (prctl(PR_SET_NAME, "m\n\033]0;\"\\x"))
		truth_die("prctl: %s", strerror(errno));
	for (int i = 0; i < NAMES; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s", hostile_names[i]);
		TW_SPAWN(name);
		truth_join(truth_create(hostile_worker, name));
	}
	if (truth_flag(argc, argv, "--hold"))
		hold();
	truth_line(
		"{\"totals\":{\"main\":1,\"hostile\":%d},\"names\":%d,\"failed\":0}", NAMES, NAMES);
	return 0;
}
