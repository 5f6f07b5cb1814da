/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leftovers.c - walks the kernel's BPF ids and the descriptors of all processes.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "leftovers.h"

#define IDS_MAX 65536

static const struct {
	const char *name;
	const char *fdinfo; /* the line of /proc/PID/fdinfo/N that has the id */
	int (*next)(__u32 start, __u32 *next);
} kinds[BPF_KINDS] = {
	[BPF_PROGRAMS] = {"program", "prog_id:", bpf_prog_get_next_id},
	[BPF_MAPS] = {"map", "map_id:", bpf_map_get_next_id},
	[BPF_LINKS] = {"link", "link_id:", bpf_link_get_next_id},
};

static void ids_add(struct bpf_ids *ids, uint32_t id)
{
	ids->ids = reallocarray(ids->ids, ids->count + 1, sizeof(id));
	if (!ids->ids || ids->count >= IDS_MAX)
		abort();
	ids->ids[ids->count++] = id;
}

static bool ids_have(const struct bpf_ids *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->ids[i] == id)
			return true;
	return false;
}

struct bpf_state bpf_state_take(void)
{
	struct bpf_state state = {0};

	for (int kind = 0; kind < BPF_KINDS; kind++)
		for (__u32 id = 0; kinds[kind].next(id, &id) == 0;)
			ids_add(&state.kinds[kind], id);
	return state;
}

void bpf_state_free(struct bpf_state *state)
{
	for (int kind = 0; kind < BPF_KINDS; kind++)
		free(state->kinds[kind].ids);
	*state = (struct bpf_state){0};
}

/* ---- who holds what ---- */

static void held_by_descriptor(struct bpf_state *held, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		for (int kind = 0; kind < BPF_KINDS; kind++) {
			size_t length = strlen(kinds[kind].fdinfo);

			if (strncmp(line, kinds[kind].fdinfo, length) == 0)
				ids_add(&held->kinds[kind],
					(uint32_t)strtoul(line + length, NULL, 10));
		}
	fclose(file);
}

static void held_by_process(struct bpf_state *held, const char *pid)
{
	char path[600], file[900];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			held_by_descriptor(held, file);
	}
	closedir(dir);
}

static struct bpf_state held_by_all(void)
{
	struct bpf_state held = {0};
	DIR *dir = opendir("/proc");

	if (!dir)
		abort();
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			held_by_process(&held, entry->d_name);
	closedir(dir);
	return held;
}

static char *first_leftover(const struct bpf_state *before)
{
	struct bpf_state now = bpf_state_take(), held = {0};
	bool looked = false;
	char *found = NULL;

	for (int kind = 0; kind < BPF_KINDS && !found; kind++)
		for (size_t i = 0; i < now.kinds[kind].count && !found; i++) {
			uint32_t id = now.kinds[kind].ids[i];

			if (ids_have(&before->kinds[kind], id))
				continue;
			if (!looked)
				held = held_by_all();
			looked = true;
			if (!ids_have(&held.kinds[kind], id))
				found = text("left BPF %s %u in the kernel", kinds[kind].name, id);
		}
	bpf_state_free(&now);
	bpf_state_free(&held);
	return found;
}

char *bpf_state_leftover(const struct bpf_state *before, unsigned limit_ms)
{
	uint64_t until = now_ms() + limit_ms;
	char *found;

	while ((found = first_leftover(before)) && now_ms() < until) {
		free(found);
		for (int i = 0; i < 20; i++)
			breathe();
	}
	return found;
}
