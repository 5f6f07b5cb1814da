/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_layout.c - which CPython a process runs, and the layout of its objects.
 *
 * Input: the symbols that every CPython exports (extension modules need them), what its types say
 * of their sizes, and the table of debug offsets of 3.13. Refuses every version that is not in
 * the table below, and one that contradicts it.
 */
#include "target/python_layout.h"

#include <errno.h>
#include <string.h>

#include "target/target_internal.h"

#define PAGE_BYTES	   4096u
#define DICT_BYTES	   48
#define METHOD_BYTES	   48
#define BUILTIN_BYTES	   56
#define VERSION_SHIFT	   16 /* PY_VERSION_HEX: major, minor, micro, level and serial */
#define RELEASE_LEVEL	   0xf0u
#define RELEASE_CANDIDATE  0xc0u /* from here on the layout is frozen */
#define DEBUG_COOKIE	   "xdebugpy"
#define DEBUG_COOKIE_BYTES 8

static const struct python_offsets known_versions[] = {
	{
		.version = 0x0309,
		.instance = PYTHON_DICT_POINTER,
		.type_bytes = 880,
		.text_bytes = 80,
		.function_bytes = 120,
		.heap_qualname = 856,
		.heap_keys = 864,
		.function_qualname = 104,
		.function_module = 88,
		.ascii_bytes = 48,
		.compact_bytes = 72,
		.runtime_main = 40,
		.modules = 856,
	},
	{
		.version = 0x030a,
		.instance = PYTHON_DICT_POINTER,
		.type_bytes = 888,
		.text_bytes = 80,
		.function_bytes = 128,
		.heap_qualname = 864,
		.heap_keys = 872,
		.function_qualname = 40,
		.function_module = 104,
		.ascii_bytes = 48,
		.compact_bytes = 72,
		.runtime_main = 40,
		.modules = 856,
	},
	{
		.version = 0x030b,
		.instance = PYTHON_VALUES_BEFORE,
		.type_bytes = 904,
		.text_bytes = 80,
		.function_bytes = 136,
		.heap_qualname = 864,
		.heap_keys = 872,
		.function_qualname = 40,
		.function_module = 104,
		.ascii_bytes = 48,
		.compact_bytes = 72,
		.runtime_main = 48,
		.modules = 888,
		.keys_by_kind = true,
	},
	{
		.version = 0x030c,
		.instance = PYTHON_VALUES_TAGGED,
		.type_bytes = 920,
		.text_bytes = 64,
		.function_bytes = 144,
		.heap_qualname = 872,
		.heap_keys = 880,
		.function_qualname = 40,
		.function_module = 104,
		.ascii_bytes = 40,
		.compact_bytes = 56,
		.runtime_main = 48,
		.modules = 944,
		.keys_by_kind = true,
	},
	{
		.version = 0x030d,
		.instance = PYTHON_VALUES_INLINE,
		.type_bytes = 928,
		.text_bytes = 64,
		.function_bytes = 144,
		.heap_qualname = 872,
		.heap_keys = 880,
		.function_qualname = 40,
		.function_module = 104,
		.ascii_bytes = 40,
		.compact_bytes = 56,
		.values_skip = 8,
		.keys_by_kind = true,
	},
};

static const char *const type_symbols[PYTHON_TYPES] = {
	[PYTHON_TYPE] = "PyType_Type",
	[PYTHON_TEXT] = "PyUnicode_Type",
	[PYTHON_DICT] = "PyDict_Type",
	[PYTHON_TUPLE] = "PyTuple_Type",
	[PYTHON_FUNCTION] = "PyFunction_Type",
	[PYTHON_METHOD] = "PyMethod_Type",
	[PYTHON_BUILTIN] = "PyCFunction_Type",
	[PYTHON_BUILTIN_METHOD] = "PyCMethod_Type",
	[PYTHON_MODULE] = "PyModule_Type",
	[PYTHON_INT] = "PyLong_Type",
};

/* The beginning of 3.13's _PyRuntime: offsets, as its authors want debuggers to read them. */
struct debug_offsets {
	char cookie[DEBUG_COOKIE_BYTES];
	uint64_t version, free_threaded;
	uint64_t runtime_bytes, runtime_finalizing, runtime_interpreters;
	uint64_t interpreter_bytes, interpreter_id, interpreter_next, interpreter_threads;
	uint64_t interpreter_gc, interpreter_modules;
	uint64_t states[32]; /* of interpreters, threads, frames and code: not needed here */
	uint64_t object_bytes, object_type;
	uint64_t type_bytes, type_name, type_repr, type_flags;
	uint64_t tuple_bytes, tuple_items, tuple_count;
	uint64_t list_bytes, list_items, list_count;
	uint64_t dict_bytes, dict_keys, dict_values;
	uint64_t float_bytes, float_value;
	uint64_t long_bytes, long_tag, long_digits;
	uint64_t bytes_bytes, bytes_count, bytes_value;
	uint64_t text_bytes, text_state, text_count, text_ascii_bytes;
};

/* Where the interpreter's file is in the process. */
struct interpreter {
	struct target *target;
	struct module *module; /* of the target; NULL: none */
	uint64_t bias;
	struct module *program; /* the first file; it may have copies of the library's data */
	uint64_t program_bias;
};

