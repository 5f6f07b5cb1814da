/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python.c - names threads of CPython by their threading.Thread object, or by the function that
 * _thread.start_new_thread got.
 *
 * Input: what the start routine's argument held at birth, and the live process' objects. All is
 * read twice and must be the same: the process runs meanwhile. Refuses to tell anything of a
 * process that is gone, since objects are in no file.
 */
#include "target/python.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/python_callee.h"
#include "target/python_object.h"
#include "target/target_internal.h"

#define BOOT_FUNCTION 1 /* word of struct bootstate, 3.9 to 3.13 */
#define BOOT_WORDS    4 /* of it that no version writes again: state, function, arguments */
#define CLASSES_MAX   64
#define TRIES	      3
#define DEFAULT_NAME  "Thread-"
#define BOOTSTRAP     "_bootstrap"
#define THREADING     "threading"

/* What the classes of a thread object say. */
struct thread_class {
	struct python_class_name own;
	struct python_class_name runs; /* the class whose run() is called */
	bool found_run, is_thread;
};

/* Goes through the classes in the order in which Python looks for a method. */
static int thread_class_of(struct python *python, uint64_t thread, struct thread_class *out)
{
	uint64_t class, mro, count, classes[CLASSES_MAX];
	struct thread_class found = {0};

	if (python_type_of(python, thread, &class) || !python_is_class(python, class) ||
		python_word(python, class + PYTHON_TYPE_MRO, &mro) ||
		!python_is(python, mro, PYTHON_TUPLE) ||
		python_word(python, mro + PYTHON_COUNT, &count) || !count || count > CLASSES_MAX ||
		python_read(
			python, mro + PYTHON_TUPLE_ITEMS, classes, count * sizeof(classes[0])) ||
		classes[0] != class || python_class_name(python, class, &found.own))
		return -EFAULT;
	for (size_t i = 0; i < count && !found.is_thread; i++) {
		struct python_class_name name;
		uint64_t dict, run;
		int err = python_class_name(python, classes[i], &name);

		if (!err)
			err = python_word(python, classes[i] + PYTHON_TYPE_DICT, &dict);
		if (!err && !found.found_run) {
			err = python_dict_get(python, dict, "run", &run);
			found.found_run = !err;
			if (found.found_run)
				found.runs = name;
		}
		if (err && err != -ENOENT)
			return err;
		found.is_thread = !strcmp(name.module, THREADING) && !strcmp(name.name, "Thread");
	}
	if (!found.is_thread || !found.found_run)
		return -ENOENT;
	*out = found;
	return 0;
}

/* "Thread-7" and "Thread-7 (function)", which nobody chose. */
static bool is_default_name(const char *name)
{
	const char *at = name + sizeof(DEFAULT_NAME) - 1;
	size_t length;

	if (strncmp(name, DEFAULT_NAME, sizeof(DEFAULT_NAME) - 1) != 0 || !isdigit((uint8_t)*at))
		return false;
	while (isdigit((uint8_t)*at))
		at++;
	length = strlen(at);
	return !length || (length > 3 && !strncmp(at, " (", 2) && at[length - 1] == ')');
}

/* The name that the program gave, if it did. */
static int given_name(struct python *python, uint64_t thread, struct callable_name *out)
{
	char name[PYTHON_TEXT_BYTES_MAX];
	uint64_t text;
	int err = python_attribute(python, thread, "_name", &text);

	if (!err)
		err = python_text(python, text, name, sizeof(name));
	if (err)
		return err;
	if (!name[0] || is_default_name(name))
		return -ENOENT;
	*out = (struct callable_name){.source = WIRE_SOURCE_SPAWN};
	return python_callee_set(out, "", name);
}

/* A callable that the thread object refers to; None counts as none. */
static int referred(struct python *python, uint64_t thread, const char *attribute, uint64_t *callee)
{
	uint64_t value;
	int err = python_attribute(python, thread, attribute, &value);

	if (err)
		return err;
	if (value == python->layout->none)
		return -ENOENT;
	*callee = value;
	return 0;
}

static int class_run(const struct thread_class *class, struct callable_name *out)
{
	char name[PYTHON_NAME_BYTES + sizeof(".run")];

	snprintf(name, sizeof(name), "%s.run", class->own.name);
	*out = (struct callable_name){.source = WIRE_SOURCE_TYPE};
	return python_callee_set(out, class->own.module, name);
}

/* Thread.run calls the target, Timer.run its function. A run() of the program's own, of the class
 * or put on the instance, may call the target too, and most likely does when it was given one. */
