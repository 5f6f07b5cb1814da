/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.c - names for creators, call sites and stacks, each worked out once.
 */
#include "cmd/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/origin_table.h"

#define CREATOR_BYTES 256
#define CALL_BYTES    256
#define STACKS_KNOWN  65536u /* the latest */

struct origins {
	struct origin_table *table;
	char creator[CREATOR_BYTES]; /* of the latest call */
};

struct origins *origins_new(void)
{
	struct origins *origins = calloc(1, sizeof(*origins));

	if (origins)
		origins->table = origin_table_new(STACKS_KNOWN);
	if (origins && origins->table)
		return origins;
	free(origins);
	return NULL;
}

void origins_free(struct origins *origins)
{
	if (!origins)
		return;
	origin_table_free(origins->table);
	free(origins);
}

/* NULL when it cannot be known (now). */
static const struct site *site_get(
	struct session *session, const struct wire_process *process, uint64_t address)
{
	struct origin_table *table = session->origins->table;
	const struct site *site = origin_site_find(table, process, address);
	struct source_line source = {0};
	char call[CALL_BYTES];
	struct target *target;

	if (site)
		return site;
	target = processes_addresses(session->processes, process);
	if (!target || target_call_site(target, address, call, sizeof(call)))
		return NULL;
	if (target_source_line(target, address, &source))
		source = (struct source_line){0};
	return origin_site_add(table, process, address, call, &source);
}

/* ---- stacks ---- */

/* What the kernel found by frame pointers begins with pthread_create itself, whose own frame is
 * not set up yet; newer kernels add the return address then, older ones leave it out. */
static size_t take_walked_frames(struct target *target, const uint64_t *walked, size_t count,
	uint64_t call_site, uint64_t frames[static WIRE_STACK_FRAMES])
{
	size_t from = count > 1 && walked[1] == call_site ? 2 : 1;

	frames[0] = call_site;
	if (from >= count)
		return 1;
	count -= from;
	if (count > WIRE_STACK_FRAMES - 1)
		count = WIRE_STACK_FRAMES - 1;
	count = target_check_stack(target, walked + from, count);
	memcpy(frames + 1, walked + from, count * sizeof(*walked));
	return count + 1;
}

static void on_walk(void *context, const struct wire_stack_walk *walk)
{
	struct session *session = context;
	struct target *target = processes_addresses(session->processes, &walk->process);
	uint64_t walked[WIRE_STACK_FRAMES], frames[WIRE_STACK_FRAMES];
	size_t count;

	if (!target)
		return;
	for (size_t i = 0; i < walk->count; i++)
		walked[i] = walk->frames[i];
	count = take_walked_frames(target, walked, walk->count, walk->call_site, frames);
	origin_stack_add(session->origins->table, &walk->process, walk->id, frames, count);
}

static void on_copy(void *context, const struct wire_stack_copy *copy)
{
	struct session *session = context;
	struct target *target = processes_addresses(session->processes, &copy->process);
	uint64_t frames[WIRE_STACK_FRAMES];
	size_t count = target ? target_unwind(target, copy, frames) : 0;

	if (count)
		origin_stack_add(session->origins->table, &copy->process, copy->id, frames, count);
}

void origin_take_stacks(struct session *session)
{
	const struct kernel_stack_visitor visitor = {on_walk, on_copy, session};

	kernel_consume_stacks(session->kernel, &visitor);
}

void origin_sweep(struct session *session, uint64_t now_ns)
{
	if (session->origins)
		origin_table_sweep(session->origins->table, session->processes, now_ns);
}

static const struct stack *stack_get(struct session *session, const struct creation *creation)
{
	struct origin_table *table = session->origins->table;
	const struct stack *stack = origin_stack_find(table, creation->process, creation->stack);

	if (stack)
		return stack;
	/* It came before the event that we hold, perhaps after we last looked. */
	origin_take_stacks(session);
	return origin_stack_find(table, creation->process, creation->stack);
}

/*
 * The stack begins at pthread_create; the call site may be further out, where a run-time system
 * was called. How many frames to leave out for it to be the first. A walk by frame pointers may
 * have passed it by, then it goes on with its callers.
 */
static size_t frames_before(
	struct session *session, const struct creation *creation, const struct stack *stack)
{
	struct target *target = processes_addresses(session->processes, creation->process);
	size_t count = 0;

	while (count < stack->count && stack->frames[count] != creation->call_site)
		count++;
	if (count < stack->count)
		return count + 1;
	for (count = 0; count < stack->count; count++)
		if (!target || !target_creates_for_caller(target, stack->frames[count]))
			break;
	return count;
}

static void put_stack(struct session *session, const struct creation *creation,
	const struct site *first, struct origin *out)
{
	const struct stack *stack;

	if (!(creation->flags & WIRE_THREAD_UPROBE) || creation->stack < 0)
		return;
	stack = stack_get(session, creation);
	if (!stack)
		return;
	out->frames[out->frame_count++] = first->frame;
	for (size_t i = frames_before(session, creation, stack); i < stack->count; i++) {
		const struct site *site = site_get(session, creation->process, stack->frames[i]);

		if (!site || out->frame_count == ORIGIN_FRAMES_MAX)
			return;
		out->frames[out->frame_count++] = site->frame;
	}
}

/* ---- creators ---- */

static const char *creator_routine(struct session *session, const struct creation *creation)
{
	bool behind = creation->creator_source == WIRE_SOURCE_TYPE;
	struct birth birth = {.process = *creation->process,
		.start_fn = behind ? 0 : creation->creator_id,
		.callable = behind ? creation->creator_id : 0,
		.source = creation->creator_source};
	struct routine_name name = {.text = ""};
	char *text = session->origins->creator;

	switch (creation->creator_source) {
	case WIRE_SOURCE_SYMBOL:
	case WIRE_SOURCE_TYPE:
		processes_name(session->processes, &birth, "", "", &name);
		snprintf(text, CREATOR_BYTES, "%s", name.text);
		return *text ? text : NULL;
	case WIRE_SOURCE_COMM:
	case WIRE_SOURCE_SPAWN:
	case WIRE_SOURCE_SPAN:
		return creation->creator_id == WIRE_NAME_ID_OTHER
			       ? NULL
			       : kernel_name(session->kernel, (uint32_t)creation->creator_id);
	default:
		return NULL;
	}
}

void origin_of(struct session *session, const struct creation *creation, struct origin *out)
{
	const struct site *site;

	*out = (struct origin){.creator_tid = creation->creator_tid};
	out->creator_routine = creator_routine(session, creation);
	site = creation->call_site ? site_get(session, creation->process, creation->call_site)
				   : NULL;
	if (!site)
		return;
	out->call_site = site->call;
	if (site->line) {
		out->file = site->file;
		out->line = site->line;
	}
	put_stack(session, creation, site, out);
}
