/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * array.h - arrays that grow.
 */
#ifndef TW_BASE_ARRAY_H
#define TW_BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST 64 /* elements */

/* The array with room for at least `wanted` elements, moved where it must be; NULL without
 * memory, and then it is as it was. */
static inline void *array_grow(void *array, size_t *room, size_t wanted, size_t element_bytes)
{
	size_t more = *room ? *room : ARRAY_FIRST;
	void *grown;

	if (wanted <= *room)
		return array;
	while (more < wanted)
		more *= 2;
	grown = reallocarray(array, more, element_bytes);
	if (grown)
		*room = more;
	return grown;
}

#endif
