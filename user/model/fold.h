/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fold.h - makes one routine of names that differ only in the number of the instance.
 *
 * Pure. `worker-17` and `worker-18` become `worker-*`. Only names that were given while the
 * program ran fold (comm, spawn, span); names of code (symbol, type) never do: `sha256_update`
 * and `worker2` are functions of their own.
 *
 * A word is a run of ASCII letters, digits and non-ASCII bytes; all else parts words.
 * - A word of digits only is a number: `pool_1_thread_12` is `pool_*_thread_*`.
 * - So are digits with one capital letter behind them: the kernel's `kworker/0:1H` and
 *   `kworker/1:0H` fold.
 * - In comm and spawn, which name threads, the digits that end the name are a number whatever
 *   is before them: `worker17` is `worker*`, `kswapd0` is `kswapd*`, `jbd2/sda1-8` is
 *   `jbd2/sda1-*`. A span names work, where such digits belong to the word: `sha256`, `utf8`.
 * - Digits elsewhere stay: `http2-reader`, `dav1d-worker`, `conn-7f3a`, `3d-render`.
 */
#ifndef TW_MODEL_FOLD_H
#define TW_MODEL_FOLD_H

#include "model/event.h"

/* Room for what folds: names from wire_name and comm are shorter by far. */
#define FOLD_BYTES 256

/* The folded name, or `name` itself where nothing folds and where it has FOLD_BYTES or more.
 * `out` is scratch, which the result may be in. */
const char *fold_numbers(const char *name, enum name_source source, char out[static FOLD_BYTES]);

#endif
