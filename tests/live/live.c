/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live.c - runs the live tests: as root, on the running kernel, natively or in a guest.
 *
 * live [--list] [NAME...]: all tests, or those whose name contains one of the NAMEs. Says
 * "ok NAME (N ms)", "FAIL NAME: why" or "skip NAME: why" for each and "N passed, N failed,
 * N skipped" last; exits with 1 when one failed, with 64 when no test has such a name.
 *
 * Environment: TW_BIN (else build/threadwatch), TW_WORKLOADS (else build/workloads), TW_VM=1
 * in slow guests (smaller numbers, longer limits).
 *
 * Each test is a child process with a time limit, so that a crash or a hang fails that test
 * alone. The runner adopts whatever a test started (PR_SET_CHILD_SUBREAPER), ends it, and
 * fails a test that passed but left a process or something of BPF behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "leftovers.h"
#include "tests.h"

#define DEFAULT_LIMIT_S	  60
#define GUEST_SCALE	  6
#define LEFTOVER_LIMIT_MS 5000
#define ORPHAN_LIMIT_MS	  1000
#define WHY_BYTES	  4096
#define EXIT_USAGE	  64
#define TREE_FDS	  8

static const struct live_test *const tables[] = {lifecycle_tests, churn_tests, names_tests,
	span_tests, snapshot_tests, fold_tests, option_tests, error_tests, export_tests, text_tests,
	crash_tests, program_tests, origin_tests, call_site_tests, golden_tests, everywhere_tests,
	cgroup_tests, discovery_tests};

struct totals {
	unsigned passed, failed, skipped, matched;
};

struct outcome {
	int code; /* TEST_* */
	char why[WHY_BYTES];
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

static _Noreturn void run_child(
	const struct live_test *test, const struct world *environment, int report_fd)
{
	struct world world = *environment;

	signal(SIGPIPE, SIG_IGN);
	world.report_fd = report_fd;
	test->run(&world);
	_exit(TEST_PASSED);
}

/* Reads the reason until the test has ended or its time is over. */
static bool read_report(int fd, struct outcome *outcome, uint64_t until)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	size_t length = 0;

	for (;;) {
		uint64_t now = now_ms();
		ssize_t got;

		if (now >= until || poll(&waiting, 1, (int)(until - now)) == 0)
			return false;
		got = read(fd, outcome->why + length, WHY_BYTES - 1 - length);
		if (got <= 0)
			return true;
		length += (size_t)got;
		outcome->why[length] = '\0';
	}
}

/* PIDs of our children, "" when there is none. */
static char *children(void)
{
	char *list = file_text(text("/proc/self/task/%d/children", (int)getpid()));

	return list ? list : text("%s", "");
}

/* What a test started and left to us may be about to end: that is no fault of it. */
static void await_orphans(void)
{
	uint64_t until = now_ms() + ORPHAN_LIMIT_MS;

	while (now_ms() < until && *children()) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		breathe();
	}
}

/* Ends what is still there and names the first. */
static void end_orphans(struct outcome *outcome)
{
	char *list, *save = NULL;

	if (outcome->code == TEST_PASSED)
		await_orphans();
	while (*(list = children())) {
		for (char *pid = strtok_r(list, " ", &save); pid;
			pid = strtok_r(NULL, " ", &save)) {
			char *comm = file_text(text("/proc/%s/comm", pid));

			kill((pid_t)strtol(pid, NULL, 10), SIGKILL);
			if (outcome->code == TEST_PASSED) {
				outcome->code = TEST_FAILED;
				snprintf(outcome->why, WHY_BYTES, "left process %s %s", pid,
					comm ? comm : "");
			}
		}
		/* never blocks: what a killed one leaves behind comes to us next */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		breathe();
	}
}

