/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_process.c - addresses of live, dead and changing processes, named.
 *
 * The processes are this very program: forked, or executed again with a word that says what to
 * do. Each tells the address of marker_function through its standard output and then waits
 * until it is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_target_fixture.h"

#define DEADLINE_S 60
#define SELF	   "/proc/self/exe"
#define DO_WAIT	   "wait"
#define DO_LEAVE   "leader-leaves"
#define DO_EXEC	   "exec-on-signal"

__attribute__((noinline)) int marker_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

static uint64_t marker(void)
{
	return (uint64_t)(uintptr_t)marker_function;
}

static void tell(void)
{
	const uint64_t words[2] = {marker(), getauxval(AT_SYSINFO_EHDR)};

	if (write(STDOUT_FILENO, words, sizeof(words)) != sizeof(words))
		_exit(1);
}

__attribute__((noreturn)) static void *tell_and_wait(void *unused)
{
	(void)unused;
	tell();
	for (;;)
		pause();
}

static void exec_on_signal(void)
{
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	tell();
	sigwait(&signals, &number);
	execl(SELF, SELF, DO_WAIT, NULL);
}

struct child {
	pid_t pid;
	int words;
	uint64_t marker, vdso;
};

static void hear(struct child *child)
{
	uint64_t words[2];

	assert_int_equal(read(child->words, words, sizeof(words)), sizeof(words));
	child->marker = words[0];
	child->vdso = words[1];
}

/* Starts a child (program NULL: a fork of this process) and waits for its word. */
static struct child start(const char *program, const char *word)
{
	struct child child;

	child.pid = fork_that_tells(&child.words);
	if (!child.pid) {
		alarm(DEADLINE_S);
		if (program)
			execl(program, program, word, NULL);
		else
			tell_and_wait(NULL);
		_exit(1);
	}
	hear(&child);
	return child;
}

static void stop(const struct child *child)
{
	kill_and_reap(child->pid, child->words);
}

static void expect_marker(struct target *target, uint64_t address, uint64_t distance)
{
	struct symbol symbol;

	assert_int_equal(target_symbolize(target, address, &symbol), 0);
	assert_string_equal(symbol.text, "marker_function");
	assert_int_equal(symbol.distance, distance);
	assert_true(symbol.resolved && symbol.executable);
}

static void copy_self_to(const char *path)
{
	struct stat status;
	int from = open(SELF, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

	assert_true(from >= 0 && to >= 0 && !fstat(from, &status));
	while (sendfile(to, from, NULL, (size_t)status.st_size) > 0)
		;
	close(from);
	close(to);
}

/* A copy of this program in a folder of its own; both paths are written. */
static void copy_self(char folder[PATH_MAX], char path[PATH_MAX])
{
	strcpy(folder, "/tmp/test_target_XXXXXX");
	assert_non_null(mkdtemp(folder));
	strcat(strcpy(path, folder), "/copy");
	copy_self_to(path);
}

static void names_its_own_functions(void **state)
{
	struct target *target = target_open(*state, getpid());
	struct symbol symbol;

	assert_non_null(target);
	expect_marker(target, marker(), 0);
	expect_marker(target, marker() + 1, 1);
	assert_int_equal(
		target_symbolize(target, (uint64_t)(uintptr_t)gnu_get_libc_version, &symbol), 0);
	assert_string_equal(symbol.text, "gnu_get_libc_version");
	target_free(target);
}

static void says_what_is_no_function(void **state)
{
	struct target *target;
	struct symbol symbol;
	char *anonymous =
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int local = 0;

	target = target_open(*state, getpid());
	assert_int_equal(target_symbolize(target, 1, &symbol), -ENOENT);
	assert_string_equal(symbol.text, "");
	assert_int_equal(target_symbolize(target, (uint64_t)(uintptr_t)anonymous, &symbol), 0);
	assert_true(symbol.executable && !symbol.resolved);
	assert_memory_equal(symbol.text, "[anon]+0x", 9);
	assert_int_equal(target_symbolize(target, getauxval(AT_SYSINFO_EHDR) + 0x10, &symbol), 0);
	assert_string_equal(symbol.text, "[vdso]+0x10");
	assert_true(symbol.executable && !symbol.resolved);
	assert_int_equal(target_symbolize(target, (uint64_t)(uintptr_t)&local, &symbol), 0);
	assert_true(!symbol.executable && !symbol.resolved);
	target_free(target);
	munmap(anonymous, 4096);
}

static void names_the_vdso(void **state)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR);
	struct child child = start(SELF, DO_WAIT);
	struct target *target = target_open(*state, getpid()), *other;
	struct symbol symbol;
	uint64_t at = 0, last = 0;
	bool found = false;

	/* Where the function is only the vdso itself says: every place in it is asked. */
	for (at = base; !found && !target_symbolize(target, at, &symbol); at += 16)
		found = !strcmp(symbol.text, "__vdso_clock_gettime") && symbol.distance < 16;
	assert_true(found);
	assert_true(symbol.resolved && symbol.executable);
	last = at - 16 - base;
	other = target_open(*state, child.pid);
	assert_non_null(other);
	assert_int_equal(target_refresh(other), 0);
	assert_int_equal(target_symbolize(other, child.vdso + last, &symbol), 0);
	assert_string_equal(symbol.text, "__vdso_clock_gettime");
	stop(&child);
	assert_int_equal(target_symbolize(other, child.vdso + last, &symbol), 0);
	assert_string_equal(symbol.text, "__vdso_clock_gettime"); /* it was read before */
	target_free(other);
	target_free(target);
}

