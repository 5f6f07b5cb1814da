/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_memory.c - memory of a process that lives, of one that died, of another image.
 *
 * The process is this very program, executed again: it tells where its data are and waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_target_fixture.h"

#define DEADLINE_S 60
#define SELF	   "/proc/self/exe"
#define DO_WAIT	   "wait"
#define DO_EXEC	   "exec-on-signal"
#define PAGE	   4096u

/* Relocated by the dynamic loader, then read-only, as a vtable is. */
struct table {
	const char *text;
	int (*function)(int value);
	uint64_t number;
};

static int triple(int value)
{
	return value * 3;
}

static const struct table table = {"a text", triple, 0x1122334455667788u};
static struct table writable = {"another", triple, 1};

/* What the other process is asked to tell. */
struct places {
	uint64_t table, writable, triple;
	struct table seen;
};

static int play(const char *word)
{
	struct places places = {
		.table = (uintptr_t)&table,
		.writable = (uintptr_t)&writable,
		.triple = (uintptr_t)triple,
		.seen = table,
	};
	sigset_t signals;
	int number;

	alarm(DEADLINE_S);
	writable.number++;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (write(STDOUT_FILENO, &places, sizeof(places)) != sizeof(places))
		return 1;
	sigwait(&signals, &number);
	if (!strcmp(word, DO_EXEC))
		execl(SELF, SELF, DO_WAIT, NULL);
	return 0;
}

struct child {
	pid_t pid;
	int words;
	struct places places;
};

static void hear(struct child *child)
{
	assert_int_equal(
		read(child->words, &child->places, sizeof(child->places)), sizeof(child->places));
}

static struct child start(const char *word)
{
	struct child child;

	child.pid = fork_that_tells(&child.words);
	if (!child.pid) {
		execl(SELF, SELF, word, NULL);
		_exit(1);
	}
	hear(&child);
	return child;
}

static void stop(const struct child *child)
{
	kill_and_reap(child->pid, child->words);
}

static void expect_table(struct target *target, const struct child *child)
{
	struct table seen;
	char text[16], code[4];

	assert_int_equal(target_read(target, child->places.table, &seen, sizeof(seen)), 0);
	assert_memory_equal(&seen, &child->places.seen, sizeof(seen));
	assert_int_equal(
		target_read_text(target, (uintptr_t)child->places.seen.text, text, sizeof(text)),
		0);
	assert_string_equal(text, "a text");
	assert_int_equal(target_read(target, child->places.triple, code, sizeof(code)), 0);
	assert_memory_equal(code, (const void *)(uintptr_t)triple, sizeof(code));
	/* A word in pieces, and one that does not begin where a pointer does. */
	for (size_t at = 0; at < sizeof(seen); at++) {
		unsigned char byte, pair[2] = {0};
		size_t bytes = at + 1 < sizeof(seen) ? 2 : 1;

		assert_int_equal(target_read(target, child->places.table + at, &byte, 1), 0);
		assert_int_equal(byte, ((const unsigned char *)&child->places.seen)[at]);
		assert_int_equal(target_read(target, child->places.table + at, pair, bytes), 0);
		assert_memory_equal(pair, (const unsigned char *)&child->places.seen + at, bytes);
	}
}

static void reads_the_living(void **state)
{
	struct child child = start(DO_WAIT);
	struct target *target = target_open(*state, child.pid);
	uint64_t number;

	assert_non_null(target);
	expect_table(target, &child);
	assert_int_equal(target_read(target, child.places.writable + offsetof(struct table, number),
				 &number, sizeof(number)),
		0);
	assert_int_equal(number, 2);
	target_free(target);
	stop(&child);
}

/* Constant data as it was; nothing that the process may have changed. */
static void reads_the_dead(void **state)
{
	for (int asked_before = 0; asked_before < 2; asked_before++) {
		struct child child = start(DO_WAIT);
		struct target *target = target_open(*state, child.pid);
		uint64_t number;

		assert_non_null(target);
		if (asked_before)
			expect_table(target, &child);
		stop(&child);
		expect_table(target, &child);
		assert_int_equal(
			target_read(target, child.places.writable, &number, sizeof(number)),
			-EFAULT);
		target_free(target);
	}
}

/* After an execve the addresses mean something else: what was mapped then is told, or nothing. */
static void keeps_to_its_image(void **state)
{
	for (int asked_before = 0; asked_before < 2; asked_before++) {
		struct child child = start(DO_EXEC), before = child;
		struct target *target = target_open(*state, child.pid);
		uint64_t number;

		assert_non_null(target);
		if (asked_before)
			expect_table(target, &child);
		kill(child.pid, SIGUSR1);
		hear(&child);
		expect_table(target, &before);
		assert_int_equal(
			target_read(target, child.places.writable, &number, sizeof(number)),
			-EFAULT);
		target_free(target);
		stop(&child);
	}
}

static void refuses_what_is_not_there(void **state)
{
	struct target *target = target_open(*state, getpid());
	char *pages = mmap(
		NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char out[TARGET_READ_BYTES_MAX + 1];
	uint64_t end = (uintptr_t)pages + PAGE;
	char text[2 * PAGE];

	assert_ptr_not_equal(pages, MAP_FAILED);
	munmap(pages + PAGE, PAGE);
	memset(pages, 'x', PAGE);
	strcpy(pages + PAGE - 4, "end");
	assert_int_equal(target_read(target, end - 4, out, 4), 0);
	assert_int_equal(target_read(target, end - 4, out, 5), -EFAULT);
	assert_int_equal(target_read(target, 0, out, 1), -EFAULT);
	assert_int_equal(target_read(target, UINT64_MAX, out, 2), -EINVAL);
	assert_int_equal(target_read(target, UINT64_MAX - 8, out, 8), -EFAULT);
	assert_int_equal(target_read(target, end - 4, out, sizeof(out)), -EINVAL);
	assert_int_equal(target_read_text(target, end - 4, text, sizeof(text)), 0);
	assert_string_equal(text, "end");
	assert_int_equal(target_read_text(target, end - 8, text, 4), -ENAMETOOLONG);
	pages[PAGE - 1] = 'x';
	assert_int_equal(target_read_text(target, end - 8, text, sizeof(text)), -EFAULT);
	munmap(pages, PAGE);
	target_free(target);
}

int main(int count, char **words)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_CACHE(reads_the_living),
		TEST_WITH_CACHE(reads_the_dead),
		TEST_WITH_CACHE(keeps_to_its_image),
		TEST_WITH_CACHE(refuses_what_is_not_there),
	};

	if (count > 1)
		return play(words[1]);
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
