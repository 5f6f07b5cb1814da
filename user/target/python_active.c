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

#include "target/python.h"
#include "target/python_object.h"
#include "target/target_internal.h"

/* What a module has under this name. */
static int module_get(
	const struct python *python, uint64_t module, const char *name, uint64_t *value)
{
	uint64_t dict;

	if (!python_is(python, module, PYTHON_MODULE) ||
		python_word(python, module + PYTHON_MODULE_DICT, &dict))
		return -EFAULT;
	return python_dict_get(python, dict, name, value);
}

int python_active_thread(struct target *target, uint64_t pthread, struct wire_callable *out)
{
	struct python python = {.target = target, .layout = target_python(target)};
	uint64_t interpreter, modules, module, active, thread;

	if (!python.layout || !pthread || python_word(&python, python.layout->main, &interpreter) ||
		python_word(&python, interpreter + python.layout->modules_offset, &modules) ||
		python_dict_get(&python, modules, "threading", &module) ||
		module_get(&python, module, "_active", &active) ||
		python_dict_get_address(&python, active, pthread, &thread))
		return -ENOENT;
	*out = (struct wire_callable){
		.trampoline = WIRE_TRAMPOLINE_PYTHON,
		.inner_address = thread,
	};
	return 0;
}
