/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counters.c - all that was lost or fell back, by name.
 *
 * tests/check/counters.sh finds the names here and in bpf/wire.h, and wants each described in
 * the manual and in README.md.
 */
#include "cmd/session.h"

static size_t add_kernel_counters(const struct session *session, struct drop_count *out)
{
	for (int i = 0; i < WIRE_COUNTER_COUNT; i++)
		out[i] = (struct drop_count){
			kernel_counter_name(i), kernel_counter(session->kernel, i)};
	return WIRE_COUNTER_COUNT;
}

static size_t add_own_counters(const struct session *session, struct drop_count *out)
{
	const struct drop_count own[] = {
		{"usdt_sites_rejected", session->usdt_rejected},
		{"usdt_sites_over_limit", session->usdt_over_limit},
		{"mappings_lost", session->mappings_lost},
		{"mapped_files_gone", session->files_gone},
		{"mappings_polled", session->polling},
		{"files_not_attached", session->modules_failed},
		{"trampolines_late", session->trampolines_late},
		{"call_sites_left_out", session->call_sites_left},
		{"names_not_found", processes_unnamed(session->processes)},
		{"renames_missed", kernel_missed_renames(session->kernel)},
		{"perf_maps_refused", module_cache_perf_maps_refused(session->modules)},
		{"debug_files_refused", module_cache_debug_refused(session->modules)},
		{"records_refused",
			session->records_refused + kernel_records_refused(session->kernel)},
		{"walks_failed", session->walks_failed},
	};
	const size_t count = sizeof(own) / sizeof(*own);

	_Static_assert(sizeof(own) / sizeof(*own) == SESSION_OWN_COUNTERS, "no room for all");
	for (size_t i = 0; i < count; i++)
		out[i] = own[i];
	return count;
}

size_t session_counters(struct session *session, bool with_zeros, struct drop_count *out)
{
	size_t count = add_kernel_counters(session, out), kept = 0;

	count += add_own_counters(session, out + count);
	if (with_zeros)
		return count;
	for (size_t i = 0; i < count; i++)
		if (out[i].count)
			out[kept++] = out[i];
	return kept;
}

uint64_t session_dropped(struct session *session)
{
	static const enum wire_counter events[] = {
		WIRE_COUNTER_EVENTS_STARTED_DROPPED,
		WIRE_COUNTER_EVENTS_FINISHED_DROPPED,
		WIRE_COUNTER_EVENTS_NAMED_DROPPED,
		WIRE_COUNTER_EVENTS_TIMEBOX_DROPPED,
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		sum += kernel_counter(session->kernel, events[i]);
	return sum;
}
