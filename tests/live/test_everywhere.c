/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_everywhere.c - threads are named wherever their program runs: chroots in mount and PID
 * namespaces of their own, for each linkage, for programs that live 20 ms.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "stream.h"
#include "tests.h"

#define CHROOT_LIMIT_S 180
#define LIFE_THREADS   2 /* of each routine of short_life */
#define LIFE_ROUTINES  3

/* FILEID_INO32_GEN of include/linux/exportfs.h */
#define HANDLE_OF_INODE	      1
#define HANDLE_OF_INODE_BYTES 8

/* ---- chroots in namespaces of their own ---- */

/* Runs the program `times` times, `at_once` at the same time, and returns the stream. */
static struct run run_cells(struct world *world, const char *root, const char *program, long times,
	long at_once, long depth)
{
	struct proc *tw = tw_start(world, ARGV("-f", "-o", "json"),
		ARGV(workload(world, "cell"), "--now", "--times", text("%ld", times), "--at-once",
			text("%ld", at_once), "--depth", text("%ld", depth), root,
			text("/%s", program)));
	struct run run;

	run.truth = truth_read(world, tw);
	REQUIRE(world, proc_wait(world, tw) == 0, "threadwatch: %s", proc_text(tw, CHANNEL_ERR));
	run.log = stream_read(world, tw);
	return run;
}

/* Every thread of each program is there, named by its function or by the place of it. */
static void require_named(
	struct world *world, const struct run *run, const char *program, long times, bool stripped)
{
	size_t mains = 0, named = 0;

	for (size_t i = 0; i < run->log.count; i++) {
		const struct life *life = &run->log.lives[i];
		bool ours = strncmp(life->process, program, 10) == 0;
		const char *prefix = stripped ? text("%s+0x", program) : "life_";

		if (!ours)
			continue;
		REQUIRE(world, strcmp(life->source, "symbol") == 0, "%s has its name from %s",
			life->routine, life->source);
		REQUIRE(world, life->started && life->finished, "%s has no start or no end",
			life->routine);
		mains += strcmp(life->routine, "main") == 0;
		named += strncmp(life->routine, prefix, strlen(prefix)) == 0;
	}
	REQUIRE(world, mains == (size_t)times, "%zu mains of %ld programs", mains, times);
	REQUIRE(world, named == (size_t)times * LIFE_THREADS * LIFE_ROUTINES,
		"%zu named threads of %ld programs", named, times);
}

