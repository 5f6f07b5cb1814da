// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_out_prometheus.c - expositions are valid for hostile names, and folding loses nothing.
 */
#include "test_out_support.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out/out.h"
#include "out/series.h"
#include "out/utf8.h"

#define S UINT64_C(1000000000)

#define COMMAND_NOT_FOUND 127 /* the shell's exit status */

static const struct drop_count drops[] = {{"names_full", 0}, {"snapshot_torn", 3}};

static char *exposition_of(const struct metrics_row *rows, size_t count, size_t max_series)
{
	struct exposition exposition = {
		.rows = rows,
		.row_count = count,
		.drops = drops,
		.drop_count = sizeof(drops) / sizeof(drops[0]),
		.snapshot_time_s = 1767323045.25,
		.version = "1.2.3",
		.max_series = max_series,
	};
	struct capture capture;

	assert_int_equal(prometheus_write(capture_begin(&capture), &exposition), 0);
	return capture_end(&capture);
}

/* Sum of the samples of a family; of those whose line holds `part` unless that is NULL. */
static uint64_t sum_of(const char *text, const char *family, const char *part)
{
	uint64_t sum = 0;
	char *copy = strdup(text), *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length = strlen(family);
		if (strncmp(line, family, length) != 0 || line[length] != '{')
			continue;
		if (!part || strstr(line, part))
			sum += strtoull(strrchr(line, ' '), NULL, 10);
	}
	free(copy);
	return sum;
}

static size_t count_lines_with(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static int compare_text(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Each sample once, no timestamps, each family announced once and in one piece. */
static void assert_well_formed(const char *text)
{
	char *copy = strdup(text), *rest = NULL;
	char **names = calloc(strlen(text) + 1, sizeof(char *));
	char family[128] = "";
	size_t count = 0;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		if (sscanf(line, "# TYPE %127s", family) == 1) {
			names[count++] = line;
			continue;
		}
		char *value = strrchr(line, ' ');
		assert_non_null(value);
		*value = '\0';
		assert_true(value[1] >= '0' && value[1] <= '9');
		size_t length = strlen(family);
		assert_int_equal(strncmp(line, family, length), 0);
		assert_true(line[length] == '{' || line[length] == '\0');
		assert_true(line[length] == '\0' || value[-1] == '}');
		names[count++] = line;
	}
	qsort(names, count, sizeof(char *), compare_text);
	for (size_t i = 1; i < count; i++)
		assert_string_not_equal(names[i - 1], names[i]);
	free(names);
	free(copy);
}

/* Runs promtool on the text; false when there is none. */
static bool promtool_accepts(const char *text)
{
	FILE *promtool = popen("promtool check metrics 2>&1", "w");

	assert_non_null(promtool);
	fputs(text, promtool);
	int status = pclose(promtool);
	if (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_NOT_FOUND)
		return false;
	if (status != 0)
		fail_msg("promtool: status %d for\n%s", status, text);
	return true;
}

static struct metrics_row make_row(const char *process, const char *routine, uint64_t order)
{
	struct metrics_row row = {
		.process = process,
		.routine = routine,
		.started = 10 + order,
		.finished = 5 + order,
		.timebox_exceeded = 1,
		.instances = 3,
		.oldest_ns = (1 + order) * S,
		.states_seen = 1u << WIRE_STATE_SLEEPING,
		.has_counters = true,
		.order = order,
	};

	row.states[WIRE_STATE_SLEEPING] = 2;
	return row;
}

static void expositions_are_exact(void **state)
{
	struct metrics_row rows[] = {make_row("p", "alpha", 0), make_row("p", "beta", 1)};

	(void)state;
	rows[0].states[WIRE_STATE_RUNNING] = 1;
	rows[1].has_counters = false;
	rows[1].instances = 0;
	rows[1].states[WIRE_STATE_SLEEPING] = 0;
	char *text = exposition_of(rows, 2, 0);
	assert_string_equal(text,
		"# HELP threadwatch_threads Live threads by their current routine and state.\n"
		"# TYPE threadwatch_threads gauge\n"
		"threadwatch_threads{process=\"p\",routine=\"alpha\",state=\"running\"} 1\n"
		"threadwatch_threads{process=\"p\",routine=\"alpha\",state=\"sleeping\"} 2\n"
		"# HELP threadwatch_routine_instances "
		"Live instances of a routine: threads by birth name, and open spans.\n"
		"# TYPE threadwatch_routine_instances gauge\n"
		"threadwatch_routine_instances{process=\"p\",routine=\"alpha\"} 3\n"
		"threadwatch_routine_instances{process=\"p\",routine=\"beta\"} 0\n"
		"# HELP threadwatch_routines_started_total "
		"Instances of a routine that started while they were watched.\n"
		"# TYPE threadwatch_routines_started_total counter\n"
		"threadwatch_routines_started_total{process=\"p\",routine=\"alpha\"} 10\n"
		"# HELP threadwatch_routines_finished_total "
		"Instances of a routine that finished while they were watched.\n"
		"# TYPE threadwatch_routines_finished_total counter\n"
		"threadwatch_routines_finished_total{process=\"p\",routine=\"alpha\"} 5\n"
		"# HELP threadwatch_routine_timebox_exceeded_total "
		"Instances of a routine that outlived their timebox.\n"
		"# TYPE threadwatch_routine_timebox_exceeded_total counter\n"
		"threadwatch_routine_timebox_exceeded_total{process=\"p\",routine=\"alpha\"} 1\n"
		"# HELP threadwatch_routine_oldest_seconds "
		"Age of the oldest live instance of a routine.\n"
		"# TYPE threadwatch_routine_oldest_seconds gauge\n"
		"threadwatch_routine_oldest_seconds{process=\"p\",routine=\"alpha\"} 1.000000000\n"
		"# HELP threadwatch_drops_total What was lost or fell back, by what.\n"
		"# TYPE threadwatch_drops_total counter\n"
		"threadwatch_drops_total{what=\"names_full\"} 0\n"
		"threadwatch_drops_total{what=\"snapshot_torn\"} 3\n"
		"# HELP threadwatch_routines_folded "
		"Routines summed under routine=\"other\" to keep within the limit of series.\n"
		"# TYPE threadwatch_routines_folded gauge\n"
		"threadwatch_routines_folded 0\n"
		"# HELP threadwatch_last_snapshot_timestamp_seconds "
		"Unix time of the snapshot that these numbers are of.\n"
		"# TYPE threadwatch_last_snapshot_timestamp_seconds gauge\n"
		"threadwatch_last_snapshot_timestamp_seconds 1767323045.250\n"
		"# HELP threadwatch_build_info "
		"Always 1; the label says which threadwatch wrote this.\n"
		"# TYPE threadwatch_build_info gauge\n"
		"threadwatch_build_info{version=\"1.2.3\"} 1\n");
	assert_well_formed(text);
	free(text);
}

static void hostile_names_stay_apart_or_are_summed(void **state)
{
	struct metrics_row rows[2 * HOSTILE_COUNT + 2];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		rows[count] = make_row(hostile_texts[i].text, "r", count);
		count++;
		rows[count] = make_row("p", hostile_texts[i].text, count);
		count++;
	}
	rows[count] = make_row("p", "bad\xfe", count); /* reads as "bad\xff" does */
	count++;
	rows[count] = make_row("p", "bad\xef\xbf\xbd", count);
	count++;

	char *text = exposition_of(rows, count, 0);
	assert_well_formed(text);
	assert_int_equal(sum_of(text, "threadwatch_routine_instances", NULL), 3 * count);
	assert_int_equal(sum_of(text, "threadwatch_routine_instances",
				 "process=\"p\",routine=\"bad\xef\xbf\xbd\"}"),
		9);
	for (const char *at = text; *at;) {
		struct utf8_unit unit;
		utf8_next(&at, &unit);
		assert_true(unit.kind == UTF8_PLAIN || unit.kind == UTF8_COMBINING ||
			    unit.code == '\n');
	}
	free(text);
}

