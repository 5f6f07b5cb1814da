/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden.h - the golden table: what threadwatch must say of a thread, by program variant.
 *
 * Written by hand, from what the program's author would call the thread. A program starts one
 * thread besides main, says so in a line once it runs, and ends with its stdin.
 */
#ifndef TW_LIVE_GOLDEN_H
#define TW_LIVE_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

#define GOLDEN_ARGS 6

struct golden_name {
	const char *routine;
	const char *source; /* NULL in golden_row.there: the same as born */
	bool heuristic;
	/* Set: the routine is this file's name and the address of `routine` in its unstripped
	 * twin, "file+0x1234"; any address when `routine` is NULL, which no symbol tells. */
	const char *stripped;
};

struct golden_row {
	const char *variant;	       /* language, way of creation, compiler, linkage, symbols */
	const char *argv[GOLDEN_ARGS]; /* "@/" is the folder of workloads */
	struct golden_name born;       /* seen from its birth on */
	const char *call_site;	       /* then: the function, or the file, before "+0x"; or NULL */
	struct golden_name there;      /* it was running before */
	const char *ready;	       /* in that line; NULL: "settled" */
	const char *const *system;     /* patterns of names of the run-time system's threads */
	bool renamed;		       /* its name comes after its birth */
	bool many;		       /* the run-time system chooses how many there are */
};

/* Each ends with a row without a variant. */
extern const struct golden_row golden_c[];
extern const struct golden_row golden_cpp[];
extern const struct golden_row golden_rust[];
extern const struct golden_row golden_openmp[];
extern const struct golden_row golden_go[];
extern const struct golden_row golden_java[];
extern const struct golden_row golden_python[];

#endif
