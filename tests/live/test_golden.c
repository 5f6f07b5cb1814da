/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_golden.c - compares all that threadwatch says of the golden table's threads.
 *
 * All programs of a table at once: they are held at their first instruction, a trace attaches,
 * they go on and start their threads (born), a snapshot and a second trace find these running
 * (there), and all of them end. Four views, of every thread of each program: none may be
 * missing and there must be no other. Differences are told together, up to TELL_MAX.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "stream.h"
#include "tests.h"

#define ROWS_MAX     (PROCS_MAX - 4) /* besides the traces and a snapshot */
#define OPTIONS_MAX  8		     /* besides those for the programs */
#define TELL_MAX     16
#define GOLDEN_LIMIT 120

struct subject {
	const struct golden_row *row;
	struct proc *proc;
};

struct golden {
	struct world *world;
	struct proc *anchor;
	struct subject subjects[ROWS_MAX];
	size_t count;
	FILE *wrong; /* a line for each of the first differences */
	size_t wrongs;
	size_t wrongs_born; /* of them in views of births */
	char *wrong_text;
	size_t wrong_bytes;
};

/* ---- what is expected ---- */

static uint64_t symbol_in(Elf_Scn *section, Elf *elf, const char *name)
{
	GElf_Shdr header;
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || !data)
		return 0;
	for (int i = 0; gelf_getsym(data, i, &symbol); i++)
		if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
			!strcmp(elf_strptr(elf, header.sh_link, symbol.st_name), name))
			return symbol.st_value;
	return 0;
}

/* The linked address of a function of a workload. */
static uint64_t address_of(struct world *world, const char *file, const char *function)
{
	int fd = open(text("%s/%s", world->workloads, file), O_RDONLY | O_CLOEXEC);
	uint64_t address = 0;
	Elf_Scn *section = NULL;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	while (elf && !address && (section = elf_nextscn(elf, section)))
		address = symbol_in(section, elf, function);
	elf_end(elf);
	close(fd);
	REQUIRE(world, address, "%s has no function %s", file, function);
	return address;
}

static const char *routine_of(struct world *world, const struct golden_name *name)
{
	const char *suffix = "-stripped";
	size_t length;

	if (!name->stripped)
		return name->routine;
	if (!name->routine)
		return text("%s+0x", name->stripped);
	length = strlen(name->stripped) - strlen(suffix);
	return text("%s+0x%llx", name->stripped,
		(unsigned long long)address_of(
			world, text("%.*s", (int)length, name->stripped), name->routine));
}

static bool routine_matches(const char *seen, const char *routine)
{
	size_t length = strlen(routine);

	if (length > 3 && !strcmp(routine + length - 3, "+0x"))
		return !strncmp(seen, routine, length);
	return !strcmp(seen, routine);
}

static bool site_matches(const char *seen, const char *function)
{
	size_t length = function ? strlen(function) : 0;

	if (!function)
		return !*seen;
	return !strncmp(seen, function, length) && !strncmp(seen + length, "+0x", 3);
}

/* ---- comparison ---- */

static bool is_system(const struct golden_row *row, const char *routine)
{
	for (const char *const *pattern = row->system; pattern && *pattern; pattern++)
		if (!fnmatch(*pattern, routine, 0))
			return true;
	return false;
}

static bool is_thread(const json_t *thread, const char *routine, const char *source, bool heuristic,
	const char *call_site)
{
	return routine_matches(json_text(thread, "routine"), routine) &&
	       !strcmp(json_text(thread, "source"), source) &&
	       json_is_true(json_object_get(thread, "heuristic")) == heuristic &&
	       site_matches(json_text(thread, "call_site"), call_site);
}

static void tell(struct golden *golden, const struct subject *subject, const char *view,
	const json_t *thread, const struct golden_name *name, const char *routine,
	const char *call_site)
{
	if (golden->wrongs++ >= TELL_MAX)
		return;
	fprintf(golden->wrong, "\n    %s, %s: ", subject->row->variant, view);
	if (thread)
		fprintf(golden->wrong, "\"%s\" by %s%s at %s", json_text(thread, "routine"),
			json_text(thread, "source"),
			json_is_true(json_object_get(thread, "heuristic")) ? "?" : "",
			json_text(thread, "call_site"));
	else
		fprintf(golden->wrong, "none or too many");
	fprintf(golden->wrong, ", not \"%s\" by %s%s at %s", routine, name->source,
		name->heuristic ? "?" : "", call_site ? call_site : "");
}

