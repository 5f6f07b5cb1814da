/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jit.c - threads that start in code made at run time, told in /tmp/perf-PID.map or not.
 *
 * jit [--owner UID] [--now]. Two pieces of code, jit_first and jit_second, one thread each; the
 * line of the second is added to the map when the first already runs. --owner gives the map to
 * another user. Then {"settled":true,"threads":N,"first":"0x...","second":"0x..."} with the
 * places of the code; after one more line on stdin everything ends.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "truth.h"

#define CODE_BYTES  4096
#define PIECE_BYTES 64

struct jit {
	pthread_barrier_t entered, over;
	char map[64];
	unsigned char *code;
};

static struct jit jit;

static void *stay(void *name)
{
	truth_thread(name);
	pthread_barrier_wait(&jit.entered);
	pthread_barrier_wait(&jit.over);
	return NULL;
}

/* movabs $stay, %rax; jmp *%rax */
static void write_piece(unsigned char *at)
{
	const uint64_t target = (uint64_t)(uintptr_t)stay;

	memcpy(at, "\x48\xb8", 2);
	memcpy(at + 2, &target, sizeof(target));
	memcpy(at + 2 + sizeof(target), "\xff\xe0", 2);
}

static pthread_t run_piece(size_t number, char *name, long owner)
{
	unsigned char *at = jit.code + number * PIECE_BYTES;
	FILE *map = fopen(jit.map, "a");
	void *(*routine)(void *);
	pthread_t thread;

	if (!map ||
		fprintf(map, "%lx %x %s\n", (unsigned long)(uintptr_t)at, PIECE_BYTES, name) < 0)
		truth_die("cannot write %s", jit.map);
	fclose(map);
	if (owner >= 0 && chown(jit.map, (uid_t)owner, (gid_t)owner))
		truth_die("chown: %s", strerror(errno));
	memcpy(&routine, &at, sizeof(routine));
	thread = truth_create(routine, name);
	pthread_barrier_wait(&jit.entered);
	return thread;
}

int main(int argc, char **argv)
{
	long owner = truth_number(argc, argv, "--owner", -1);
	char names[2][16] = {"jit_first", "jit_second"};
	pthread_t threads[2];

	if (pthread_barrier_init(&jit.entered, NULL, 2) || pthread_barrier_init(&jit.over, NULL, 3))
		truth_die("pthread_barrier_init");
	snprintf(jit.map, sizeof(jit.map), "/tmp/perf-%d.map", (int)getpid());
	unlink(jit.map); /* of an earlier process with this number */
	jit.code =
		mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (jit.code == MAP_FAILED)
		truth_die("mmap: %s", strerror(errno));
	for (size_t i = 0; i < 2; i++)
		write_piece(jit.code + i * PIECE_BYTES);
	if (mprotect(jit.code, CODE_BYTES, PROT_READ | PROT_EXEC))
		truth_die("mprotect: %s", strerror(errno));
	truth_ready(argc, argv);
	truth_thread("main");
	for (size_t i = 0; i < 2; i++)
		threads[i] = run_piece(i, names[i], owner);
	truth_line("{\"settled\":true,\"threads\":3,\"first\":\"%p\",\"second\":\"%p\"}",
		(void *)jit.code, (void *)(jit.code + PIECE_BYTES));
	truth_wait_line();
	pthread_barrier_wait(&jit.over);
	truth_join(threads[0]);
	truth_join(threads[1]);
	unlink(jit.map);
	truth_line("{\"totals\":{\"main\":1,\"jit_first\":1,\"jit_second\":1},\"failed\":0}");
	return 0;
}
