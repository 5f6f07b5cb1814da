/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans_lib.c - the probe sites of spans. Included by spans.c, or built as libspans.so.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "include/threadwatch.h"
#include "spans.h"

#define PAGE_BYTES 4096
#define NAME_BYTES 64
#define HEAD_BYTES 20 /* of the crossing name, in the first of its pages */

#define NS_PER_MS	1000000
#define MS_PER_S	1000
#define OVERTIME_FACTOR 3

#define PAGEMAP_PRESENT (1ull << 63)

#define LITERAL_NAME "the one span with a literal for a name"

struct page {
	char text[NAME_BYTES];
	char rest[PAGE_BYTES - NAME_BYTES];
};

struct crossing {
	char before[PAGE_BYTES - HEAD_BYTES];
	char text[NAME_BYTES];
	char rest[PAGE_BYTES + HEAD_BYTES - NAME_BYTES];
};

#define COLD(number)                                        \
	{                                                   \
		.text = "in a page never touched " #number, \
	}

static const struct page cold[SPANS_COLD] __attribute__((aligned(PAGE_BYTES))) = {COLD(0), COLD(1),
	COLD(2), COLD(3), COLD(4), COLD(5), COLD(6), COLD(7), COLD(8), COLD(9), COLD(10), COLD(11),
	COLD(12), COLD(13), COLD(14), COLD(15)};

static const struct crossing crossing __attribute__((aligned(PAGE_BYTES))) = {
	.text = "this name lies across the boundary of two pages",
};

const char *spans_cold(size_t page)
{
	return cold[page].text;
}

const char *spans_crossing(void)
{
	return crossing.text;
}

const char *spans_literal(void)
{
	return LITERAL_NAME;
}

struct run {
	const struct span_plan *plans;
	size_t count, next, unmapped;
	int pagemap;
	void (*hold)(void *context);
	void *context;
};

static bool mapped(int pagemap, const char *page)
{
	uint64_t entry;
	off_t offset = (off_t)((uintptr_t)page / PAGE_BYTES * sizeof(entry));

	return pread(pagemap, &entry, sizeof(entry), offset) != (ssize_t)sizeof(entry) ||
	       (entry & PAGEMAP_PRESENT);
}

/*
 * Unmaps the pages of a string that is to be in one never touched, which touching a neighbour
 * may have mapped; and sees whether that held until now. The second page of the crossing name
 * becomes a mapping of its own by another protection, for a page fault brings in the pages
 * around it too, but only of the same mapping.
 */
static void chill(struct run *run, const char *text)
{
	const char *from = text;
	size_t bytes = PAGE_BYTES;

	if (text == crossing.text) {
		from = crossing.before;
		bytes = sizeof(crossing);
		if (mprotect((void *)(uintptr_t)(from + PAGE_BYTES), PAGE_BYTES,
			    PROT_READ | PROT_WRITE))
			return;
	} else if (text < cold[0].text || text >= cold[0].text + sizeof(cold)) {
		return;
	}
	if (madvise((void *)(uintptr_t)from, bytes, MADV_DONTNEED))
		return;
	run->unmapped +=
		!mapped(run->pagemap, from) && !mapped(run->pagemap, from + bytes - PAGE_BYTES);
}

static void outlive(int64_t timebox_ms)
{
	int64_t ms = timebox_ms * OVERTIME_FACTOR;
	struct timespec left = {ms / MS_PER_S, ms % MS_PER_S * NS_PER_MS};

	while (nanosleep(&left, &left))
		;
}

static void nest(struct run *run);

/* What happens within a span. */
static void inside(struct run *run, const struct span_plan *plan)
{
	for (size_t i = 0; i < plan->data_count; i++) {
		const struct span_data *data = &plan->data[i];

		chill(run, data->text);
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

	chill(run, plan->name);
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

size_t spans_run(
	const struct span_plan *plans, size_t count, void (*hold)(void *context), void *context)
{
	struct run run = {.plans = plans, .count = count, .hold = hold, .context = context};

	run.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	while (run.next < run.count)
		nest(&run);
	if (run.pagemap >= 0)
		close(run.pagemap);
	return run.unmapped;
}
