/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_target_python_hostile.c - objects of Python that lie, tie circles, end nowhere or change.
 *
 * This program is its own target, and looks like a CPython 3.11: it defines the symbols that one
 * exports, and forges the objects behind a thread. Each test breaks one thing in a thread that
 * has a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/python.h"

#define MODULES	   16
#define TYPE_WORDS 113 /* PyHeapTypeObject of 3.11 */
#define ARENA	   8192
#define CHANGES	   200

/* Words of objects, as 3.11 has them. */
enum {
	TYPE = 1,
	COUNT = 2,
	BASIC_SIZE = 4,
	FLAGS = 21,
	CLASS_BASE = 32,
	CLASS_DICT = 33,
	CLASS_MRO = 43,
	CLASS_QUALNAME = 108,
	TEXT_STATE = 4,
	TEXT_DATA = 6,
	DICT_KEYS = 4,
	DICT_VALUES = 5,
	KEYS_SIZES = 1, /* log2 of size and of index bytes, kind */
	KEYS_COUNT = 3,
	KEYS_ENTRIES = 5, /* after eight bytes of indices */
	FUNCTION_QUALNAME = 5,
	FUNCTION_MODULE = 13,
	METHOD_FUNCTION = 2,
	METHOD_SELF = 3,
	TUPLE_ITEMS = 3,
};

#define HEAP_TYPE    (1u << 9)
#define MANAGED_DICT (1u << 4)
#define ASCII	     0x64u    /* compact, ascii, one byte each */
#define KEYS_OF_8    0x10303u /* 8 places, 8 bytes of indices, all keys are str */

/* What the interpreter exports. */
const uint64_t Py_Version = 0x030b07f0;
uint64_t _PyRuntime[16];
uint64_t _Py_NoneStruct[2];
uint64_t PyType_Type[TYPE_WORDS];
uint64_t PyUnicode_Type[TYPE_WORDS];
uint64_t PyDict_Type[TYPE_WORDS];
uint64_t PyTuple_Type[TYPE_WORDS];
uint64_t PyFunction_Type[TYPE_WORDS];
uint64_t PyMethod_Type[TYPE_WORDS];
uint64_t PyCFunction_Type[TYPE_WORDS];
uint64_t PyCMethod_Type[TYPE_WORDS];
uint64_t PyModule_Type[TYPE_WORDS];
uint64_t PyLong_Type[TYPE_WORDS];

/* A thread, and what leads to its name. */
struct forged {
	uint64_t words[ARENA];
	size_t used;
	uint64_t *class, *mro, *class_dict, *thread, *thread_dict, *name, *target, *method;
	struct module_cache *cache;
	struct target *process;
	struct wire_callable callable;
};

