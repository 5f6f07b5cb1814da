/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the names that were found in one program image, by what was looked up.
 *
 * Bounded: when there are too many, all are forgotten and found anew.
 */
#ifndef TW_CMD_NAMES_H
#define TW_CMD_NAMES_H

#include "model/event.h"

enum name_kind {
	NAME_START,	/* of the function at an address */
	NAME_CALL_SITE, /* of a return address */
	NAME_CALLABLE,	/* of what a trampoline was to call: wire_thread.callable */
	NAME_THREAD,	/* the same of one thread, by when it began: see processes_late */
};

struct named {
	struct routine_name routine;
	bool resolved;	  /* the text is a function (that starts exactly there), or a type */
	bool executable;  /* NAME_START: the address could be a function at all */
	bool may_be_told; /* NAME_START: by a compiler in the process, later: it is asked again */
};

struct names {
	void *tree;
	size_t count;
};

/* NULL when it was not looked up. Valid until the next names_add or names_clear. */
const struct named *names_find(const struct names *names, enum name_kind kind, uint64_t number);
/* Copies `named` with its texts, in place of an earlier one. NULL without memory. */
const struct named *names_add(
	struct names *names, enum name_kind kind, uint64_t number, const struct named *named);
void names_clear(struct names *names);

#endif