static void refuses_what_is_no_process(void **state)
{
	struct child child = start(NULL, NULL);

	stop(&child);
	assert_null(target_open(*state, child.pid));
	assert_int_equal(errno, ESRCH);
	assert_null(target_open(*state, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(target_open(*state, -1));
	target_free(NULL);
}

static void names_a_call_site(void **state)
{
	struct module_cache *cache = *state;
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	struct module *module = module_open(cache, fd, "self");
	struct target *target = target_open(cache, getpid());
	uint64_t vaddr, bytes;
	char text[64], expected[64];

	close(fd);
	assert_int_equal(module_symbol(module, "marker_function", &vaddr, &bytes), 0);
	assert_int_equal(target_call_site(target, marker() + 2, text, sizeof(text)), 0);
	assert_string_equal(text, "marker_function+0x2");
	/* A call that does not return may be a function's last instruction. */
	assert_int_equal(target_call_site(target, marker() + bytes, text, sizeof(text)), 0);
	snprintf(expected, sizeof(expected), "marker_function+0x%" PRIx64, bytes);
	assert_string_equal(text, expected);
	assert_int_equal(target_call_site(target, marker() + 2, text, 10), 0);
	assert_string_equal(text, "mark~+0x2");
	assert_int_equal(target_call_site(target, 0, text, sizeof(text)), -ENOENT);
	assert_int_equal(target_call_site(target, 2, text, sizeof(text)), -ENOENT);
	assert_int_equal(
		target_call_site(target, getauxval(AT_SYSINFO_EHDR) + 0x10, text, sizeof(text)), 0);
	assert_string_equal(text, "[vdso]+0x10");
	target_free(target);
	module_put(module);
}

/* The same file once more, at another place: found by reading the maps again. */
static void finds_what_was_mapped_later(void **state)
{
	struct module_cache *cache = *state;
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	struct module *module = module_open(cache, fd, "self");
	struct target *target = target_open(cache, getpid());
	uint64_t vaddr, bytes, offset, page;
	char *again;

	assert_int_equal(module_symbol(module, "marker_function", &vaddr, &bytes), 0);
	offset = module_vaddr_to_offset(module, vaddr);
	page = offset & ~(uint64_t)4095;
	expect_marker(target, marker(), 0);
	again = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)page);
	assert_ptr_not_equal(again, MAP_FAILED);
	expect_marker(target, (uint64_t)(uintptr_t)again + (offset - page), 0);
	munmap(again, 8192);
	close(fd);
	target_free(target);
	module_put(module);
}

static void names_a_forked_child(void **state)
{
	struct child child = start(NULL, NULL);
	struct target *target = target_open(*state, child.pid);

	assert_non_null(target);
	expect_marker(target, child.marker, 0);
	target_free(target);
	stop(&child);
}

/* Whether or not one of its files was needed before. */
static void names_a_child_that_died(void **state)
{
	for (int asked_before = 0; asked_before < 2; asked_before++) {
		struct child child = start(SELF, DO_WAIT);
		struct target *target = target_open(*state, child.pid);

		assert_non_null(target);
		if (asked_before)
			expect_marker(target, child.marker + 1, 1);
		stop(&child);
		expect_marker(target, child.marker, 0);
		assert_true(target_refresh(target) < 0);
		expect_marker(target, child.marker, 0);
		target_free(target);
	}
}

static void names_a_deleted_executable(void **state)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct child child;
	struct target *target;

	copy_self(folder, path);
	child = start(path, DO_WAIT);
	unlink(path);
	rmdir(folder);
	target = target_open(*state, child.pid);
	assert_non_null(target);
	expect_marker(target, child.marker, 0);
	assert_int_equal(target_refresh(target), 0);
	stop(&child);
	expect_marker(target, child.marker, 0);
	target_free(target);
}

