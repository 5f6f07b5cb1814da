/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shorten.h - demangled names, made short enough for people. Private to user/target.
 *
 * The one place that decides what is left out of a name. The whole name is told elsewhere
 * (struct symbol's full): nothing that is left out here is lost.
 */
#ifndef TW_TARGET_SHORTEN_H
#define TW_TARGET_SHORTEN_H

#include "target/sink.h"

/* Adds to `sink` what people call the function or the type of a demangled name: long template
 * arguments are folded, parameter lists and ABI tags left out, a lambda's operator() too. */
void shorten(const char *name, struct sink *sink);

/* The length of a symbol without what compilers add for a copy or a piece of a function
 * (".constprop.0", ".part.0"); never 0 but for "". */
size_t shorten_base_length(const char *symbol);

/* Adds those of the suffixes that mean another piece of code than the function's own
 * (".part.0", ".cold", "._omp_fn.0"); a copy of the whole function goes by its name. */
void shorten_suffixes(const char *suffixes, struct sink *sink);

#endif