static uint64_t address(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

static uint64_t *make(struct forged *forged, const uint64_t *type, size_t words)
{
	uint64_t *object = &forged->words[forged->used];

	forged->used += words;
	assert_true(forged->used <= ARENA);
	object[TYPE] = address(type);
	return object;
}

static uint64_t *make_text(struct forged *forged, const char *text)
{
	size_t length = strlen(text);
	uint64_t *object = make(forged, PyUnicode_Type, TEXT_DATA + length / 8 + 1);

	object[COUNT] = length;
	object[TEXT_STATE] = ASCII;
	memcpy(&object[TEXT_DATA], text, length);
	return object;
}

static uint64_t *make_dict(struct forged *forged)
{
	uint64_t *keys = make(forged, NULL, KEYS_ENTRIES + 16);
	uint64_t *object = make(forged, PyDict_Type, DICT_VALUES + 1);

	keys[KEYS_SIZES] = KEYS_OF_8;
	object[DICT_KEYS] = address(keys);
	return object;
}

static uint64_t *keys_of(const uint64_t *dict)
{
	return (uint64_t *)(uintptr_t)dict[DICT_KEYS];
}

static void dict_set(struct forged *forged, uint64_t *dict, const char *key, const uint64_t *value)
{
	uint64_t *keys = keys_of(dict), *entry = &keys[KEYS_ENTRIES + 2 * keys[KEYS_COUNT]++];

	assert_true(keys[KEYS_COUNT] <= 8);
	entry[0] = address(make_text(forged, key));
	entry[1] = address(value);
}

static uint64_t *make_function(struct forged *forged, const char *qualname, const char *module)
{
	uint64_t *object = make(forged, PyFunction_Type, FUNCTION_MODULE + 1);

	object[FUNCTION_QUALNAME] = address(make_text(forged, qualname));
	object[FUNCTION_MODULE] = address(make_text(forged, module));
	return object;
}

static uint64_t *make_method(struct forged *forged, const uint64_t *function, const uint64_t *self)
{
	uint64_t *object = make(forged, PyMethod_Type, METHOD_SELF + 1);

	object[METHOD_FUNCTION] = address(function);
	object[METHOD_SELF] = address(self);
	return object;
}

static void make_class(struct forged *forged)
{
	forged->class = make(forged, PyType_Type, TYPE_WORDS);
	forged->class_dict = make_dict(forged);
	forged->mro = make(forged, PyTuple_Type, TUPLE_ITEMS + 1);
	forged->mro[COUNT] = 1;
	forged->mro[TUPLE_ITEMS] = address(forged->class);
	forged->class[FLAGS] = HEAP_TYPE | MANAGED_DICT;
	forged->class[CLASS_DICT] = address(forged->class_dict);
	forged->class[CLASS_MRO] = address(forged->mro);
	forged->class[CLASS_QUALNAME] = address(make_text(forged, "Thread"));
	dict_set(forged, forged->class_dict, "__module__", make_text(forged, "threading"));
	dict_set(forged, forged->class_dict, "run", make_text(forged, "any"));
}

static void make_type(uint64_t *type, uint64_t basic_size)
{
	memset(type, 0, TYPE_WORDS * sizeof(*type));
	type[TYPE] = address(PyType_Type);
	type[BASIC_SIZE] = basic_size;
}

static int set_up(void **state)
{
	struct forged *forged = calloc(1, sizeof(*forged));
	uint64_t *managed;

	make_type(PyType_Type, 904);
	make_type(PyUnicode_Type, 80);
	make_type(PyDict_Type, 48);
	make_type(PyFunction_Type, 136);
	make_type(PyMethod_Type, 48);
	make_type(PyCFunction_Type, 56);
	make_class(forged);
	managed = make(forged, NULL, 4); /* values, dict and two words of the collector's */
	forged->thread = make(forged, forged->class, 4);
	forged->thread_dict = make_dict(forged);
	managed[1] = address(forged->thread_dict);
	managed[0] = 0;
	forged->name = make_text(forged, "Thread-1");
	forged->target = make_function(forged, "worker", "app");
	dict_set(forged, forged->thread_dict, "_target", forged->target);
	dict_set(forged, forged->thread_dict, "_name", forged->name);
	forged->method = make_method(
		forged, make_function(forged, "Thread._bootstrap", "threading"), forged->thread);
	forged->callable = (struct wire_callable){
		.trampoline = WIRE_TRAMPOLINE_PYTHON,
		.object_count = 2,
		.inner_address = address(forged->thread),
		.object = {0, address(forged->method)},
	};
	forged->cache = module_cache_new(MODULES);
	forged->process = target_open(forged->cache, getpid());
	*state = forged;
	return forged->process ? 0 : -1;
}

static int tear_down(void **state)
{
	struct forged *forged = *state;

	target_free(forged->process);
	module_cache_free(forged->cache);
	free(forged);
	return 0;
}

static void expect_name(struct forged *forged, const char *text)
{
	struct callable_name name;

	assert_int_equal(python_thread_name(forged->process, &forged->callable, &name), 0);
	assert_string_equal(name.text, text);
}

static void expect_none(struct forged *forged)
{
	struct callable_name name = {.text = "untouched"};

	assert_int_equal(python_thread_name(forged->process, &forged->callable, &name), -ENOENT);
	assert_string_equal(name.text, "untouched");
}

static void test_whole(void **state)
{
	struct forged *forged = *state;

	expect_name(forged, "worker");
	forged->name = make_text(forged, "given");
	keys_of(forged->thread_dict)[KEYS_ENTRIES + 3] = address(forged->name);
	expect_name(forged, "given");
}

/* Runs `expect_none` with a word changed, and puts it back. */
static void expect_none_with(struct forged *forged, void *place, uint64_t value)
{
	uint64_t *word = place, kept = *word;

	*word = value;
	expect_none(forged);
	*word = kept;
	expect_name(forged, "worker");
}

static void test_wrong_types(void **state)
{
	struct forged *forged = *state;

	expect_none_with(forged, &forged->method[TYPE], address(PyDict_Type));
	expect_none_with(forged, &forged->name[TYPE], address(PyDict_Type));
	expect_none_with(forged, &forged->target[TYPE], address(PyTuple_Type));
	expect_none_with(forged, &forged->class[TYPE], address(PyDict_Type));
	expect_none_with(forged, &forged->mro[TYPE], address(PyDict_Type));
	expect_none_with(forged, &forged->class_dict[TYPE], address(PyTuple_Type));
	expect_none_with(forged, &forged->thread_dict[TYPE], 0);
	expect_none_with(forged, &forged->thread[TYPE], address(forged->thread));
}

static void test_wrong_counts(void **state)
{
	struct forged *forged = *state;
	uint64_t *keys = keys_of(forged->thread_dict), *run = keys_of(forged->class_dict);

	expect_none_with(forged, &keys[KEYS_COUNT], UINT64_MAX);
	expect_none_with(forged, &keys[KEYS_COUNT], 1ull << 60);
	expect_none_with(forged, &keys[KEYS_COUNT], 9);
	expect_none_with(forged, &keys[KEYS_SIZES], 0x1fffcu);
	expect_none_with(forged, &keys[KEYS_SIZES], 0x12020u);
	expect_none_with(forged, &keys[KEYS_SIZES], 0x70303u);
	expect_none_with(forged, &keys[KEYS_SIZES], 0x20303u);
	expect_none_with(forged, &forged->mro[COUNT], 1ull << 40);
	expect_none_with(forged, &forged->mro[COUNT], 0);
	expect_none_with(forged, &forged->name[COUNT], 1ull << 62);
	/* What cannot be read is not taken for something that is not there. */
	expect_none_with(forged, &run[KEYS_COUNT], 1ull << 30);
}

static void test_wrong_texts(void **state)
{
	struct forged *forged = *state;

	expect_none_with(forged, &forged->name[TEXT_STATE], ASCII & ~0x20u); /* not compact */
	expect_none_with(forged, &forged->name[TEXT_STATE], 0x6cu);	     /* three bytes each */
	expect_none_with(forged, &forged->name[TEXT_STATE], 0x70u); /* ascii of four bytes */
	expect_none_with(forged, &forged->target[FUNCTION_QUALNAME], 8);
	expect_none_with(forged, &forged->target[FUNCTION_QUALNAME], UINT64_MAX - 4);
	expect_none_with(forged, &forged->target[FUNCTION_MODULE], 8);
	expect_none_with(forged, &forged->name[COUNT], UINT64_MAX);
}

static void test_wrong_pointers(void **state)
{
	struct forged *forged = *state;

	expect_none_with(forged, &forged->thread_dict[DICT_KEYS], 0);
	expect_none_with(forged, &forged->thread_dict[DICT_KEYS], UINT64_MAX);
	expect_none_with(forged, &forged->thread_dict[DICT_VALUES], 64);
	expect_none_with(forged, &forged->class[CLASS_MRO], 1);
	expect_none_with(forged, &forged->class[CLASS_DICT], 0);
	expect_none_with(forged, &forged->method[METHOD_SELF], address(forged->name));
	expect_none_with(forged, &forged->callable.object[1], 0);
	expect_none_with(forged, &forged->callable.inner_address, 16);
}

static void test_circles(void **state)
{
	struct forged *forged = *state;
	uint64_t *circle = make_method(forged, NULL, forged->thread);

	circle[METHOD_FUNCTION] = address(circle);
	expect_none_with(forged, &forged->callable.object[1], address(circle));
	expect_none_with(forged, &keys_of(forged->thread_dict)[KEYS_ENTRIES + 1], address(circle));
}

/* The thread has ended, when its bootstate is not what it was. */
static void test_ended(void **state)
{
	struct forged *forged = *state;
	uint64_t *boot = make(forged, NULL, 8);

	forged->callable.object_count = 8;
	forged->callable.object_address = address(boot);
	memcpy(boot, forged->callable.object, sizeof(forged->callable.object));
	expect_name(forged, "worker");
	expect_none_with(forged, &boot[0], address(forged));
	expect_none_with(forged, &boot[1], 0);
}

static void test_other_sizes(void **state)
{
	struct forged *forged = *state;

	PyFunction_Type[BASIC_SIZE] = 144;
	expect_none(forged);
	PyFunction_Type[BASIC_SIZE] = 136;
	/* That this Python is none that is known is kept until the maps are read again. */
	expect_none(forged);
	assert_int_equal(target_refresh(forged->process), 0);
	expect_name(forged, "worker");
}

struct flipping {
	uint64_t *word, values[2];
	atomic_bool stop;
};

static void *flip(void *argument)
{
	struct flipping *flipping = argument;

	for (size_t i = 0; !atomic_load_explicit(&flipping->stop, memory_order_relaxed); i++)
		__atomic_store_n(flipping->word, flipping->values[i % 2], __ATOMIC_RELAXED);
	return NULL;
}

/* A name that changes while it is read is one of the two, or none. */
static void test_changes(void **state)
{
	struct forged *forged = *state;
	struct flipping flipping = {
		.word = &keys_of(forged->thread_dict)[KEYS_ENTRIES + 3],
		.values = {address(make_text(forged, "first")),
			address(make_text(forged, "the second"))},
	};
	struct callable_name name;
	pthread_t thread;

	*flipping.word = flipping.values[0];
	assert_int_equal(pthread_create(&thread, NULL, flip, &flipping), 0);
	for (int i = 0; i < CHANGES; i++)
		if (!python_thread_name(forged->process, &forged->callable, &name))
			assert_true(
				!strcmp(name.text, "first") || !strcmp(name.text, "the second"));
	atomic_store(&flipping.stop, true);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_pointers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_circles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("target_python_hostile", tests, NULL, NULL);
}
