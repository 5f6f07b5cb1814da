/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_callee.c - the qualified name of a callable CPython object; see python_callee.h.
 *
 * Refuses to follow more than a few wrappers, which a hostile process may tie into a circle.
 */
#include "target/python_callee.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WRAPPERS_MAX 8
#define BASES_MAX    8
#define PARTIAL	     "functools.partial"

/* Cuts at a character, with "~". */
static void copy(const char *from, char *out, size_t bytes)
{
	size_t length = strlen(from);

	if (length < bytes) {
		memcpy(out, from, length + 1);
		return;
	}
	/* Bytes 10xxxxxx go on with a character. */
	for (length = bytes - 2; length && ((uint8_t)from[length] & 0xc0) == 0x80; length--)
		;
	memcpy(out, from, length);
	memcpy(out + length, "~", sizeof("~"));
}

int python_callee_set(struct callable_name *out, const char *module, const char *qualname)
{
	char full[2 * PYTHON_TEXT_BYTES_MAX + 1];

	if (!qualname[0])
		return -EFAULT;
	copy(qualname, out->text, sizeof(out->text));
	out->full[0] = '\0';
	snprintf(full, sizeof(full), "%s%s%s", module, module[0] ? "." : "", qualname);
	if (strcmp(full, out->text) != 0)
		copy(full, out->full, sizeof(out->full));
	return 0;
}

bool python_callee_is(const struct callable_name *name, const char *last)
{
	const char *dot = strrchr(name->text, '.');

	return !strcmp(dot ? dot + 1 : name->text, last);
}

/* A str that may be something else or missing, which is then "". */
static int text_or_none(struct python *python, uint64_t object, char *out, size_t bytes)
{
	uint64_t type;

	out[0] = '\0';
	if (!object)
		return 0;
	if (python_type_of(python, object, &type))
		return -EFAULT;
	return type == python->layout->types[PYTHON_TEXT] ? python_text(python, object, out, bytes)
							  : 0;
}

static int function_name(struct python *python, uint64_t function, struct callable_name *out)
{
	const struct python_offsets *offsets = python->layout->offsets;
	char qualname[PYTHON_TEXT_BYTES_MAX], module[PYTHON_NAME_BYTES];
	uint64_t text;

	if (python_word(python, function + offsets->function_qualname, &text) ||
		python_text(python, text, qualname, sizeof(qualname)) ||
		python_word(python, function + offsets->function_module, &text) ||
		text_or_none(python, text, module, sizeof(module)))
		return -EFAULT;
	*out = (struct callable_name){.source = WIRE_SOURCE_SYMBOL};
	return python_callee_set(out, module, qualname);
}

/* A function of a module, or a method bound to an object: "list.append". */
static int builtin_name(struct python *python, uint64_t builtin, struct callable_name *out)
{
	char name[PYTHON_NAME_BYTES], qualname[2 * PYTHON_NAME_BYTES];
	struct python_class_name class = {0};
	uint64_t definition, self, module, type;

	if (python_word(python, builtin + PYTHON_BUILTIN_DEF, &definition) ||
		python_word(python, definition, &definition) ||
		target_read_text(python->target, definition, name, sizeof(name)) || !name[0] ||
		python_word(python, builtin + PYTHON_BUILTIN_SELF, &self) ||
		python_word(python, builtin + PYTHON_BUILTIN_MODULE, &module) ||
		text_or_none(python, module, class.module, sizeof(class.module)))
		return -EFAULT;
	*out = (struct callable_name){.source = WIRE_SOURCE_SYMBOL};
	if (!self || python_is(python, self, PYTHON_MODULE))
		return python_callee_set(out, class.module, name);
	/* A class method is bound to the class itself. */
	type = self;
	if (!python_is_class(python, self) && python_type_of(python, self, &type))
		return -EFAULT;
	if (python_class_name(python, type, &class))
		return -EFAULT;
	snprintf(qualname, sizeof(qualname), "%s.%s", class.name, name);
	return python_callee_set(out, class.module, qualname);
}

/* functools.partial is a type of C code; a program may have made subclasses of it. */
static bool is_partial(struct python *python, uint64_t class)
{
	char name[sizeof(PARTIAL)];
	uint64_t text;

	for (int i = 0; i < BASES_MAX && class; i++) {
		if (!python_is_class(python, class) ||
			python_word(python, class + PYTHON_TYPE_NAME, &text))
			return false;
		if (!target_read_text(python->target, text, name, sizeof(name)) &&
			!strcmp(name, PARTIAL))
			return true;
		if (python_word(python, class + PYTHON_TYPE_BASE, &class))
			return false;
	}
	return false;
}

static int class_name(struct python *python, uint64_t class, struct callable_name *out)
{
	struct python_class_name name;
	int err = python_class_name(python, class, &name);

	if (err)
		return err;
	*out = (struct callable_name){.source = WIRE_SOURCE_TYPE};
	return python_callee_set(out, name.module, name.name);
}

/* The class of an object that can be called. A type of C code says nothing of what it calls. */
static int object_class_name(struct python *python, uint64_t class, struct callable_name *out)
{
	uint64_t flags, call;

	if (python_word(python, class + PYTHON_TYPE_FLAGS, &flags) ||
		python_word(python, class + PYTHON_TYPE_CALL, &call) ||
		!(flags & PYTHON_IS_HEAP_TYPE) || !call)
		return -EFAULT;
	return class_name(python, class, out);
}

int python_callee_name(struct python *python, uint64_t callee, struct callable_name *out)
{
	const uint64_t *types = python->layout->types;
	uint64_t type;

	for (int i = 0; i < WRAPPERS_MAX; i++) {
		uint32_t wrapped;

		if (python_type_of(python, callee, &type))
			return -EFAULT;
		if (type == types[PYTHON_FUNCTION])
			return function_name(python, callee, out);
		if (type == types[PYTHON_BUILTIN] || type == types[PYTHON_BUILTIN_METHOD])
			return builtin_name(python, callee, out);
		if (python_is_class(python, callee))
			return class_name(python, callee, out);
		if (type == types[PYTHON_METHOD])
			wrapped = PYTHON_METHOD_FUNCTION;
		else if (is_partial(python, type))
			wrapped = PYTHON_PARTIAL_FUNCTION;
		else
			return object_class_name(python, type, out);
		if (python_word(python, callee + wrapped, &callee))
			return -EFAULT;
	}
	return -EFAULT;
}
