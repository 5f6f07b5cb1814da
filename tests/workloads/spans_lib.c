/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans_lib.c - the probe sites of spans. Included by spans.c, or built as libspans.so.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "include/threadwatch.h"
#include "spans.h"

#define PAGE_BYTES  4096
#define BLOCK_BYTES 65536 /* what one page fault maps, at most */
#define NAME_BYTES  64
#define HEAD_BYTES  20 /* of the crossing name, in the first of its pages */

#define NS_PER_MS	1000000
#define MS_PER_S	1000
#define OVERTIME_FACTOR 3

#define PAGEMAP_PRESENT (1ull << 63)

#define LITERAL_NAME "the one span with a literal for a name"

struct block {
	char text[NAME_BYTES];
	char rest[BLOCK_BYTES - NAME_BYTES];
};

struct crossing {
	char before[BLOCK_BYTES - HEAD_BYTES];
	char text[NAME_BYTES];
	char rest[BLOCK_BYTES + HEAD_BYTES - NAME_BYTES];
};

#define COLD(number)                                        \
	{                                                   \
		.text = "in a page never touched " #number, \
	}

static const struct block cold[SPANS_COLD] __attribute__((aligned(BLOCK_BYTES))) = {COLD(0),
	COLD(1), COLD(2), COLD(3), COLD(4), COLD(5), COLD(6), COLD(7), COLD(8), COLD(9), COLD(10),
	COLD(11), COLD(12), COLD(13), COLD(14), COLD(15)};

static const struct crossing crossing __attribute__((aligned(BLOCK_BYTES))) = {
	.text = "this name lies across the boundary of two pages",
};

const char *spans_cold(size_t block)
{
	return cold[block].text;
}

const char *spans_crossing(void)
{
	return crossing.text;
}

const char *spans_literal(void)
{
	return LITERAL_NAME;
}

static int resident(int pagemap, const char *address)
{
	uint64_t entry;
	off_t offset = (off_t)((uintptr_t)address / PAGE_BYTES * sizeof(entry));

	if (pread(pagemap, &entry, sizeof(entry), offset) != (ssize_t)sizeof(entry))
		return -1;
	return (entry & PAGEMAP_PRESENT) != 0;
}

int spans_cold_resident(void)
{
	const char *pages[SPANS_COLD + 2];
	int count = 0, pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pagemap < 0)
		return -1;
	for (int i = 0; i < SPANS_COLD; i++)
		pages[i] = cold[i].text;
	pages[SPANS_COLD] = crossing.text;
	pages[SPANS_COLD + 1] = crossing.text + HEAD_BYTES;
	for (int i = 0; i < SPANS_COLD + 2; i++) {
		int one = resident(pagemap, pages[i]);

		if (one < 0) {
			count = -1;
			break;
		}
		count += one;
	}
	close(pagemap);
	return count;
}

static void outlive(int64_t timebox_ms)
{
	int64_t ms = timebox_ms * OVERTIME_FACTOR;
	struct timespec left = {ms / MS_PER_S, ms % MS_PER_S * NS_PER_MS};

	while (nanosleep(&left, &left))
		;
}

struct run {
	const struct span_plan *plans;
	size_t count, next;
	void (*hold)(void *context);
	void *context;
};

static void nest(struct run *run);

/* What happens within a span. */
static void inside(struct run *run, const struct span_plan *plan)
{
	for (size_t i = 0; i < plan->data_count; i++) {
		const struct span_data *data = &plan->data[i];

		if (data->text)
			TW_DATA(data->key, data->text);
		else
			TW_DATA(data->key, data->number);
	}
	if (plan->holds)
		run->hold(run->context);
	while (run->next < run->count && run->plans[run->next].depth > plan->depth)
		nest(run);
	if (plan->exceeds)
		outlive(plan->timebox_ms);
}

static void nest(struct run *run)
{
	const struct span_plan *plan = &run->plans[run->next++];

	switch (plan->kind) {
	case SPAN_SCOPE: {
		TW_ROUTINE(plan->name, TW_TIMEBOX_MS(plan->timebox_ms));
		inside(run, plan);
		break;
	}
	case SPAN_BEGIN:
		TW_BEGIN(plan->name, TW_TIMEBOX_MS(plan->timebox_ms));
		inside(run, plan);
		TW_END();
		break;
	case SPAN_CROSSING: {
		TW_ROUTINE(crossing.text, TW_TIMEBOX_MS(plan->timebox_ms));
		inside(run, plan);
		break;
	}
	case SPAN_LITERAL:
		TW_BEGIN(LITERAL_NAME, TW_TIMEBOX_MS(plan->timebox_ms));
		inside(run, plan);
		TW_END();
		break;
	}
}

void spans_run(
	const struct span_plan *plans, size_t count, void (*hold)(void *context), void *context)
{
	struct run run = {plans, count, 0, hold, context};

	while (run.next < run.count)
		nest(&run);
}
