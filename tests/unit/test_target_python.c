/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_python.c - names of the threads of real Python interpreters.
 *
 * Runs tests/workloads/threads.py, which says how each of its threads must be named, under the
 * system's Python and under those that tests/pythons.sh has unpacked. Needs to run in the folder
 * of the source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/python.h"

#define MODULES	   64
#define DEADLINE_S 60
#define WORKLOAD   "tests/workloads/threads.py"
#define SYSTEM	   "/usr/bin/python3"
#define UNPACKED   "/threadwatch/python/*/run"
#define LINE_BYTES 4096
#define BOOT_WORD  1
#define FORMS_MIN  40 /* so many forms need no module that may be missing */
#define NO_ACTIVE  2  /* forms that only _thread started */

enum field { FORM, TEXT, FULL, SOURCE, HEURISTIC, PTHREAD, CALLEE, THREAD, TID, FIELDS };

struct python_process {
	pid_t pid;
	int input;
	FILE *output;
};

static struct python_process start(const char *python, const char *form)
{
	struct python_process process;
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	process.pid = fork();
	if (!process.pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		alarm(DEADLINE_S);
		execl(python, python, WORKLOAD, form, NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	process.input = in[1];
	process.output = fdopen(out[0], "r");
	assert_non_null(process.output);
	return process;
}

static void stop(struct python_process *process)
{
	close(process->input);
	fclose(process->output);
	assert_int_equal(waitpid(process->pid, NULL, 0), process->pid);
}

/* False at "ready". */
static bool next_line(struct python_process *process, char *line, char *fields[FIELDS])
{
	assert_non_null(fgets(line, LINE_BYTES, process->output));
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "ready"))
		return false;
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = strsep(&line, "\t");
		assert_non_null(fields[i]);
	}
	return true;
}

static const char *source_text(uint32_t source)
{
	switch (source) {
	case WIRE_SOURCE_SYMBOL:
		return "symbol";
	case WIRE_SOURCE_TYPE:
		return "type";
	case WIRE_SOURCE_SPAWN:
		return "spawn";
	default:
		return "?";
	}
}

static void expect(const struct callable_name *name, char *const fields[FIELDS])
{
	print_message("%s\n", fields[FORM]);
	assert_string_equal(name->text, fields[TEXT]);
	assert_string_equal(name->full, fields[FULL]);
	assert_string_equal(source_text(name->source), fields[SOURCE]);
	assert_int_equal(name->heuristic, atoi(fields[HEURISTIC]));
}

/* The thread that runs has the name, and no other has it. */
static void expect_owner(struct target *target, const struct wire_callable *callable,
	char *const fields[FIELDS], pid_t other)
{
	pid_t tid = atoi(fields[TID]);

	if (!tid)
		return;
	assert_true(target_python_owns(target, callable, tid));
	assert_false(target_python_owns(target, callable, other));
}

static void name_all(const char *python)
{
	struct python_process process = start(python, "all");
	struct module_cache *cache = module_cache_new(MODULES);
	struct target *target = NULL;
	char line[LINE_BYTES], *fields[FIELDS];
	size_t count = 0, unknown = 0;

	while (next_line(&process, line, fields)) {
		struct wire_callable callable = {
			.trampoline = WIRE_TRAMPOLINE_PYTHON,
			.object_count = BOOT_WORD + 1,
			.inner_address = strtoull(fields[THREAD], NULL, 10),
		};
		struct callable_name name;

		callable.object[BOOT_WORD] = strtoull(fields[CALLEE], NULL, 10);
		if (!target)
			target = target_open(cache, process.pid);
		assert_non_null(target);
		assert_int_equal(python_thread_name(target, &callable, &name), 0);
		expect(&name, fields);
		expect_owner(target, &callable, fields, process.pid);
		count++;
		/* And as a thread that was there before. */
		if (target_python_thread(target, strtoull(fields[PTHREAD], NULL, 10), &callable)) {
			unknown++;
			continue;
		}
		assert_int_equal(callable.inner_address, strtoull(fields[THREAD], NULL, 10));
		assert_int_equal(python_thread_name(target, &callable, &name), 0);
		expect(&name, fields);
		expect_owner(target, &callable, fields, process.pid);
	}
	assert_true(count >= FORMS_MIN);
	assert_int_equal(unknown, NO_ACTIVE);
	stop(&process);
	target_free(target);
	module_cache_free(cache);
}

static void test_system(void **state)
{
	(void)state;
	if (access(SYSTEM, X_OK))
		skip();
	name_all(SYSTEM);
}

static void test_unpacked(void **state)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char pattern[LINE_BYTES];
	glob_t found = {0};

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s%s" UNPACKED,
		cache  ? cache
		: home ? home
		       : "",
		cache ? "" : "/.cache");
	if (glob(pattern, 0, NULL, &found) || !found.gl_pathc) {
		globfree(&found);
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		print_message("%s\n", found.gl_pathv[i]);
		name_all(found.gl_pathv[i]);
	}
	globfree(&found);
}

/* Its objects were in its memory only. */
static void test_gone(void **state)
{
	struct module_cache *cache = module_cache_new(MODULES);
	struct python_process process;
	struct target *target;
	struct wire_callable callable = {.trampoline = WIRE_TRAMPOLINE_PYTHON, .object_count = 2};
	struct callable_name name = {.text = "untouched"};
	char line[LINE_BYTES], ready[LINE_BYTES], *fields[FIELDS];

	(void)state;
	if (access(SYSTEM, X_OK))
		skip();
	process = start(SYSTEM, "function");
	assert_true(next_line(&process, line, fields));
	target = target_open(cache, process.pid);
	assert_non_null(target);
	callable.inner_address = strtoull(fields[THREAD], NULL, 10);
	callable.object[BOOT_WORD] = strtoull(fields[CALLEE], NULL, 10);
	assert_non_null(fgets(ready, sizeof(ready), process.output));
	assert_true(target_python_owns(target, &callable, atoi(fields[TID])));
	stop(&process);
	assert_false(target_python_owns(target, &callable, atoi(fields[TID])));
	assert_int_equal(python_thread_name(target, &callable, &name), -ENOENT);
	assert_string_equal(name.text, "untouched");
	target_free(target);
	module_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_unpacked),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests_name("target_python", tests, NULL, NULL);
}
