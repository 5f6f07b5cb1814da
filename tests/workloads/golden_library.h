/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * golden_library.h - a thread whose routine and whose creator are in a shared library.
 */
#ifndef TW_TESTS_GOLDEN_LIBRARY_H
#define TW_TESTS_GOLDEN_LIBRARY_H

/* Returns once the thread runs, which it does until the process ends. */
void library_start(void);

#endif
