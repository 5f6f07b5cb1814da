/* SPDX-License-Identifier: GPL-2.0-only */
/* ring.h - the two ring buffers; internal to user/kernel. */
#ifndef TW_KERNEL_RING_H
#define TW_KERNEL_RING_H

struct kernel;

int ring_open(struct kernel *kernel);
void ring_close(struct kernel *kernel);

#endif