enum { PROCESSES = 3, ROUTINES = 40, ROWS = PROCESSES * ROUTINES };

/* Rows as metrics_rows gives them, with names in `names`. */
static void make_many(struct metrics_row *rows, char (*names)[32])
{
	static const char *const processes[] = {"a", "b", "other"};

	for (int i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "r%03d", i % ROUTINES);
		/* First seen in an order that is not that of the names. */
		rows[i] = make_row(processes[i / ROUTINES], names[i], (uint64_t)(i * 7919 % ROWS));
	}
	rows[0].routine = SERIES_OTHER; /* really called so, and the first one seen */
}

static uint64_t total_started(const struct metrics_row *rows)
{
	uint64_t total = 0;

	for (int i = 0; i < ROWS; i++)
		total += rows[i].started;
	return total;
}

static void folding_adds_up_within_the_limit(void **state)
{
	static const size_t limits[] = {1, 14, 15, 30, 45, 60, 90, 91, 200, 700, 719, 720, 5000, 0};
	static char names[ROWS][32];
	struct metrics_row rows[ROWS];
	/* What one sum over sleeping threads with counters takes. */
	const size_t least = 6;

	(void)state;
	make_many(rows, names);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *text = exposition_of(rows, ROWS, limits[i]);
		assert_well_formed(text);
		size_t series = count_lines_with(text, ",routine=\"");
		assert_true(limits[i] == 0 || series <= (limits[i] > least ? limits[i] : least));
		assert_int_equal(sum_of(text, "threadwatch_threads", NULL), 2 * ROWS);
		assert_int_equal(sum_of(text, "threadwatch_routine_instances", NULL), 3 * ROWS);
		assert_int_equal(sum_of(text, "threadwatch_routines_started_total", NULL),
			total_started(rows));
		assert_int_equal(
			sum_of(text, "threadwatch_routine_timebox_exceeded_total", NULL), ROWS);
		bool is_folded = limits[i] != 0 && limits[i] < 6 * ROWS;
		assert_true(
			strstr(text, "threadwatch_routines_folded 0\n") ? !is_folded : is_folded);
		assert_non_null(strstr(text, "routine=\"other\""));
		free(text);
	}
}

