/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proc_text.h - short files below /proc as text.
 */
#ifndef TW_TARGET_PROC_TEXT_H
#define TW_TARGET_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_STAT_BYTES 1024 /* hold of /proc/PID/stat more than we read of it */

/* Reads a file below a folder (AT_FDCWD: by its whole path), cut to bytes - 1. false: it is
 * not there (any more), or empty; `out` is then "". */
bool proc_text_read(int folder, const char *path, char *out, size_t bytes);

/* When the process of this /proc/PID/stat started, in clock ticks since boot. */
bool proc_text_start_ticks(const char *stat, uint64_t *ticks);

#endif
