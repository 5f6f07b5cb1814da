/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origin.c - names for creators, call sites and stacks, each worked out once.
 *
 * Three tables, emptied together when one is full: sites (a return address in an image), stacks
 * (their addresses in an image, any number of threads share one) and places (what the kernel
 * calls a stack). A place is overwritten by a later one that falls on it, so that the memory is
 * bounded: of copies, the PLACES latest threads' are known.
 */
#include "cmd/origin.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES_MAX     16384
#define STACKS_MAX    16384
#define PLACES	      65536u /* a power of two */
#define CREATOR_BYTES 256
#define CALL_BYTES    256
#define LINE_BYTES    16
#define PLACE_STRIDE  31u /* spreads processes over the places of their stacks */

struct site {
	struct wire_process process;
	uint64_t address;
	uint32_t line;	   /* 0: not known */
	const char *file;  /* "" when not known */
	const char *frame; /* "function+0x12 (file.c:12)" */
	char call[];	   /* "function+0x12"; file and frame lie behind it */
};

struct stack {
	struct wire_process process;
	size_t count;
	uint64_t frames[WIRE_STACK_FRAMES]; /* 0 from `count` on */
};

struct place {
	struct wire_process process;
	int32_t id;
	const struct stack *stack; /* NULL: empty */
};

struct origins {
	void *sites, *stacks; /* tsearch trees */
	size_t site_count, stack_count;
	struct place *places;	     /* NULL until needed */
	char creator[CREATOR_BYTES]; /* of the latest call */
};

struct origins *origins_new(void)
{
	return calloc(1, sizeof(struct origins));
}

static void forget_all(struct origins *origins)
{
	tdestroy(origins->sites, free);
	tdestroy(origins->stacks, free);
	free(origins->places);
	*origins = (struct origins){.sites = NULL};
}

void origins_free(struct origins *origins)
{
	if (!origins)
		return;
	forget_all(origins);
	free(origins);
}

/* ---- sites ---- */