/* Visits files from the lowest address up, so the program before its libraries. */
static int find_interpreter(struct module *module, const struct mapping *mapping, void *context)
{
	struct interpreter *interpreter = context;
	uint64_t vaddr, bytes;
	struct target_place place;

	/* A segment may begin, or end, within the first page of its mapping. */
	if (target_place_of(interpreter->target, mapping->start, &place) &&
		target_place_of(interpreter->target, mapping->start + PAGE_BYTES - 1, &place))
		return 0;
	if (!interpreter->program) {
		interpreter->program = module;
		interpreter->program_bias = place.bias;
	}
	if (module_symbol(module, "_PyRuntime", &vaddr, &bytes) ||
		module_symbol(module, "PyMethod_Type", &vaddr, &bytes))
		return 0;
	interpreter->module = module;
	interpreter->bias = place.bias;
	return 1;
}

/* The address of exported data: a program that is not position-independent has its own copy,
 * which all libraries then use. */
static int address_of(const struct interpreter *interpreter, const char *symbol, uint64_t *out)
{
	uint64_t vaddr, bytes;

	if (!module_symbol(interpreter->program, symbol, &vaddr, &bytes)) {
		*out = interpreter->program_bias + vaddr;
		return 0;
	}
	if (module_symbol(interpreter->module, symbol, &vaddr, &bytes))
		return -ENOENT;
	*out = interpreter->bias + vaddr;
	return 0;
}

/* Py_Version is there since 3.11; before, what was new in a version tells it. 0: not known. */
static uint32_t version_of(struct module *module)
{
	uint64_t vaddr, bytes, version;

	if (!module_symbol(module, "Py_Version", &vaddr, &bytes)) {
		if (bytes < sizeof(version) ||
			module_read(module, vaddr, &version, sizeof(version)) ||
			(version & RELEASE_LEVEL) < RELEASE_CANDIDATE)
			return 0;
		return (uint32_t)(version >> VERSION_SHIFT);
	}
	if (!module_symbol(module, "PyModule_AddObjectRef", &vaddr, &bytes))
		return 0x030a;
	if (!module_symbol(module, "PyCMethod_Type", &vaddr, &bytes))
		return 0x0309;
	return 0;
}

static const struct python_offsets *offsets_of(uint32_t version)
{
	for (size_t i = 0; i < sizeof(known_versions) / sizeof(known_versions[0]); i++)
		if (known_versions[i].version == version)
			return &known_versions[i];
	return NULL;
}

static bool says_size(struct target *target, const struct python_layout *layout,
	enum python_type type, uint64_t bytes)
{
	uint64_t told;

	return !target_read(target, layout->types[type] + PYTHON_TYPE_BYTES, &told, sizeof(told)) &&
	       told == bytes;
}

/* Each size is another in some neighbouring version, or with other build options. */
static bool sizes_agree(struct target *target, const struct python_layout *layout)
{
	const struct python_offsets *offsets = layout->offsets;
	uint64_t type;

	return !target_read(target, layout->types[PYTHON_TYPE] + PYTHON_OBJECT_TYPE, &type,
		       sizeof(type)) &&
	       type == layout->types[PYTHON_TYPE] &&
	       says_size(target, layout, PYTHON_TYPE, offsets->type_bytes) &&
	       says_size(target, layout, PYTHON_TEXT, offsets->text_bytes) &&
	       says_size(target, layout, PYTHON_FUNCTION, offsets->function_bytes) &&
	       says_size(target, layout, PYTHON_DICT, DICT_BYTES) &&
	       says_size(target, layout, PYTHON_METHOD, METHOD_BYTES) &&
	       says_size(target, layout, PYTHON_BUILTIN, BUILTIN_BYTES);
}

/* 3.13's own table must agree with ours. It tells where the interpreters are, too. */
static bool debug_offsets_agree(
	struct target *target, uint64_t runtime, struct python_layout *layout)
{
	struct debug_offsets table;

	if (target_read(target, runtime, &table, sizeof(table)) ||
		memcmp(table.cookie, DEBUG_COOKIE, sizeof(table.cookie)) != 0 ||
		table.version >> VERSION_SHIFT != layout->offsets->version || table.free_threaded ||
		table.object_type != PYTHON_OBJECT_TYPE || table.type_name != PYTHON_TYPE_NAME ||
		table.type_flags != PYTHON_TYPE_FLAGS || table.tuple_items != PYTHON_TUPLE_ITEMS ||
		table.tuple_count != PYTHON_COUNT || table.dict_keys != PYTHON_DICT_KEYS ||
		table.dict_values != PYTHON_DICT_VALUES || table.text_count != PYTHON_COUNT ||
		table.text_state != PYTHON_TEXT_STATE || table.long_digits != PYTHON_INT_DIGITS ||
		table.text_ascii_bytes != layout->offsets->ascii_bytes)
		return false;
	layout->main = runtime + table.runtime_interpreters;
	layout->modules_offset = table.interpreter_modules;
	return true;
}

int python_layout_of(struct target *target, struct python_layout *out)
{
	struct interpreter interpreter = {.target = target};
	struct python_layout layout = {0};
	uint64_t runtime;

	target_each_module(target, find_interpreter, &interpreter);
	if (!interpreter.module)
		return -ENOENT;
	/* First all that needs the modules: reading memory may read the maps again. */
	layout.offsets = offsets_of(version_of(interpreter.module));
	if (!layout.offsets || address_of(&interpreter, "_Py_NoneStruct", &layout.none) ||
		address_of(&interpreter, "_PyRuntime", &runtime))
		return -ENOENT;
	for (size_t i = 0; i < PYTHON_TYPES; i++)
		if (address_of(&interpreter, type_symbols[i], &layout.types[i]))
			return -ENOENT;
	layout.main = runtime + layout.offsets->runtime_main;
	layout.modules_offset = layout.offsets->modules;
	if (!sizes_agree(target, &layout) ||
		(!layout.offsets->runtime_main && !debug_offsets_agree(target, runtime, &layout)))
		return -ENOENT;
	*out = layout;
	return 0;
}
