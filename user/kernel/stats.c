/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats.c - reading the kernel's counters and interned names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kernel/internal.h"

uint64_t kernel_counter(const struct kernel *kernel, enum wire_counter which)
{
	return kernel->skel->bss->counters[which];
}

const char *kernel_counter_name(enum wire_counter which)
{
	static const char *const names[] = {
#define COUNTER_NAME(id, text) text,
		WIRE_COUNTERS(COUNTER_NAME)
#undef COUNTER_NAME
	};

	return names[which];
}

uint64_t kernel_missed_renames(const struct kernel *kernel)
{
	return lifecycle_missed_renames(kernel);
}

/* All keys first, then the values: deleting while walking a hash restarts the walk. */
static int all_keys(int fd, struct wire_routine_key **out, size_t *count)
{
	struct wire_routine_key key, *keys = NULL, *previous = NULL;
	size_t used = 0, room = 0;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		struct wire_routine_key *bigger = array_grow(keys, &room, used + 1, sizeof(*keys));

		if (!bigger) {
			free(keys);
			return -ENOMEM;
		}
		keys = bigger;
		keys[used++] = key;
		previous = &keys[used - 1];
	}
	*out = keys;
	*count = used;
	return 0;
}

int kernel_each_routine(struct kernel *kernel,
	int (*visit)(void *context, const struct wire_routine_key *key,
		const struct wire_routine_stats *stats),
	void *context)
{
	int fd = bpf_map__fd(kernel->skel->maps.routine_stats);
	struct wire_routine_key *keys = NULL;
	size_t count = 0;
	int err = all_keys(fd, &keys, &count);

	for (size_t i = 0; !err && i < count; i++) {
		struct wire_routine_stats stats;

		if (!bpf_map_lookup_elem(fd, &keys[i], &stats))
			err = visit(context, &keys[i], &stats);
	}
	free(keys);
	return err;
}

int kernel_take_routine(
	struct kernel *kernel, const struct wire_routine_key *key, struct wire_routine_stats *out)
{
	return bpf_map_lookup_and_delete_elem(
		       bpf_map__fd(kernel->skel->maps.routine_stats), key, out)
		       ? -errno
		       : 0;
}

int kernel_other_routine(struct kernel *kernel, struct wire_routine_stats *out)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(bpf_map__fd(kernel->skel->maps.routine_other), &zero, out)
		       ? -errno
		       : 0;
}

static int names_grow(struct kernel *kernel, uint32_t id)
{
	size_t room = (size_t)id + 1;
	char **bigger;

	if (room <= kernel->name_room)
		return 0;
	room *= 2;
	bigger = reallocarray(kernel->names, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + kernel->name_room, 0, (room - kernel->name_room) * sizeof(*bigger));
	kernel->names = bigger;
	kernel->name_room = room;
	return 0;
}

/* Numbers never change, so what was read once stays right. */
static void names_read(struct kernel *kernel)
{
	int fd = bpf_map__fd(kernel->skel->maps.names);
	struct wire_name name, *previous = NULL;
	uint32_t id;

	while (!bpf_map_get_next_key(fd, previous, &name)) {
		previous = &name;
		if (bpf_map_lookup_elem(fd, &name, &id) || names_grow(kernel, id))
			continue;
		if (!kernel->names[id])
			kernel->names[id] = strndup(name.text, sizeof(name.text) - 1);
	}
}

const char *kernel_name(struct kernel *kernel, uint32_t id)
{
	if (id >= kernel->name_room || !kernel->names[id])
		names_read(kernel);
	return id < kernel->name_room ? kernel->names[id] : NULL;
}
