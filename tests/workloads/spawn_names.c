/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spawn_names.c - threads named by their creator with TW_SPAWN.
 *
 * spawn_names [--now]. A given name holds for the next thread of this creator, for no other:
 * not for the one after it, and not for another creator's. spawn_plain threads have no given
 * name; all others are of the name that they print.
 */
#include "include/threadwatch.h"
#include "truth.h"

#define SUBNETS 3

/* 70 characters, of which the tracer keeps 63. */
#define LONG_NAME      "a-name-of-seventy-characters-is-longer-than-what-is-kept-of-it-0123456"
#define LONG_NAME_KEPT "a-name-of-seventy-characters-is-longer-than-what-is-kept-of-it-"

static void *spawn_named(void *name)
{
	truth_thread(name);
	return NULL;
}

static void *spawn_plain(void *unused)
{
	truth_thread("spawn_plain");
	return unused;
}

/* Two creators at once: neither takes the other's name. */
static void *spawn_creator(void *argument)
{
	char *name = argument;

	truth_thread("spawn_creator");
	for (int i = 0; i < SUBNETS; i++) {
		TW_SPAWN(name);
		truth_join(truth_create(spawn_named, name));
		truth_join(truth_create(spawn_plain, NULL));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static char built[] = "built-at-run-time-0", one[] = "egress-one", two[] = "egress-two";
	static char literal[] = "egress-test-subnet", kept[] = LONG_NAME_KEPT;
	pthread_t first, second;

	truth_ready(argc, argv);
	truth_thread("main");
	TW_SPAWN("egress-test-subnet");
	truth_join(truth_create(spawn_named, literal));
	for (int i = 0; i < SUBNETS; i++) {
		built[sizeof(built) - 2] = (char)('0' + i);
		TW_SPAWN(built);
		truth_join(truth_create(spawn_named, built));
	}
	TW_SPAWN(LONG_NAME);
	truth_join(truth_create(spawn_named, kept));
	first = truth_create(spawn_creator, one);
	second = truth_create(spawn_creator, two);
	truth_join(first);
	truth_join(second);
	truth_line("{\"totals\":{\"main\":1,\"spawn_creator\":2,\"egress-test-subnet\":1,"
		   "\"built-at-run-time-0\":1,\"built-at-run-time-1\":1,\"built-at-run-time-2\":1,"
		   "\"%s\":1,\"egress-one\":%d,\"egress-two\":%d,\"spawn_plain\":%d},\"failed\":0}",
		kept, SUBNETS, SUBNETS, 2 * SUBNETS);
	return 0;
}
