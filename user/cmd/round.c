/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * round.c - which counters belong to processes that live, and which are for good.
 */
#include "cmd/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cmd/view.h"
#include "model/fold.h"

#define OTHER "other"

struct counted {
	struct wire_routine_key key;
	struct wire_routine_stats stats;
};

/* What a round collects before it decides. */
struct collection {
	struct session *session;
	struct counted *counted;
	size_t counted_count, counted_room;
	struct wire_process *live; /* sorted and unique after the walk */
	size_t live_count, live_room;
	struct snapshot *snapshot; /* NULL: only who lives is wanted */
	int err;
};

static int collect_routine(
	void *context, const struct wire_routine_key *key, const struct wire_routine_stats *stats)
{
	struct collection *all = context;
	struct counted *counted = array_grow(
		all->counted, &all->counted_room, all->counted_count + 1, sizeof(*counted));

	if (!counted)
		return -ENOMEM;
	all->counted = counted;
	counted[all->counted_count++] = (struct counted){*key, *stats};
	return 0;
}

/* A process whatever its image: an execve ends no counter. */
static int compare_processes(const void *a, const void *b)
{
	const struct wire_process *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->tgid < y->tgid ? -1 : x->tgid > y->tgid;
}

static int note_live(struct collection *all, const struct wire_process *process)
{
	struct wire_process *live;

	if (all->live_count && !compare_processes(&all->live[all->live_count - 1], process))
		return 0;
	live = array_grow(all->live, &all->live_room, all->live_count + 1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	all->live = live;
	live[all->live_count++] = *process;
	return 0;
}

static void collect_thread(void *context, const void *record, size_t bytes)
{
	struct collection *all = context;
	struct snapshot_thread thread;
	struct thread_view view;

	if (all->err || !view_decode(all->session, record, bytes, &view))
		return;
	all->err = note_live(all, &view.header->thread.process);
	if (!all->snapshot)
		return;
	view_thread(all->session, &view, &thread);
	if (!all->err)
		all->err = snapshot_add(all->snapshot, &thread);
}

/* `out` is room for a folded name. */
static const char *routine_of(struct session *session, const struct wire_routine_key *key,
	const char *process_comm, char out[static FOLD_BYTES])
{
	bool fold = session->options->fold_numbers;
	struct routine_name name;
	struct birth birth = {
		.process = key->process,
		.trampoline = key->trampoline,
		.source = key->source,
	};

	switch (key->source) {
	case WIRE_SOURCE_SYMBOL:
		birth.start_fn = key->id;
		break;
	case WIRE_SOURCE_TYPE:
		birth.callable = key->id;
		break;
	default:
		birth.name = kernel_name(session->kernel, key->id);
		if (!birth.name)
			birth.name = OTHER;
	}
	processes_name(session->processes, &birth, birth.name ? birth.name : process_comm,
		process_comm, &name);
	return fold ? fold_numbers(name.text, name.source, out) : name.text;
}

static bool lives(const struct collection *all, const struct counted *one)
{
	return bsearch(&one->key.process, all->live, all->live_count, sizeof(*all->live),
		compare_processes);
}

static int add_one(struct round *round, struct collection *all, struct counted *one)
{
	struct session *session = round->session;
	const char *process = one->stats.process_comm;
	char out[FOLD_BYTES];

	one->stats.process_comm[WIRE_COMM_BYTES - 1] = '\0';
	if (lives(all, one))
		return metrics_add_live(round->metrics, process,
			routine_of(session, &one->key, process, out), &one->stats);
	if (kernel_take_routine(session->kernel, &one->key, &one->stats))
		return 0;
	one->stats.process_comm[WIRE_COMM_BYTES - 1] = '\0';
	return metrics_harvest(
		round->metrics, process, routine_of(session, &one->key, process, out), &one->stats);
}

static int add_other(struct round *round)
{
	struct wire_routine_stats other;

	if (kernel_other_routine(round->session->kernel, &other) ||
		!(other.started + other.adopted))
		return 0;
	return metrics_add_live(round->metrics, OTHER, OTHER, &other);
}

static int collect(struct collection *all)
{
	int err = kernel_each_routine(all->session->kernel, collect_routine, all);

	if (!err)
		err = kernel_walk(all->session->kernel, false, collect_thread, all);
	if (!err)
		err = all->err;
	if (!err && all->snapshot)
		err = snapshot_group(all->snapshot);
	if (!err && all->live_count)
		qsort(all->live, all->live_count, sizeof(*all->live), compare_processes);
	return err;
}

int round_take(struct round *round)
{
	struct collection all = {
		.session = round->session, .snapshot = snapshot_new(boot_now_ns())};
	int err = -ENOMEM;

	if (all.snapshot) {
		all.snapshot->fold_numbers = round->session->options->fold_numbers;
		err = collect(&all);
	}
	if (!err) {
		metrics_begin(round->metrics);
		err = metrics_add_snapshot(round->metrics, all.snapshot);
	}
	for (size_t i = 0; !err && i < all.counted_count; i++)
		err = add_one(round, &all, &all.counted[i]);
	if (!err)
		err = add_other(round);
	snapshot_free(all.snapshot);
	free(all.counted);
	free(all.live);
	return err;
}

int round_discard(struct session *session)
{
	struct collection all = {.session = session};
	struct wire_routine_stats last;
	int err = collect(&all);

	for (size_t i = 0; !err && i < all.counted_count; i++)
		if (!lives(&all, &all.counted[i]))
			kernel_take_routine(session->kernel, &all.counted[i].key, &last);
	free(all.counted);
	free(all.live);
	return err;
}

static void ignore_thread(void *context, const void *record, size_t bytes)
{
	(void)context;
	(void)record;
	(void)bytes;
}

int round_adopt(struct session *session)
{
	return kernel_walk(session->kernel, false, ignore_thread, NULL);
}
