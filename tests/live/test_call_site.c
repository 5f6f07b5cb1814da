/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_call_site.c - threads that a run-time system creates are told with their author's line.
 *
 * The workload tells each create with its line and function. Optimised or not, inlined or
 * behind a dozen of the library's functions, this is what the stream must say of it, at its
 * start and at its end.
 */
#include <string.h>

#include "stream.h"
#include "tests.h"

static const char *const programs[] = {"call_sites", "call_sites_O0", "call_sites_O0_no_plt",
	"call_sites_clang", "call_sites_clang_O0", "call_sites_fp", "call_sites_no_pie",
	"call_sites_static"};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Calls visit for each event of a thread but main. */
static void each_thread(struct world *world, const struct proc *tw,
	void (*visit)(struct world *world, const json_t *event, void *context), void *context)
{
	char *all = text("%s", proc_text(tw, tw->events)), *rest = NULL;

	for (char *line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_t *event = json_loads(line, 0, NULL);

		if (event && strcmp(json_text(event, "instance"), "thread") == 0 &&
			json_number(event, "pid") != json_number(event, "tid"))
			visit(world, event, context);
		json_decref(event);
	}
}

/* ---- with debug information ---- */

struct wanted {
	const json_t *site;
	bool with_stack;
	size_t found;
	const char *others; /* what was said of other creates of the routine */
};

/* Behind the call site's frame is that of its caller, where that is the program's. */
static void require_stack(struct world *world, const json_t *event, const json_t *site)
{
	const json_t *frames = json_object_get(event, "origin_stack");
	const char *first = json_string_value(json_array_get(frames, 0));
	const char *second = json_string_value(json_array_get(frames, 1));

	REQUIRE(world,
		first && begins(first, json_text(event, "call_site")) &&
			strstr(first, text("(%s:%lld)", json_text(site, "file"),
					      (long long)json_number(site, "line"))),
		"the stack does not begin at the call site: %s", json_dumps(event, 0));
	if (strcmp(json_text(site, "function"), "app::create_within") == 0)
		return;
	REQUIRE(world, second && begins(second, "main+0x"),
		"the call site's caller is not on the stack: %s", json_dumps(event, 0));
}

static void compare(struct world *world, const json_t *event, void *context)
{
	struct wanted *wanted = context;
	const char *file = strrchr(json_text(event, "file"), '/');

	if (!begins(json_text(event, "routine"), json_text(wanted->site, "site")))
		return;
	if (!begins(json_text(event, "call_site"),
		    text("%s+0x", json_text(wanted->site, "function"))) ||
		!file || strcmp(file + 1, json_text(wanted->site, "file")) != 0 ||
		json_number(event, "line") != json_number(wanted->site, "line")) {
		wanted->others =
			text("%s%s at %s:%lld; ", wanted->others, json_text(event, "call_site"),
				json_text(event, "file"), (long long)json_number(event, "line"));
		return;
	}
	wanted->found++;
	if (wanted->with_stack)
		require_stack(world, event, wanted->site);
}

/* All sites that the program told, and none of its threads is left without one. */
static void check_sites(struct world *world, const char *name, const struct proc *tw,
	const struct truth *truth, bool with_stack)
{
	size_t i, checked = 0;
	json_t *line;

	json_array_foreach(truth->lines, i, line)
	{
		struct wanted wanted = {.site = line, .with_stack = with_stack, .others = ""};

		if (!json_object_get(line, "site"))
			continue;
		each_thread(world, tw, compare, &wanted);
		REQUIRE(world, wanted.found == 2, "%s, %s: %zu events; others: %s", name,
			json_dumps(line, 0), wanted.found, wanted.others);
		checked++;
	}
	REQUIRE(world, checked == 11, "%s told %zu sites", name, checked);
}

static void call_site_lines(struct world *world)
{
	for (size_t i = 0; i < PROGRAMS; i++) {
		struct truth truth;
		struct proc *tw = run_held(world, programs[i], ARGV("-o", "json"), &truth);

		check_sites(world, programs[i], tw, &truth, false);
	}
}

static void call_site_stacks(struct world *world)
{
	struct truth truth;
	struct proc *tw = run_held(world, "call_sites_fp", ARGV("-o", "json"), &truth);

	check_sites(world, "call_sites_fp", tw, &truth, true);
	tw = run_held(world, "call_sites", ARGV("-o", "json", "--origin-stacks"), &truth);
	check_sites(world, "call_sites", tw, &truth, true);
	tw = run_held(world, "call_sites_O0", ARGV("-o", "json", "--origin-stacks"), &truth);
	check_sites(world, "call_sites_O0", tw, &truth, true);
}

/* ---- without symbols ---- */

struct places {
	json_t *seen; /* object: call sites */
	size_t starts;
};

static void note_place(struct world *world, const json_t *event, void *context)
{
	struct places *places = context;
	const char *site = json_text(event, "call_site");

	REQUIRE(world, begins(site, "call_sites_stripped+0x"), "not the program's: %s",
		json_dumps(event, 0));
	json_object_set_new(places->seen, site, json_true());
	places->starts += strcmp(json_text(event, "type"), "started") == 0;
}

static void call_site_stripped(struct world *world)
{
	struct places places = {.seen = json_object()};
	struct truth truth;
	struct proc *tw = run_held(world, "call_sites_stripped", ARGV("-o", "json"), &truth);

	each_thread(world, tw, note_place, &places);
	REQUIRE(world, places.starts == 12 && json_object_size(places.seen) > 1,
		"%zu threads come from %zu places: %s", places.starts,
		json_object_size(places.seen), json_dumps(places.seen, 0));
}

const struct live_test call_site_tests[] = {
	{"call_site_lines", call_site_lines, ANYWHERE},
	{"call_site_stacks", call_site_stacks, 0},
	{"call_site_stripped", call_site_stripped, ANYWHERE},
	{0},
};
