/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_fixture.h - what tests of processes share: a cache of modules, a child that tells.
 *
 * Include it behind cmocka.h.
 */
#ifndef TW_TEST_TARGET_FIXTURE_H
#define TW_TEST_TARGET_FIXTURE_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/target.h"

#define MODULES 64

static inline int set_up_cache(void **state)
{
	*state = module_cache_new(MODULES);
	return !*state;
}

static inline int tear_down_cache(void **state)
{
	module_cache_free(*state);
	return 0;
}

/* A test whose state is a struct module_cache. */
#define TEST_WITH_CACHE(name) cmocka_unit_test_setup_teardown(name, set_up_cache, tear_down_cache)

/* As fork(); what the child writes to its standard output can be read from *words. */
static inline pid_t fork_that_tells(int *words)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		return 0;
	}
	close(ends[1]);
	*words = ends[0];
	return pid;
}

static inline void kill_and_reap(pid_t pid, int words)
{
	close(words);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
