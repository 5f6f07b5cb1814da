/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * python_active.c - the Thread object of a thread that runs, for those that were there before us.
 *
 * By then the start routine's argument is freed memory. But the interpreter's module `threading`
 * keeps all that it started: sys.modules["threading"]._active, by pthread_self(). Refuses threads
 * of other interpreters than the main one, and those that _thread alone started: what these run
 * is kept nowhere.
 */
#include <errno.h>

#include "target/python_object.h"

/* What a module has under this name. */
static int module_get(struct python *python, uint64_t module, const char *name, uint64_t *value)
{
	uint64_t dict;

	if (!python_is(python, module, PYTHON_MODULE) ||
		python_word(python, module + PYTHON_MODULE_DICT, &dict))
		return -EFAULT;
	return python_dict_get(python, dict, name, value);
}

/* The dict stays the same one as long as the interpreter lives, also over fork. */
static int find_active(struct python *python, uint64_t *active)
{
	const struct python_layout *layout = python->layout;
	uint64_t interpreter, modules, module;

	if (python_word(python, layout->main, &interpreter) ||
		python_word(python, interpreter + layout->modules_offset, &modules) ||
		python_dict_get(python, modules, "threading", &module))
		return -EFAULT;
	return module_get(python, module, "_active", active);
}

int target_python_thread(struct target *target, uint64_t pthread, struct wire_callable *out)
{
	struct python python;
	uint64_t thread;

	if (!pthread || !python_open(target, &python) ||
		(!python.layout->active && find_active(&python, &python.layout->active)) ||
		python_dict_get_address(&python, python.layout->active, pthread, &thread))
		return -ENOENT;
	*out = (struct wire_callable){
		.trampoline = WIRE_TRAMPOLINE_PYTHON,
		.inner_address = thread,
	};
	return 0;
}