/* Another file took the path after the process had died: its names would be lies. */
static void does_not_name_from_another_file(void **state)
{
	for (int is_fifo = 0; is_fifo < 2; is_fifo++) {
		char folder[PATH_MAX], path[PATH_MAX];
		struct child child;
		struct target *target;
		struct symbol symbol;

		copy_self(folder, path);
		child = start(path, DO_WAIT);
		target = target_open(*state, child.pid);
		assert_non_null(target);
		stop(&child);
		unlink(path);
		if (is_fifo)
			assert_int_equal(mkfifo(path, 0600), 0); /* and it must not block */
		else
			copy_self_to(path);
		assert_int_equal(target_symbolize(target, child.marker, &symbol), 0);
		assert_false(symbol.resolved);
		assert_memory_equal(symbol.text, "copy+0x", 7);
		target_free(target);
		unlink(path);
		rmdir(folder);
	}
}

static void keeps_to_its_image_after_exec(void **state)
{
	struct child child = start(SELF, DO_EXEC);
	struct target *target = target_open(*state, child.pid);
	struct symbol symbol;
	uint64_t before = child.marker;

	assert_non_null(target);
	expect_marker(target, before, 0);
	kill(child.pid, SIGUSR1);
	hear(&child);
	assert_int_equal(target_refresh(target), -ESTALE);
	expect_marker(target, before, 0);
	if (before != child.marker) /* it could be loaded at the same place again */
		assert_true(target_symbolize(target, child.marker, &symbol) == -ENOENT ||
			    strcmp(symbol.text, "marker_function"));
	target_free(target);
	target = target_open(*state, child.pid);
	assert_non_null(target);
	expect_marker(target, child.marker, 0);
	target_free(target);
	stop(&child);
}

static bool is_zombie(pid_t pid)
{
	char path[64], text[512] = "";
	const char *behind;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail_msg("no %s", path);
	close(fd);
	behind = strrchr(text, ')');
	return behind && behind[2] == 'Z';
}

static void names_a_process_whose_leader_left(void **state)
{
	struct child child = start(SELF, DO_LEAVE);
	struct target *target;

	while (!is_zombie(child.pid)) /* the alarm is the deadline */
		sched_yield();
	target = target_open(*state, child.pid);
	assert_non_null(target);
	expect_marker(target, child.marker, 0);
	assert_int_equal(target_refresh(target), 0);
	target_free(target);
	stop(&child);
}

struct seen {
	size_t count, limit;
	const struct module *modules[MODULES];
	bool libc, self;
};

static int see(struct module *module, const struct mapping *mapping, void *context)
{
	struct seen *seen = context;

	assert_true(mapping->executable);
	assert_ptr_equal(mapping->module, module);
	for (size_t i = 0; i < seen->count; i++)
		assert_ptr_not_equal(seen->modules[i], module);
	assert_true(seen->count < MODULES);
	seen->modules[seen->count++] = module;
	seen->libc |= !strncmp(module_basename(module), "libc.so", 7);
	seen->self |= mapping->start <= marker() && marker() < mapping->end;
	return seen->count == seen->limit ? 7 : 0;
}

static void visits_each_file_once(void **state)
{
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	void *again = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	struct target *target = target_open(*state, getpid());
	struct seen all = {0}, some = {.limit = 2};

	close(fd);
	assert_int_equal(target_each_module(target, see, &all), 0);
	assert_true(all.libc && all.count > 2);
	assert_int_equal(target_each_module(target, see, &some), 7);
	assert_int_equal(some.count, 2);
	all = (struct seen){0};
	assert_int_equal(target_each_module(target, see, &all), 0);
	assert_true(all.libc);
	target_free(target);
	munmap(again, 4096);
}

static int new_cache(void **state)
{
	*state = module_cache_new(8);
	return *state ? 0 : -1;
}

static int free_cache(void **state)
{
	module_cache_free(*state);
	return 0;
}

static int play(const char *word)
{
	pthread_t thread;

	if (!strcmp(word, DO_WAIT))
		tell_and_wait(NULL);
	if (!strcmp(word, DO_EXEC))
		exec_on_signal();
	if (!strcmp(word, DO_LEAVE) && !pthread_create(&thread, NULL, tell_and_wait, NULL))
		pthread_exit(NULL);
	return 1;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, new_cache, free_cache)

int main(int count, char **words)
{
	const struct CMUnitTest tests[] = {
		TEST(names_its_own_functions),
		TEST(says_what_is_no_function),
		TEST(names_the_vdso),
		TEST(refuses_what_is_no_process),
		TEST(names_a_call_site),
		TEST(finds_what_was_mapped_later),
		TEST(names_a_forked_child),
		TEST(names_a_child_that_died),
		TEST(names_a_deleted_executable),
		TEST(does_not_name_from_another_file),
		TEST(keeps_to_its_image_after_exec),
		TEST(names_a_process_whose_leader_left),
		TEST(visits_each_file_once),
	};

	if (count > 1)
		return play(words[1]);
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