/* Can an inode be found by its number and generation there? */
static bool has_handles(const char *path)
{
	struct {
		struct file_handle head;
		char bytes[MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	/* tmpfs calls a longer one by the same number. */
	return !name_to_handle_at(AT_FDCWD, path, &handle.head, &mount, 0) &&
	       handle.head.handle_type == HANDLE_OF_INODE &&
	       handle.head.handle_bytes == HANDLE_OF_INODE_BYTES;
}

static void chroot_of(struct world *world, const char *program)
{
	bool stripped = strstr(program, "stripped");
	char *root = make_root(world, "root", program);
	long in_turn = scaled(world, 40, 5), at_once = scaled(world, 50, 8);
	struct run run;

	/* A guest is so slow that they end before their files can be opened. */
	if (world->scale > 1 && !has_handles(root))
		test_skip(world, "the file system of %s has no handles of inodes", root);
	run = run_cells(world, root, program, 1, 1, 1);
	/* The very first sight of these files. */
	require_named(world, &run, program, 1, stripped);
	run = run_cells(world, root, program, in_turn, 1, 1);
	require_named(world, &run, program, in_turn, stripped);
	run = run_cells(world, root, program, at_once, at_once, 1);
	require_named(world, &run, program, at_once, stripped);
}

static void chroot_glibc(struct world *world)
{
	chroot_of(world, "short_life");
}

static void chroot_static(struct world *world)
{
	chroot_of(world, "short_life_static");
}

static void chroot_static_stripped(struct world *world)
{
	chroot_of(world, "short_life_static_stripped");
}

static void chroot_musl(struct world *world)
{
	chroot_of(world, "short_life_musl");
}

/* Each in a root folder of its own, all at once: no file was ever seen before. */
static void chroot_each_its_own(struct world *world)
{
	const char *program = "short_life_static_stripped";
	long count = scaled(world, 30, 5);
	const char *script = text("for i in $(seq %ld); do %s --now %s/$i /%s & done; wait", count,
		workload(world, "cell"), world->dir, program);
	struct proc *tw;
	struct run run;

	for (long i = 1; i <= count; i++)
		make_root(world, text("%ld", i), program);
	tw = tw_start(world, ARGV("-f", "-o", "json"), ARGV("/bin/sh", "-c", script));
	REQUIRE(world, proc_wait(world, tw) == 0, "threadwatch: %s", proc_text(tw, CHANNEL_ERR));
	run.log = stream_read(world, tw);
	require_named(world, &run, program, count, true);
}

/* They are born, named and gone while threadwatch stands still: it finds nothing of them but
 * what the kernel has told. */
static void named_after_their_end(struct world *world)
{
	static const char *const programs[] = {
		"short_life", "short_life_static", "short_life_static_stripped", "short_life_musl"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		char *root = make_root(world, text("root-%zu", i), programs[i]);
		struct proc *tw;
		struct run run;

		if (!has_handles(root))
			test_skip(world, "the file system of %s has no such handles", root);
		tw = tw_start(world, ARGV("-f", "-o", "json"),
			ARGV(workload(world, "cell"), root, text("/%s", programs[i])));
		stream_ready(world, tw);
		json_decref(proc_json_with(world, tw, CHANNEL_OUT, "ready"));
		proc_signal(world, tw, SIGSTOP);
		proc_send(world, tw, "go\n");
		run.truth = truth_read(world, tw);
		proc_signal(world, tw, SIGCONT);
		proc_wait(world, tw);
		run.log = stream_read(world, tw);
		require_named(world, &run, programs[i], 1, strstr(programs[i], "stripped"));
	}
}

/* Numbers in the innermost of three namespaces. */
static void nested_namespaces(struct world *world)
{
	const char *program = "short_life";
	char *root = make_root(world, "root", program);
	struct run run = run_cells(world, root, program, 1, 1, 3);
	size_t seen = 0;

	require_named(world, &run, program, 1, false);
	for (size_t i = 0; i < run.log.count; i++) {
		const struct life *life = &run.log.lives[i];

		if (strcmp(life->process, program) != 0)
			continue;
		REQUIRE(world, life->ns_pid == 1 && life->ns_tid >= 1 && life->ns_tid <= 7,
			"%s is %lld %lld in its namespace", life->routine, (long long)life->ns_pid,
			(long long)life->ns_tid);
		REQUIRE(world, (life->ns_tid == 1) == (life->pid == life->tid),
			"%s is not the first thread both within and without", life->routine);
		seen++;
	}
	REQUIRE(world, seen == 1 + LIFE_THREADS * LIFE_ROUTINES, "%zu threads", seen);
}

/* Whoever's numbers are not the kernel's is told so. */
static void own_namespace_is_refused(struct world *world)
{
	struct proc *tw;
	const char *said;

	if (!have_program("unshare"))
		test_skip(world, "no unshare");
	tw = proc_start(world,
		ARGV("unshare", "--pid", "--fork", "--mount-proc", world->bin, "snapshot", "-a"));
	REQUIRE(world, proc_wait(world, tw) == 69, "exit code %d", proc_wait(world, tw));
	said = proc_text(tw, CHANNEL_ERR);
	REQUIRE(world, strstr(said, "PID namespace") && lines_in(said) == 1, "it said: %s", said);
}

const struct live_test everywhere_tests[] = {
	{"chroot_glibc", chroot_glibc, CHROOT_LIMIT_S},
	{"chroot_static", chroot_static, CHROOT_LIMIT_S | ANYWHERE},
	{"chroot_static_stripped", chroot_static_stripped, CHROOT_LIMIT_S | ANYWHERE},
	{"chroot_musl", chroot_musl, CHROOT_LIMIT_S},
	{"chroot_each_its_own", chroot_each_its_own, CHROOT_LIMIT_S},
	{"named_after_their_end", named_after_their_end, 0},
	{"nested_namespaces", nested_namespaces, 0},
	{"own_namespace_is_refused", own_namespace_is_refused, ANYWHERE},
	{0},
};