static void run_test(
	const struct live_test *test, struct world *environment, struct outcome *outcome)
{
	unsigned own_limit_s = test->limit_s & ~ANYWHERE;
	unsigned limit_s = (own_limit_s ? own_limit_s : DEFAULT_LIMIT_S) * environment->scale;
	struct bpf_state before = bpf_state_take();
	int report[2], status;
	char *leftover;
	pid_t pid;

	if ((test->limit_s & ANYWHERE) && environment->scale > 1) {
		*outcome = (struct outcome){.code = TEST_SKIPPED};
		strcpy(outcome->why, "says nothing of the kernel");
		return;
	}
	*outcome = (struct outcome){.code = TEST_FAILED};
	strcpy(environment->dir, "/tmp/threadwatch-live-XXXXXX");
	if (!mkdtemp(environment->dir) || chmod(environment->dir, 0755) ||
		pipe2(report, O_CLOEXEC)) {
		snprintf(outcome->why, WHY_BYTES, "the runner: %s", strerror(errno));
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_child(test, environment, report[1]);
	close(report[1]);
	if (!read_report(report[0], outcome, now_ms() + limit_s * 1000ull)) {
		kill(pid, SIGKILL);
		snprintf(outcome->why, WHY_BYTES, "did not end within %u s", limit_s);
	}
	close(report[0]);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFEXITED(status))
		outcome->code = WEXITSTATUS(status);
	else if (!outcome->why[0])
		snprintf(outcome->why, WHY_BYTES, "killed by signal %d", WTERMSIG(status));
	end_orphans(outcome);
	leftover = bpf_state_leftover(&before, LEFTOVER_LIMIT_MS);
	if (leftover && outcome->code == TEST_PASSED) {
		outcome->code = TEST_FAILED;
		snprintf(outcome->why, WHY_BYTES, "%s", leftover);
	}
	free(leftover);
	bpf_state_free(&before);
	nftw(environment->dir, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS);
}

static bool selected(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

static void report(const struct live_test *test, struct world *environment, struct totals *totals)
{
	struct outcome outcome;
	uint64_t begin = now_ms();

	run_test(test, environment, &outcome);
	if (outcome.code == TEST_PASSED) {
		totals->passed++;
		printf("ok %s (%llu ms)\n", test->name, (unsigned long long)(now_ms() - begin));
	} else if (outcome.code == TEST_SKIPPED) {
		totals->skipped++;
		printf("skip %s: %s\n", test->name, outcome.why);
	} else {
		totals->failed++;
		printf("FAIL %s: %s\n", test->name,
			outcome.why[0] ? outcome.why : "ended without a word");
	}
	fflush(stdout);
}

static struct world environment_read(void)
{
	const char *bin = getenv("TW_BIN"), *workloads = getenv("TW_WORKLOADS");
	const char *vm = getenv("TW_VM");
	struct world world = {
		.bin = realpath(bin ? bin : "build/threadwatch", NULL),
		.workloads = realpath(workloads ? workloads : "build/workloads", NULL),
		.scale = vm && strcmp(vm, "1") == 0 ? GUEST_SCALE : 1,
	};

	return world;
}

int main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
	struct world environment = environment_read();
	struct totals totals = {0};

	if (!list && (!environment.bin || !environment.workloads)) {
		fprintf(stderr, "live: no threadwatch or no workloads; run make first\n");
		return EXIT_USAGE;
	}
	if (!list && geteuid()) {
		fprintf(stderr, "live: needs root\n");
		return EXIT_USAGE;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return TEST_FAILED;
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct live_test *test = tables[t]; test->name; test++) {
			if (list)
				puts(test->name);
			if (list || !selected(test->name, argc, argv))
				continue;
			totals.matched++;
			report(test, &environment, &totals);
		}
	if (list)
		return TEST_PASSED;
	if (!totals.matched) {
		fprintf(stderr, "live: no test has such a name\n");
		return EXIT_USAGE;
	}
	printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
	return totals.failed ? TEST_FAILED : TEST_PASSED;
}