static int thread_object_name(struct python *python, uint64_t thread,
	const struct thread_class *class, struct callable_name *out)
{
	bool library = !strcmp(class->runs.module, THREADING);
	bool timer = library && !strcmp(class->runs.name, "Timer");
	uint64_t callee, run = 0;
	int err = given_name(python, thread, out);

	if (err != -ENOENT)
		return err;
	err = referred(python, thread, "run", &run);
	if (err && err != -ENOENT)
		return err;
	err = referred(python, thread, timer ? "function" : "_target", &callee);
	if (!err)
		err = python_callee_name(python, callee, out);
	if (!err)
		out->heuristic = run || !library;
	if (err != -ENOENT)
		return err;
	if (run)
		return python_callee_name(python, run, out);
	/* Thread.run deletes the target when it has returned: nothing is left to tell. */
	return library ? -ENOENT : class_run(class, out);
}

/* The thread still lives: its bootstate is freed, and so written over, when it ends. Its memory
 * may soon serve another thread, whose objects these would then be. */
static bool still_runs(struct python *python, const struct wire_callable *callable)
{
	uint64_t words[BOOT_WORDS];

	return !callable->object_address ||
	       (callable->object_count >= BOOT_WORDS &&
		       !target_read(
			       python->target, callable->object_address, words, sizeof(words)) &&
		       !memcmp(words, callable->object, sizeof(words)));
}

/* A thread known by its object alone. threading makes objects for threads that it did not start,
 * too, and for the main one: their names say nothing. */
static int object_name(struct python *python, uint64_t thread, struct callable_name *out)
{
	struct thread_class class;
	int err = thread_class_of(python, thread, &class);

	if (err)
		return err;
	if (!strcmp(class.own.module, THREADING) && class.own.name[0] == '_')
		return -ENOENT;
	return thread_object_name(python, thread, &class, out);
}

/* Reads all once. -ENOENT, or -EFAULT when it may be another thing the next time. */
static int name_once(
	struct python *python, const struct wire_callable *callable, struct callable_name *out)
{
	uint64_t function, self;
	struct thread_class class;
	struct callable_name name;
	int err;

	if (!callable->object_count)
		return object_name(python, callable->inner_address, out);
	if (callable->object_count <= BOOT_FUNCTION)
		return -ENOENT;
	function = callable->object[BOOT_FUNCTION];
	err = python_callee_name(python, function, &name);
	if (err)
		return err;
	if (!python_is(python, function, PYTHON_METHOD) || !python_callee_is(&name, BOOTSTRAP)) {
		*out = name;
		return 0;
	}
	if (python_word(python, function + PYTHON_METHOD_SELF, &self) ||
		self != callable->inner_address)
		return -EFAULT;
	err = thread_class_of(python, self, &class);
	if (err == -ENOENT) {
		*out = name;
		return 0;
	}
	return err ? err : thread_object_name(python, self, &class, out);
}

static bool same_name(const struct callable_name *a, const struct callable_name *b)
{
	return !strcmp(a->text, b->text) && !strcmp(a->full, b->full) && a->source == b->source &&
	       a->heuristic == b->heuristic;
}

int python_thread_name(
	struct target *target, const struct wire_callable *callable, struct callable_name *out)
{
	struct callable_name first, second;
	struct python python;

	if (callable->trampoline != WIRE_TRAMPOLINE_PYTHON || !python_open(target, &python))
		return -ENOENT;
	for (int i = 0; i < TRIES; i++, python_forget(&python)) {
		if (name_once(&python, callable, &first))
			continue;
		python_forget(&python);
		if (name_once(&python, callable, &second) || !same_name(&first, &second))
			continue;
		python_forget(&python);
		if (!still_runs(&python, callable))
			continue;
		*out = first;
		return 0;
	}
	return -ENOENT;
}

/* The thread notes its number first of all: until then None, and then no other has it. */
static bool is_numbered(struct python *python, uint64_t thread, uint32_t tid)
{
	struct thread_class class;
	uint64_t number;
	uint32_t digit;

	if (thread_class_of(python, thread, &class))
		return true; /* _thread alone started it: there is no such object */
	if (python_attribute(python, thread, "_native_id", &number))
		return false;
	if (number == python->layout->none)
		return true;
	return python_is(python, number, PYTHON_INT) &&
	       !python_read(python, number + PYTHON_INT_DIGITS, &digit, sizeof(digit)) &&
	       digit == tid;
}

bool target_python_owns(struct target *target, const struct wire_callable *callable, pid_t tid)
{
	struct python python;
	pid_t in_namespace, later;

	/* It must run after all was read: then what it needs was there before. */
	return python_open(target, &python) && !target_ns_tid(target, tid, &in_namespace) &&
	       is_numbered(&python, callable->inner_address, (uint32_t)in_namespace) &&
	       still_runs(&python, callable) && !target_ns_tid(target, tid, &later);
}
