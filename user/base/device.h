/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.h - numbers of devices as the kernel has them in its own structs, and as stat has them.
 */
#ifndef TW_BASE_DEVICE_H
#define TW_BASE_DEVICE_H

#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

/* include/linux/kdev_t.h */
#define DEVICE_MINOR_BITS 20
#define DEVICE_MINOR_MASK ((1u << DEVICE_MINOR_BITS) - 1)

static inline dev_t device_from_kernel(uint32_t device)
{
	return makedev(device >> DEVICE_MINOR_BITS, device & DEVICE_MINOR_MASK);
}

static inline uint32_t device_to_kernel(dev_t device)
{
	return major(device) << DEVICE_MINOR_BITS | minor(device);
}

#endif
