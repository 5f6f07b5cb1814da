/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * macros.h - functions with every macro of the client header in each of its forms. C and C++.
 *
 * They return what they computed, which must be the same with probes, traced, and with
 * TW_DISABLE.
 */
#ifndef TW_TESTS_MACROS_H
#define TW_TESTS_MACROS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int macros_scopes(int n);
int macros_branches(int n);
int macros_begin_end(int ms);
int macros_strings(char *text, const char *absent, int n);
int macros_integers(int n);
int macros_once(const char *const *texts);
int macros_inline(int n);

#ifdef __cplusplus
}
#endif
#endif
