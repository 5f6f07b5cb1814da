/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * files.h - copies of programs and C libraries for tests that run them elsewhere.
 */
#ifndef TW_LIVE_FILES_H
#define TW_LIVE_FILES_H

#include "harness.h"

void copy_file(struct world *world, const char *from, const char *to);
/* Makes it with what is above it; returns the path. */
char *make_dir(struct world *world, char *path);
/* A folder in the test's own with this workload and the C libraries of this machine, each at its
 * own path, that can be the root of a process. */
char *make_root(struct world *world, const char *name, const char *program);

#endif
