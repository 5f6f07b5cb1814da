/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_layout.h - where the fields of CPython's objects are, in one process. Private to
 * user/target.
 */
#ifndef TW_TARGET_PYTHON_LAYOUT_H
#define TW_TARGET_PYTHON_LAYOUT_H

#include "target/target.h"

/* Types that the interpreter exports. An object is believed only after its type. */
enum python_type {
	PYTHON_TYPE,
	PYTHON_TEXT,
	PYTHON_DICT,
	PYTHON_TUPLE,
	PYTHON_FUNCTION,
	PYTHON_METHOD,
	PYTHON_BUILTIN,
	PYTHON_BUILTIN_METHOD,
	PYTHON_MODULE,
	PYTHON_INT,
	PYTHON_TYPES
};

/* How the attributes of an instance of a class hang on it. */
enum python_instance {
	PYTHON_DICT_POINTER,  /* 3.9, 3.10: where tp_dictoffset says */
	PYTHON_VALUES_BEFORE, /* 3.11: a pointer to values four words before the object */
	PYTHON_VALUES_TAGGED, /* 3.12: three words before it, odd when it is not a dict */
	PYTHON_VALUES_INLINE, /* 3.13: in the object itself */
};

/* What differs between versions. Bytes from the start of the object, but for *_bytes. */
struct python_offsets {
	uint32_t version; /* 0x030b: 3.11 */
	enum python_instance instance;
	uint32_t type_bytes, text_bytes, function_bytes; /* tp_basicsize of these types */
	uint32_t heap_qualname, heap_keys;		 /* in PyHeapTypeObject */
	uint32_t function_qualname, function_module;
	uint32_t ascii_bytes, compact_bytes; /* heads of compact strings */
	uint32_t values_skip;		     /* before the first value of a PyDictValues */
	uint32_t runtime_main; /* in _PyRuntime: the main interpreter; 0: debug offsets */
	uint32_t modules;      /* in an interpreter: sys.modules */
	bool keys_by_kind;     /* PyDictKeysObject has dk_kind: 3.11 and later */
};

/* Fields that have the same place in all of these versions. */
#define PYTHON_OBJECT_TYPE	8u
#define PYTHON_COUNT		16u /* ob_size of a tuple, length of a string */
#define PYTHON_TYPE_NAME	24u
#define PYTHON_TYPE_BYTES	32u /* tp_basicsize */
#define PYTHON_TYPE_CALL	128u
#define PYTHON_TYPE_FLAGS	168u
#define PYTHON_TYPE_BASE	256u
#define PYTHON_TYPE_DICT	264u
#define PYTHON_TYPE_DICT_OFFSET 288u
#define PYTHON_TYPE_MRO		344u
#define PYTHON_TUPLE_ITEMS	24u
#define PYTHON_TEXT_STATE	32u
#define PYTHON_DICT_KEYS	32u
#define PYTHON_DICT_VALUES	40u
#define PYTHON_MODULE_DICT	16u
#define PYTHON_INT_DIGITS	24u
#define PYTHON_METHOD_FUNCTION	16u
#define PYTHON_METHOD_SELF	24u
#define PYTHON_BUILTIN_DEF	16u
#define PYTHON_BUILTIN_SELF	24u
#define PYTHON_BUILTIN_MODULE	32u
#define PYTHON_PARTIAL_FUNCTION 16u

struct python_layout {
	const struct python_offsets *offsets;
	uint64_t types[PYTHON_TYPES]; /* addresses in the process */
	uint64_t none;		      /* the address of None */
	uint64_t main;		      /* where the pointer to the main interpreter is */
	uint64_t active;	      /* the dict threading._active, once it was found; else 0 */
	uint64_t modules_offset;      /* of sys.modules, in an interpreter */
};

/*
 * The layout of the interpreter that this process has. 0, or -ENOENT: it has none, or one whose
 * layout is not proven: its version must be known, be a release, agree with the sizes that its own
 * types tell and, for 3.13, with its table of debug offsets; no free-threaded build, no
 * Py_TRACE_REFS.
 */
int python_layout_of(struct target *target, struct python_layout *out);

#endif
