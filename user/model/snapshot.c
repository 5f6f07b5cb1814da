// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot.c - collects the live threads of one moment, with copies of all their strings.
 *
 * Input: threads one by one, their strings only borrowed for the call. Strings go to an arena
 * that lives as long as the snapshot; a failed add leaves the threads as they were. Refuses
 * counts and states beyond the limits of bpf/wire.h.
 */
#include "model/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES   (64 * 1024)
#define FIRST_THREADS 64

struct chunk {
	struct chunk *next;
	size_t used;
	size_t bytes;
	char text[];
};

/* What snapshot->arena points to; owned by the snapshot. */
struct arena {
	struct chunk *chunks; /* the one being filled first */
	size_t thread_capacity;
};

struct snapshot *snapshot_new(uint64_t boot_ns)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return NULL;
	snapshot->boot_ns = boot_ns;
	snapshot->arena = calloc(1, sizeof(struct arena));
	if (!snapshot->arena) {
		free(snapshot);
		return NULL;
	}
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;

	struct arena *arena = snapshot->arena;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
	free(snapshot->threads);
	free(snapshot->routines);
	free(snapshot->span_groups);
	free(snapshot->drops);
	free(snapshot);
}

/* Copies *text to the arena and lets *text point to the copy; NULL stays NULL. */
static bool keep_text(struct arena *arena, const char **text)
{
	if (!*text)
		return true;

	size_t bytes = strlen(*text) + 1;
	struct chunk *chunk = arena->chunks;
	if (!chunk || chunk->bytes - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return false;
		*chunk = (struct chunk){.next = arena->chunks, .bytes = room};
		arena->chunks = chunk;
	}
	*text = memcpy(chunk->text + chunk->used, *text, bytes);
	chunk->used += bytes;
	return true;
}

/* As keep_text, for what every thread has: NULL becomes "". */
static bool keep_name(struct arena *arena, const char **text)
{
	if (!*text)
		*text = "";
	return keep_text(arena, text);
}

static bool keep_span(struct arena *arena, struct snapshot_span *span)
{
	if (!keep_name(arena, &span->name))
		return false;
	for (size_t i = 0; i < span->data_count; i++) {
		if (!keep_name(arena, &span->data[i].key) || !keep_text(arena, &span->data[i].text))
			return false;
	}
	return true;
}

static bool keep_routine(struct arena *arena, struct routine_name *routine)
{
	return keep_name(arena, &routine->text) && keep_text(arena, &routine->full) &&
	       keep_text(arena, &routine->build_id);
}

static bool keep_origin(struct arena *arena, struct origin *origin)
{
	if (!keep_text(arena, &origin->creator_routine) || !keep_text(arena, &origin->call_site) ||
		!keep_text(arena, &origin->file))
		return false;
	for (size_t i = 0; i < origin->frame_count; i++) {
		if (!keep_name(arena, &origin->frames[i]))
			return false;
	}
	return true;
}

static bool keep_thread(struct arena *arena, struct snapshot_thread *thread)
{
	if (!keep_name(arena, &thread->process) || !keep_name(arena, &thread->comm) ||
		!keep_routine(arena, &thread->birth) || !keep_origin(arena, &thread->origin) ||
		!keep_text(arena, &thread->confinement.cgroup) ||
		!keep_text(arena, &thread->confinement.container) ||
		!keep_text(arena, &thread->wait))
		return false;
	for (size_t i = 0; i < thread->span_count; i++) {
		if (!keep_span(arena, &thread->spans[i]))
			return false;
	}
	return true;
}

static bool is_within_limits(const struct snapshot_thread *thread)
{
	if (thread->state >= WIRE_STATE_COUNT || thread->span_count > WIRE_SPANS_MAX ||
		thread->origin.frame_count > ORIGIN_FRAMES_MAX)
		return false;
	for (size_t i = 0; i < thread->span_count; i++) {
		if (thread->spans[i].data_count > WIRE_DATA_MAX)
			return false;
	}
	return true;
}

static int reserve_thread(struct snapshot *snapshot)
{
	struct arena *arena = snapshot->arena;
	if (snapshot->thread_count < arena->thread_capacity)
		return 0;

	size_t capacity = arena->thread_capacity ? arena->thread_capacity * 2 : FIRST_THREADS;
	struct snapshot_thread *threads =
		reallocarray(snapshot->threads, capacity, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	snapshot->threads = threads;
	arena->thread_capacity = capacity;
	return 0;
}

int snapshot_add(struct snapshot *snapshot, const struct snapshot_thread *thread)
{
	if (!is_within_limits(thread))
		return -EINVAL;

	int err = reserve_thread(snapshot);
	if (err)
		return err;

	struct snapshot_thread *slot = &snapshot->threads[snapshot->thread_count];
	*slot = *thread;
	if (!keep_thread(snapshot->arena, slot))
		return -ENOMEM;
	snapshot->thread_count++;
	return 0;
}

const char *snapshot_keep(struct snapshot *snapshot, const char *text)
{
	return keep_text(snapshot->arena, &text) ? text : NULL;
}

int snapshot_set_drops(struct snapshot *snapshot, const struct drop_count *drops, size_t count)
{
	struct drop_count *copy = NULL;

	if (count) {
		copy = reallocarray(NULL, count, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, drops, count * sizeof(*copy));
	}
	free(snapshot->drops);
	snapshot->drops = copy;
	snapshot->drop_count = count;
	return 0;
}

struct routine_name snapshot_thread_routine(const struct snapshot_thread *thread)
{
	if (thread->span_count == 0)
		return thread->birth;
	return (struct routine_name){
		.text = thread->spans[thread->span_count - 1].name,
		.source = SOURCE_SPAN,
	};
}

const char *thread_state_name(uint32_t state)
{
	static const char *const names[WIRE_STATE_COUNT] = {
		[WIRE_STATE_RUNNING] = "running",
		[WIRE_STATE_SLEEPING] = "sleeping",
		[WIRE_STATE_DISK] = "disk",
		[WIRE_STATE_STOPPED] = "stopped",
		[WIRE_STATE_TRACED] = "traced",
		[WIRE_STATE_ZOMBIE] = "zombie",
		[WIRE_STATE_DEAD] = "dead",
		[WIRE_STATE_PARKED] = "parked",
		[WIRE_STATE_IDLE] = "idle",
		[WIRE_STATE_NEW] = "new",
	};

	return state < WIRE_STATE_COUNT ? names[state] : "unknown";
}