static int compare_sites(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return memcmp(&x->process, &y->process, sizeof(x->process));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct site *site_new(const struct wire_process *process, uint64_t address, const char *call,
	const struct source_line *source)
{
	const char *base = base_name(source->file);
	size_t call_bytes = strlen(call) + 1, file_bytes = strlen(source->file) + 1;
	size_t frame_bytes = call_bytes + strlen(base) + LINE_BYTES;
	struct site *site = malloc(sizeof(*site) + call_bytes + file_bytes + frame_bytes);
	char *file, *frame;

	if (!site)
		return NULL;
	file = site->call + call_bytes;
	frame = file + file_bytes;
	memcpy(site->call, call, call_bytes);
	memcpy(file, source->file, file_bytes);
	if (source->line)
		snprintf(frame, frame_bytes, "%s (%s:%u)", call, base, source->line);
	else
		memcpy(frame, call, call_bytes);
	site->process = *process;
	site->address = address;
	site->line = source->line;
	site->file = file;
	site->frame = frame;
	return site;
}

/* NULL when it cannot be known (now). */
static const struct site *site_get(
	struct session *session, const struct wire_process *process, uint64_t address)
{
	struct origins *origins = session->origins;
	struct site wanted = {.process = *process, .address = address}, *site;
	void *found = tfind(&wanted, &origins->sites, compare_sites);
	struct source_line source = {0};
	char call[CALL_BYTES];
	struct target *target;

	if (found)
		return *(struct site **)found;
	target = processes_addresses(session->processes, process);
	if (!target || target_call_site(target, address, call, sizeof(call)))
		return NULL;
	if (target_source_line(target, address, &source))
		source = (struct source_line){0};
	site = site_new(process, address, call, &source);
	if (!site || !tsearch(site, &origins->sites, compare_sites)) {
		free(site);
		return NULL;
	}
	origins->site_count++;
	return site;
}

/* ---- stacks ---- */

static int compare_stacks(const void *a, const void *b)
{
	const struct stack *x = a, *y = b;
	int process = memcmp(&x->process, &y->process, sizeof(x->process));

	return process ? process : memcmp(x->frames, y->frames, sizeof(x->frames));
}

static const struct stack *stack_get(struct origins *origins, const struct stack *wanted)
{
	void *found = tfind(wanted, &origins->stacks, compare_stacks);
	struct stack *stack;

	if (found)
		return *(struct stack **)found;
	stack = malloc(sizeof(*stack));
	if (!stack)
		return NULL;
	*stack = *wanted;
	if (!tsearch(stack, &origins->stacks, compare_stacks)) {
		free(stack);
		return NULL;
	}
	origins->stack_count++;
	return stack;
}

static struct place *place_of(
	struct origins *origins, const struct wire_process *process, int32_t id)
{
	uint32_t index = ((uint32_t)id + process->tgid * PLACE_STRIDE) & (PLACES - 1);

	if (!origins->places)
		origins->places = calloc(PLACES, sizeof(*origins->places));
	return origins->places ? &origins->places[index] : NULL;
}

static bool is_place_of(const struct place *place, const struct wire_process *process, int32_t id)
{
	return place->stack && place->id == id &&
	       !memcmp(&place->process, process, sizeof(*process));
}

/* What the kernel found by frame pointers begins with pthread_create itself, whose own frame is
 * not set up yet; newer kernels add the return address then, older ones leave it out. */
static void take_walked_frames(struct target *target, const uint64_t *walked, size_t count,
	uint64_t call_site, struct stack *out)
{
	size_t from = count > 1 && walked[1] == call_site ? 2 : 1;

	out->frames[0] = call_site;
	out->count = 1;
	if (from >= count)
		return;
	count -= from;
	if (count > WIRE_STACK_FRAMES - 1)
		count = WIRE_STACK_FRAMES - 1;
	count = target_check_stack(target, walked + from, count);
	memcpy(out->frames + 1, walked + from, count * sizeof(*walked));
	out->count += count;
}

static const struct stack *walked_stack(struct session *session, const struct creation *creation)
{
	struct origins *origins = session->origins;
	struct place *place = place_of(origins, creation->process, creation->stack);
	struct stack stack = {.process = *creation->process};
	uint64_t walked[WIRE_STACK_FRAMES];
	struct target *target;
	size_t count;

	if (!place)
		return NULL;
	/* One stack may end in several calls: they differ in the call site. */
	if (is_place_of(place, creation->process, creation->stack) &&
		place->stack->frames[0] == creation->call_site)
		return place->stack;
	target = processes_addresses(session->processes, creation->process);
	count = kernel_origin_frames(session->kernel, creation->stack, walked);
	if (!target || !count)
		return NULL;
	take_walked_frames(target, walked, count, creation->call_site, &stack);
	*place = (struct place){.process = *creation->process,
		.id = creation->stack,
		.stack = stack_get(origins, &stack)};
	return place->stack;
}

static void on_copy(void *context, const struct wire_stack_copy *copy)
{
	struct session *session = context;
	struct origins *origins = session->origins;
	struct target *target = processes_addresses(session->processes, &copy->process);
	struct place *place = place_of(origins, &copy->process, copy->id);
	struct stack stack = {.process = copy->process};

	if (!target || !place)
		return;
	stack.count = target_unwind(target, copy, stack.frames);
	if (stack.count)
		*place = (struct place){.process = copy->process,
			.id = copy->id,
			.stack = stack_get(origins, &stack)};
}

static void make_room(struct origins *origins)
{
	if (origins->site_count >= SITES_MAX || origins->stack_count >= STACKS_MAX)
		forget_all(origins);
}

void origin_take_copies(struct session *session)
{
	make_room(session->origins);
	kernel_consume_copies(session->kernel, on_copy, session);
}

static const struct stack *copied_stack(struct session *session, const struct creation *creation)
{
	struct place *place = place_of(session->origins, creation->process, creation->stack);

	if (!place)
		return NULL;
	/* It came before the event that we hold, perhaps after we last looked. */
	if (!is_place_of(place, creation->process, creation->stack))
		kernel_consume_copies(session->kernel, on_copy, session);
	return is_place_of(place, creation->process, creation->stack) ? place->stack : NULL;
}

static void put_stack(struct session *session, const struct creation *creation, struct origin *out)
{
	const struct stack *stack = NULL;

	if (!(creation->flags & WIRE_THREAD_UPROBE) || creation->stack < 0)
		return;
	if (session->origin_stacks == WIRE_ORIGIN_COPIES)
		stack = copied_stack(session, creation);
	else if (session->origin_stacks == WIRE_ORIGIN_FRAMES)
		stack = walked_stack(session, creation);
	for (size_t i = 0; stack && i < stack->count; i++) {
		const struct site *site = site_get(session, &stack->process, stack->frames[i]);

		if (!site)
			return;
		out->frames[out->frame_count++] = site->frame;
	}
}

/* ---- creators ---- */

static const char *creator_routine(struct session *session, const struct creation *creation)
{
	struct birth birth = {.process = *creation->process,
		.start_fn = creation->creator_id,
		.source = creation->creator_source};
	struct routine_name name = {.text = ""};
	char *text = session->origins->creator;

	switch (creation->creator_source) {
	case WIRE_SOURCE_SYMBOL:
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
	make_room(session->origins);
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
	put_stack(session, creation, out);
}
