/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wall.h - wall-clock time of a moment on CLOCK_BOOTTIME.
 *
 * Pure apart from the time zone. Any 64-bit number is a valid input: the sum wraps and stays
 * a time of at most the year 2554, which struct tm holds.
 */
#ifndef TW_OUT_WALL_H
#define TW_OUT_WALL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

struct wall_time {
	struct tm tm;
	uint32_t ns; /* within the second */
};

static inline struct wall_time wall_time_at(uint64_t boot_ns, int64_t wall_offset_ns, bool local)
{
	uint64_t wall_ns = boot_ns + (uint64_t)wall_offset_ns;
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	struct wall_time wall = {.ns = (uint32_t)(wall_ns % NS_PER_S)};

	if (local)
		localtime_r(&seconds, &wall.tm);
	else
		gmtime_r(&seconds, &wall.tm);
	return wall;
}

#endif
