/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libraries.h - which shared libraries a program file will load at its start.
 */
#ifndef TW_CMD_LIBRARIES_H
#define TW_CMD_LIBRARIES_H

#include "target/target.h"

/*
 * Visits the path of each library, as told by the dynamic linker that the program names
 * ("ld.so --list", which maps the libraries and runs nothing of them). For a script, those of
 * its interpreter, and the interpreter itself. Meant only for a program that the user asked
 * us to run anyway. Finding none is not an error.
 */
void libraries_of(struct module_cache *modules, const char *program,
	void (*visit)(void *context, const char *path), void *context);

#endif
