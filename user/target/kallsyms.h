/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kallsyms.h - the parser behind kallsyms_open. Private to user/target.
 */
#ifndef TW_TARGET_KALLSYMS_H
#define TW_TARGET_KALLSYMS_H

#include <stdio.h>

#include "target/target.h"

/* Reads text in the form of /proc/kallsyms. NULL with errno set. */
struct kallsyms *kallsyms_read(FILE *in);

#endif
