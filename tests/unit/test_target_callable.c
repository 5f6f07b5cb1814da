/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_callable.c - names of what threads of real programs were to call.
 *
 * Each workload starts one thread of a form and tells what its author would call it. The thread
 * is found by its control block, as a late attach does, then named, then named once more when
 * the process has been killed: from what was read before and from its files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/target.h"

#define MODULES	   64
#define DEADLINE_S 120
#define LINE_BYTES 4096
#define FORMS_MAX  128

static char workloads[PATH_MAX];

/* ---- a workload with one thread ---- */

struct work {
	pid_t pid;
	FILE *out;
	int in;
	json_t *form, *thread;
};

static json_t *read_line(struct work *work, const char *key)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), work->out)) {
		json_t *object = json_loads(line, 0, NULL);

		if (json_object_get(object, key))
			return object;
		json_decref(object);
	}
	fail_msg("no line with %s", key);
	return NULL;
}

static void launch(const char *program, const char *form, struct work *work)
{
	int in[2], out[2];
	char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", workloads, program);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	work->pid = fork();
	if (!work->pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		alarm(DEADLINE_S);
		execl(path, path, form, NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	work->in = in[1];
	work->out = fdopen(out[0], "r");
}

static struct work start(const char *program, const char *form)
{
	struct work work = {0};

	launch(program, form, &work);
	work.form = read_line(&work, "expected");
	work.thread = read_line(&work, "thread");
	return work;
}

static void kill_work(struct work *work)
{
	kill(work->pid, SIGKILL);
	assert_int_equal(waitpid(work->pid, NULL, 0), work->pid);
}

static void finish(struct work *work)
{
	json_decref(work->form);
	json_decref(work->thread);
	fclose(work->out);
	close(work->in);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- its thread ---- */

struct birth {
	uint64_t start_fn, start_arg;
};

/* Offset in struct pthread of the start routine; all glibcs here are of one build. */
static uint32_t start_routine_offset(void)
{
	const uint32_t *field = dlsym(RTLD_DEFAULT, "_thread_db_pthread_start_routine");

	assert_non_null(field);
	return field[2];
}

static struct birth birth_of(const struct work *work)
{
	pid_t tid = (pid_t)json_integer_value(json_object_get(work->thread, "tid"));
	struct user_regs_struct registers;
	struct birth birth;
	struct iovec local = {&birth, sizeof(birth)}, remote = {.iov_len = sizeof(birth)};

	assert_int_equal(ptrace(PTRACE_ATTACH, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, NULL, __WALL), tid);
	assert_int_equal(ptrace(PTRACE_GETREGS, tid, NULL, &registers), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
	remote.iov_base = (void *)(registers.fs_base + start_routine_offset());
	assert_int_equal(process_vm_readv(work->pid, &local, 1, &remote, 1, 0), sizeof(birth));
	return birth;
}

/* ---- what is expected ---- */

#define STRIPPED (1u << 0) /* functions are told by their place */
#define STALE	 (1u << 3) /* the argument may be gone when the thread runs */
#define LEGACY	 (1u << 2) /* Rust's older mangling: no numbers of closures, merged functions */
#define UNSIZED	 (1u << 1) /* no size where objects are deleted: a type may be all there is */

struct program {
	const char *name;
	uint32_t trampoline;
	unsigned int traits;
};

static void expect_name(
	const struct program *program, const struct work *work, const struct callable_name *name)
{
	const char *form = text_of(work->form, "form"), *expected = text_of(work->form, "expected");
	const char *source = text_of(work->form, "source");
	char place[NAME_MAX];

	if (program->traits & LEGACY)
		expected = text_of(work->form, "legacy");
	print_message("%-28s %-22s %-34s %s%s\n", program->name, form, name->text,
		name->source == WIRE_SOURCE_TYPE ? "type" : "symbol",
		name->heuristic ? " heuristic" : "");
	if (program->traits & STRIPPED &&
		(!strcmp(source, "symbol") || name->source == WIRE_SOURCE_SYMBOL)) {
		snprintf(place, sizeof(place), "%s+0x", program->name);
		if (name->source == WIRE_SOURCE_SYMBOL)
			assert_memory_equal(name->text, place, strlen(place));
		else
			assert_true(name->heuristic);
		return;
	}
	/* Functions of one shape were merged: none of their names is told. */
	if (program->traits & LEGACY && !name->resolved) {
		assert_null(strstr(form, "capturing"));
		assert_null(strstr(form, "generic"));
		return;
	}
	if (program->traits & UNSIZED && name->source == WIRE_SOURCE_TYPE && name->heuristic)
		return;
	if (!strcmp(expected, "lambda")) {
		assert_true(strstr(name->text, "{lambda(") || strstr(name->text, "$_"));
		assert_memory_equal(name->text, "app::start_", 11);
		assert_false(name->heuristic);
	} else {
		assert_string_equal(name->text, expected);
	}
	assert_int_equal(
		name->source, !strcmp(source, "type") ? WIRE_SOURCE_TYPE : WIRE_SOURCE_SYMBOL);
}

/* Of a dead process a name may be less, never another; and what needs no more than was read at
 * the thread's birth and the program's file is all there. */
static void expect_same_or_less(const char *form, const struct callable_name *alive,
	const struct callable_name *dead, int err)
{
	static const char *const complete[] = {"function", "function_int", "lambda", "functor",
		"member", "bind", "async", "async_lambda", "closure", "capturing"};
	bool less = err || (dead->source == WIRE_SOURCE_TYPE && dead->heuristic);

	for (size_t i = 0; i < sizeof(complete) / sizeof(complete[0]); i++)
		assert_false(less && !strcmp(form, complete[i]));
	if (!less)
		assert_string_equal(dead->text, alive->text);
}

static void check_form(struct module_cache *cache, const struct program *program, const char *form)
{
	struct work work = start(program->name, form);
	struct target *target = target_open(cache, work.pid);
	struct birth birth = birth_of(&work);
	struct callable_name name, dead;
	struct wire_callable callable;
	int err;

	assert_non_null(target);
	assert_int_equal(
		target_trampoline(target, birth.start_fn, birth.start_arg), program->trampoline);
	assert_int_equal(
		target_read_callable(target, program->trampoline, birth.start_arg, &callable), 0);
	err = target_callable_name(target, &callable, &name);
	if (program->traits & STALE)
		assert_true(!err || err == -ENOENT);
	else
		assert_int_equal(err, 0);
	if (!err)
		expect_name(program, &work, &name);
	kill_work(&work);
	err = target_callable_name(target, &callable, &dead);
	if (!(program->traits & STALE))
		expect_same_or_less(form, &name, &dead, err);
	target_free(target);
	finish(&work);
}

static size_t forms_of(const char *program, char forms[][NAME_MAX])
{
	struct work work = {0};
	size_t count = 0;

	launch(program, "--list", &work);
	while (count < FORMS_MAX && fgets(forms[count], NAME_MAX, work.out)) {
		forms[count][strcspn(forms[count], "\n")] = '\0';
		count++;
	}
	assert_int_equal(waitpid(work.pid, NULL, 0), work.pid);
	finish(&work);
	assert_true(count > 0);
	return count;
}

static void check_program(const struct program *program)
{
	static char forms[FORMS_MAX][NAME_MAX];
	struct module_cache *cache = module_cache_new(MODULES);
	size_t count = forms_of(program->name, forms);

	for (size_t i = 0; i < count; i++)
		check_form(cache, program, forms[i]);
	module_cache_free(cache);
}

static void names_cpp_threads(void **state)
{
	static const struct program programs[] = {
		{"callables", WIRE_TRAMPOLINE_STD_THREAD, 0},
		{"callables_O0", WIRE_TRAMPOLINE_STD_THREAD, 0},
		{"callables_clang", WIRE_TRAMPOLINE_STD_THREAD, UNSIZED},
		{"callables_static", WIRE_TRAMPOLINE_STD_THREAD, 0},
		{"callables_relr", WIRE_TRAMPOLINE_STD_THREAD, 0},
		{"callables_no_pie", WIRE_TRAMPOLINE_STD_THREAD, 0},
		{"callables_stripped", WIRE_TRAMPOLINE_STD_THREAD, STRIPPED},
		{"callables_static_stripped", WIRE_TRAMPOLINE_STD_THREAD, STRIPPED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(&programs[i]);
}

static void names_rust_threads(void **state)
{
	static const struct program programs[] = {
		{"rust_threads", WIRE_TRAMPOLINE_RUST, 0},
		{"rust_threads_O0", WIRE_TRAMPOLINE_RUST, 0},
		{"rust_threads_legacy", WIRE_TRAMPOLINE_RUST, LEGACY},
		{"rust_threads_legacy_O0", WIRE_TRAMPOLINE_RUST, LEGACY},
		{"rust_threads_stripped", WIRE_TRAMPOLINE_RUST, STRIPPED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(&programs[i]);
}

static void names_openmp_threads(void **state)
{
	static const struct program programs[] = {
		{"omp_threads", WIRE_TRAMPOLINE_FUNCTION, STALE},
		{"omp_threads_static", WIRE_TRAMPOLINE_FUNCTION, STALE},
		{"omp_threads_stripped", WIRE_TRAMPOLINE_FUNCTION, STALE | STRIPPED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(&programs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_cpp_threads),
		cmocka_unit_test(names_rust_threads),
		cmocka_unit_test(names_openmp_threads),
	};
	char self[PATH_MAX];

	assert_true(realpath("/proc/self/exe", self) != NULL);
	snprintf(workloads, sizeof(workloads), "%s/../../callables", dirname(self));
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