static void sums_keep_their_process_while_there_is_room(void **state)
{
	static char names[ROWS][32];
	struct metrics_row rows[ROWS];

	(void)state;
	make_many(rows, names);
	char *roomy = exposition_of(rows, ROWS, 200);
	assert_int_equal(
		sum_of(roomy, "threadwatch_routine_instances", "process=\"a\""), 3 * ROUTINES);
	assert_true(sum_of(roomy, "threadwatch_routine_instances",
			    "process=\"a\",routine=\"other\"") > 3);
	free(roomy);
	char *tight = exposition_of(rows, ROWS, 60);
	assert_int_equal(
		sum_of(tight, "threadwatch_routine_instances", "process=\"a\",routine=\"other\""),
		3); /* the routine called so */
	assert_true(sum_of(tight, "threadwatch_routine_instances",
			    "process=\"other\",routine=\"other\"") > 3 * ROUTINES);
	free(tight);
	/* One process alone never loses its name. */
	tight = exposition_of(rows, ROUTINES, 20);
	assert_int_equal(
		sum_of(tight, "threadwatch_routine_instances", "process=\"a\""), 3 * ROUTINES);
	free(tight);
}

/* As rounds pass, rows come, states are seen and counters rise: no sample of a counter that is
 * in two rounds running may fall. */
static void counters_never_go_backwards_while_folding(void **state)
{
	static const char family[] = "threadwatch_routines_started_total";
	static char names[ROWS][32];
	struct metrics_row all[ROWS], shown[ROWS];
	char *before = NULL;
	uint64_t random = 11;

	(void)state;
	make_many(all, names);
	for (uint64_t round = 1; round <= ROWS; round++) {
		size_t count = 0;
		for (int i = 0; i < ROWS; i++) {
			all[i].started += next_random(&random) % 3;
			all[i].states_seen |=
				next_random(&random) % 16 == 0 ? 1u << WIRE_STATE_DISK : 0;
			if (all[i].order < round)
				shown[count++] = all[i];
		}
		char *now = exposition_of(shown, count, 300);
		for (const char *at = before; at && (at = strstr(at, family)); at++) {
			const char *end = strchr(at, '\n');
			const char *value = memrchr(at, ' ', (size_t)(end - at));
			if (at[sizeof(family) - 1] != '{')
				continue;
			char *sample = strndup(at, (size_t)(value + 1 - at));
			const char *later = strstr(now, sample);
			if (later && strtoull(later + strlen(sample), NULL, 10) <
					     strtoull(value, NULL, 10))
				fail_msg("%s went back in round %" PRIu64, sample, round);
			free(sample);
		}
		free(before);
		before = now;
	}
	assert_null(strstr(before, "threadwatch_routines_folded 0\n"));
	free(before);
}

static void promtool_is_content(void **state)
{
	static char names[ROWS][32];
	struct metrics_row rows[ROWS + HOSTILE_COUNT];
	size_t count = ROWS;

	(void)state;
	make_many(rows, names);
	for (size_t i = 0; i < HOSTILE_COUNT; i++, count++)
		rows[count] = make_row(hostile_texts[i].text, hostile_texts[i].text, count);
	if (!promtool_accepts("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n")) {
		print_message("skipped: promtool is not installed\n");
		skip();
	}
	static const size_t limits[] = {0, 1, 100};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *text = exposition_of(rows, count, limits[i]);
		promtool_accepts(text);
		free(text);
	}
	char *empty = exposition_of(NULL, 0, 0);
	assert_well_formed(empty);
	promtool_accepts(empty);
	free(empty);
}

static void a_full_disk_is_told(void **state)
{
	struct exposition exposition = {.version = "1"};
	FILE *full = open_full();

	(void)state;
	assert_int_equal(prometheus_write(full, &exposition), -ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expositions_are_exact),
		cmocka_unit_test(hostile_names_stay_apart_or_are_summed),
		cmocka_unit_test(folding_adds_up_within_the_limit),
		cmocka_unit_test(sums_keep_their_process_while_there_is_room),
		cmocka_unit_test(counters_never_go_backwards_while_folding),
		cmocka_unit_test(promtool_is_content),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
