/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot.c - takes one-shot snapshots and adds up their groups.
 */
#include <string.h>

#include "stream.h"

#define ARGS_MAX 256

json_t *snapshot_take(struct world *world, const char *const *options)
{
	const char *args[ARGS_MAX] = {world->bin, "snapshot", "-o", "json"};
	size_t count = 4;
	struct proc *tw;
	json_t *snapshot;

	for (; options && *options; options++) {
		REQUIRE(world, count < ARGS_MAX - 1, "too many options");
		args[count++] = *options;
	}
	tw = proc_start(world, args);
	snapshot = proc_json(world, tw, CHANNEL_OUT);
	REQUIRE(world, snapshot, "no snapshot: %s", proc_text(tw, CHANNEL_ERR));
	REQUIRE(world, !proc_line(world, tw, CHANNEL_OUT), "more than one line");
	REQUIRE(world, proc_wait(world, tw) == 0, "snapshot failed: %s",
		proc_text(tw, CHANNEL_ERR));
	REQUIRE(world,
		strcmp(json_text(snapshot, "type"), "snapshot") == 0 &&
			json_number(snapshot, "v") == 1,
		"not a snapshot: %s", json_dumps(snapshot, 0));
	REQUIRE(world, snapshot_sum(snapshot) == json_number(snapshot, "threads"),
		"the groups add up to %lld, there are %lld threads",
		(long long)snapshot_sum(snapshot), (long long)json_number(snapshot, "threads"));
	proc_forget(world, tw);
	return snapshot;
}

int64_t snapshot_threads(const json_t *snapshot, const char *routine)
{
	json_t *groups = json_object_get(snapshot, "routines"), *group;
	int64_t threads = 0;
	size_t i;

	json_array_foreach(groups, i, group) if (strcmp(json_text(group, "routine"), routine) == 0)
		threads += json_number(group, "threads");
	return threads;
}

int64_t snapshot_sum(const json_t *snapshot)
{
	json_t *groups = json_object_get(snapshot, "routines"), *group;
	int64_t threads = 0;
	size_t i;

	json_array_foreach(groups, i, group) threads += json_number(group, "threads");
	return threads;
}