/* Every thread of one program in one view. `threads` may hold those of others too. */
static void check(struct golden *golden, const struct subject *subject, const char *view,
	const json_t *threads, bool born, bool with_main)
{
	static const struct golden_name main_name = {.routine = "main", .source = "symbol"};
	const struct golden_row *row = subject->row;
	const struct golden_name *name = born || !row->there.source ? &row->born : &row->there;
	const char *routine = routine_of(golden->world, name);
	const char *call_site = born ? row->call_site : NULL;
	size_t found = 0, mains = 0, others = 0, before = golden->wrongs, i;
	json_t *thread;

	json_array_foreach(threads, i, thread)
	{
		if (json_number(thread, "pid") != subject->proc->pid)
			continue;
		if (json_number(thread, "tid") == subject->proc->pid) {
			mains++;
			if (!is_thread(thread, "main", "symbol", false, NULL))
				tell(golden, subject, view, thread, &main_name, "main", NULL);
		} else if (is_thread(thread, routine, name->source, name->heuristic, call_site)) {
			found++;
		} else if (!is_system(row, json_text(thread, "routine"))) {
			others++;
			tell(golden, subject, view, thread, name, routine, call_site);
		}
	}
	if (mains != with_main)
		tell(golden, subject, view, NULL, &main_name, "main", NULL);
	if (!others && (row->many ? !found : found != 1))
		tell(golden, subject, view, NULL, name, routine, call_site);
	if (born)
		golden->wrongs_born += golden->wrongs - before;
}

/* ---- the programs ---- */

static const char *argument_of(struct world *world, const char *argument)
{
	if (argument && !strncmp(argument, "@/", 2))
		return text("%s/%s", world->workloads, argument + 2);
	return argument;
}

/* Fills argv, which ends with NULL. false: the program or a file that it needs is not here. */
static bool arguments_of(struct golden *golden, const struct golden_row *row, const char **argv)
{
	for (size_t i = 0; i <= GOLDEN_ARGS; i++) {
		argv[i] = i < GOLDEN_ARGS ? argument_of(golden->world, row->argv[i]) : NULL;
		if (argv[i] && argv[i][0] == '/' && access(argv[i], R_OK)) {
			printf("     without \"%s\": there is no %s\n", row->variant, argv[i]);
			return false;
		}
	}
	return true;
}

/*
 * Holds a program for each row. The first row's runs once more, not held: it maps the libraries
 * that the rows of its table share, so that these are there to be seen when a trace attaches. This
 * is a test of names, not of how soon a library is found.
 */
static void start_all(struct golden *golden, const struct golden_row *rows)
{
	struct world *world = golden->world;
	const char *argv[GOLDEN_ARGS + 1];

	for (const struct golden_row *row = rows; row->variant; row++) {
		if (!arguments_of(golden, row, argv))
			continue;
		REQUIRE(world, golden->count < ROWS_MAX, "too many rows");
		if (!golden->anchor)
			golden->anchor = proc_start(world, argv);
		golden->subjects[golden->count++] =
			(struct subject){.row = row, .proc = proc_start_held(world, argv)};
	}
	fflush(stdout);
	if (!golden->count)
		test_skip(world, "none of the programs is here");
}

/* Options that name all programs, behind `first` ones; NULL-terminated. */
static const char **options_for(const struct golden *golden, const char *const *first)
{
	const char **options = calloc(OPTIONS_MAX + 2 * ROWS_MAX, sizeof(*options));
	size_t count = 0;

	if (!options)
		abort();
	for (; *first; first++)
		options[count++] = *first;
	options[count++] = "-p";
	options[count++] = text("%d", (int)golden->anchor->pid);
	for (size_t i = 0; i < golden->count; i++) {
		options[count++] = "-p";
		options[count++] = text("%d", (int)golden->subjects[i].proc->pid);
	}
	return options;
}

static void await_ready(struct world *world, const struct subject *subject)
{
	const char *ready = subject->row->ready ? subject->row->ready : "settled";
	char *line;

	do
		line = proc_line(world, subject->proc, CHANNEL_OUT);
	while (line && !strstr(line, ready));
	REQUIRE(world, line, "%s broke: %s", subject->row->variant,
		proc_text(subject->proc, CHANNEL_ERR));
}

static void go_on(struct golden *golden)
{
	struct world *world = golden->world;

	for (size_t i = 0; i < golden->count; i++)
		proc_continue(world, golden->subjects[i].proc);
	for (size_t i = 0; i < golden->count; i++)
		await_ready(world, &golden->subjects[i]);
}

