/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eh_bytes.h - reads within bounds of what .eh_frame is made of. Private to eh_*.c.
 */
#ifndef TW_TARGET_EH_BYTES_H
#define TW_TARGET_EH_BYTES_H

#include <string.h>

#include "target/eh_frame.h"

#define LEB_BITS_MAX 63

/* Each takes from the front; false: too few are left. */
static inline bool take(struct eh_bytes *bytes, void *out, size_t count)
{
	if ((size_t)(bytes->end - bytes->at) < count)
		return false;
	memcpy(out, bytes->at, count);
	bytes->at += count;
	return true;
}

static inline bool take_leb(struct eh_bytes *bytes, bool is_signed, uint64_t *out)
{
	unsigned int shift = 0;
	uint8_t byte;

	*out = 0;
	do {
		if (shift > LEB_BITS_MAX || !take(bytes, &byte, sizeof(byte)))
			return false;
		*out |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && byte & 0x40 && shift <= LEB_BITS_MAX)
		*out |= UINT64_MAX << shift;
	return true;
}

static inline bool take_unsigned(struct eh_bytes *bytes, uint64_t *out)
{
	return take_leb(bytes, false, out);
}

static inline bool take_signed(struct eh_bytes *bytes, int64_t *out)
{
	uint64_t value;
	bool taken = take_leb(bytes, true, &value);

	*out = (int64_t)value;
	return taken;
}

static inline bool skip(struct eh_bytes *bytes, uint64_t count)
{
	if ((uint64_t)(bytes->end - bytes->at) < count)
		return false;
	bytes->at += count;
	return true;
}

#endif