static void end_all(struct golden *golden)
{
	proc_close_stdin(golden->anchor);
	for (size_t i = 0; i < golden->count; i++)
		proc_close_stdin(golden->subjects[i].proc);
	for (size_t i = 0; i < golden->count; i++)
		proc_wait(golden->world, golden->subjects[i].proc);
}

/* ---- the views ---- */

/* Events of threads of one type; already: only those of threads that were there, or none. */
static json_t *events_of(struct golden *golden, struct proc *tw, const char *type, bool already)
{
	json_t *events = json_array(), *event;
	char *copy = strdup(proc_text(tw, CHANNEL_OUT)), *save = NULL;

	if (!copy)
		abort();
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		event = json_loads(line, 0, NULL);
		REQUIRE(golden->world, event, "not JSON: %s", line);
		if (!strcmp(json_text(event, "type"), type) &&
			json_is_true(json_object_get(event, "already_running")) == already)
			json_array_append(events, event);
	}
	free(copy);
	return events;
}

static void compare_all(
	struct golden *golden, struct proc *first, struct proc *second, const json_t *snapshot)
{
	json_t *started = events_of(golden, first, "started", false);
	json_t *finished = events_of(golden, first, "finished", false);
	json_t *there = events_of(golden, second, "started", true);
	const json_t *threads = json_object_get(snapshot, "thread_list");

	for (size_t i = 0; i < golden->count; i++) {
		const struct subject *subject = &golden->subjects[i];

		if (!subject->row->renamed)
			check(golden, subject, "started", started, true, false);
		check(golden, subject, "finished", finished, true, true);
		check(golden, subject, "snapshot", threads, false, true);
		check(golden, subject, "already running", there, false, true);
	}
}

/* What a kernel whose tracepoints can be preempted may have missed (7.x): a birth that is told
 * late has lost its call site, and what its argument told. Each is in two views. */
static size_t excused(struct golden *golden, struct proc *first)
{
	json_t *summaries = events_of(golden, first, "summary", false);
	const json_t *drops = json_object_get(json_array_get(summaries, 0), "drops");
	const json_t *late = json_object_get(drops, "births_late");

	return 2 * (size_t)json_integer_value(late);
}

static void run_table(struct world *world, const struct golden_row *rows)
{
	struct golden golden = {.world = world};
	struct proc *first, *second;
	json_t *snapshot;

	golden.wrong = open_memstream(&golden.wrong_text, &golden.wrong_bytes);
	REQUIRE(world, golden.wrong, "no memory");
	start_all(&golden, rows);
	await_ready(world, &(struct subject){golden.subjects[0].row, golden.anchor});
	first = tw_start(world, options_for(&golden, ARGV("-o", "json")), NULL);
	stream_ready(world, first);
	go_on(&golden);
	snapshot = snapshot_take(world, options_for(&golden, ARGV("--threads")));
	second = tw_start(world, options_for(&golden, ARGV("-o", "json")), NULL);
	stream_ready(world, second);
	end_all(&golden);
	stream_stop(world, first);
	stream_stop(world, second);
	compare_all(&golden, first, second, snapshot);
	fclose(golden.wrong);
	if (golden.wrongs == golden.wrongs_born && golden.wrongs <= excused(&golden, first))
		return;
	REQUIRE(world, !golden.wrongs, "%zu differences in %zu rows, the first:%s", golden.wrongs,
		golden.count, golden.wrong_text);
}

static void table_c(struct world *world)
{
	run_table(world, golden_c);
}

static void table_cpp(struct world *world)
{
	run_table(world, golden_cpp);
}

static void table_rust(struct world *world)
{
	run_table(world, golden_rust);
}

static void table_openmp(struct world *world)
{
	run_table(world, golden_openmp);
}

static void table_go(struct world *world)
{
	run_table(world, golden_go);
}

static void table_java(struct world *world)
{
	run_table(world, golden_java);
}

static void table_python(struct world *world)
{
	run_table(world, golden_python);
}

const struct live_test golden_tests[] = {
	{"golden_c", table_c, GOLDEN_LIMIT},
	{"golden_cpp", table_cpp, GOLDEN_LIMIT | ANYWHERE},
	{"golden_rust", table_rust, GOLDEN_LIMIT | ANYWHERE},
	{"golden_openmp", table_openmp, GOLDEN_LIMIT | ANYWHERE},
	{"golden_go", table_go, GOLDEN_LIMIT | ANYWHERE},
	{"golden_java", table_java, GOLDEN_LIMIT | ANYWHERE},
	{"golden_python", table_python, GOLDEN_LIMIT | ANYWHERE},
	{0},
};
