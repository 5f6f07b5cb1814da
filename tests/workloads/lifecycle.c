/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lifecycle.c - the turns in the life of processes and threads that a tracer gets wrong.
 *
 * lifecycle MODE [--now], with MODE one of
 *   leader-exits  main leaves by pthread_exit, its threads live on and create another
 *   exec          a thread other than the leader calls execve of exec_target (found beside
 *                 this program) while others live
 *   exit-live     exit(3) while four threads wait
 *   fork          main and a worker fork without exec; both children create threads
 *   clone         a thread made by clone(2) alone, also right after a failed pthread_create
 *   storm         creates detached threads without end, until it is killed
 * Each prints every thread that lived (truth.h); storm prints none.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "truth.h"

#define WORKERS		 3
#define EXIT_LIVE_STATUS 3
#define STORM_LIVE_MAX	 64
#define CLONE_STACK	 (256 * 1024)

static void wait_a_moment(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	nanosleep(&moment, NULL);
}

static _Noreturn void wait_forever(void)
{
	for (;;)
		pause();
}

/* ---- leader-exits ---- */

struct orphans {
	pthread_barrier_t together;
	atomic_int left;
};

static bool leader_is_gone(void)
{
	char path[64], line[256];
	FILE *stat;
	bool gone;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)getpid());
	stat = fopen(path, "r");
	gone = stat && fgets(line, sizeof(line), stat) && strstr(line, ") Z ");
	if (stat)
		fclose(stat);
	return gone;
}

static void *leader_late(void *unused)
{
	truth_thread("leader_late");
	return unused;
}

static void *leader_worker(void *argument)
{
	struct orphans *orphans = argument;

	truth_thread("leader_worker");
	while (!leader_is_gone())
		wait_a_moment();
	if (pthread_barrier_wait(&orphans->together) == PTHREAD_BARRIER_SERIAL_THREAD)
		truth_join(truth_create(leader_late, NULL));
	if (atomic_fetch_sub(&orphans->left, 1) == 1)
		truth_line("{\"totals\":{\"main\":1,\"leader_worker\":%d,\"leader_late\":1},"
			   "\"failed\":0}",
			WORKERS);
	return NULL;
}

static void mode_leader_exits(void)
{
	static struct orphans orphans = {.left = WORKERS};

	if (pthread_barrier_init(&orphans.together, NULL, WORKERS))
		truth_die("pthread_barrier_init");
	truth_thread("main");
	for (int i = 0; i < WORKERS; i++)
		truth_create(leader_worker, &orphans);
	pthread_exit(NULL);
}

/* ---- exec ---- */

static void *exec_idle(void *barrier)
{
	truth_thread("exec_idle");
	pthread_barrier_wait(barrier);
	wait_forever();
}

static void *exec_caller(void *barrier)
{
	char path[512], *slash;
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof("exec_target"));

	truth_thread("exec_caller");
	pthread_barrier_wait(barrier);
	if (length <= 0)
		truth_die("where am I?");
	path[length] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "exec_target");
	execl(path, "exec_target", (char *)NULL);
	truth_die("%s: %s", path, strerror(errno));
	return NULL;
}

static void mode_exec(void)
{
	static pthread_barrier_t barrier;

	if (pthread_barrier_init(&barrier, NULL, WORKERS))
		truth_die("pthread_barrier_init");
	truth_thread("main");
	for (int i = 0; i < WORKERS - 1; i++)
		truth_create(exec_idle, &barrier);
	truth_create(exec_caller, &barrier);
	wait_forever();
}

/* ---- exit-live ---- */

static void *live_worker(void *barrier)
{
	truth_thread("live_worker");
	pthread_barrier_wait(barrier);
	wait_forever();
}

static void mode_exit_live(void)
{
	static pthread_barrier_t barrier;

	if (pthread_barrier_init(&barrier, NULL, WORKERS + 1))
		truth_die("pthread_barrier_init");
	truth_thread("main");
	for (int i = 0; i < WORKERS; i++)
		truth_create(live_worker, &barrier);
	pthread_barrier_wait(&barrier);
	truth_line("{\"totals\":{\"main\":1,\"live_worker\":%d},\"failed\":0}", WORKERS);
	exit(EXIT_LIVE_STATUS);
}

/* ---- fork ---- */

static void *forked_worker(void *unused)
{
	truth_thread("forked_worker");
	return unused;
}

/* Forks; the child goes on as `routine` and creates two threads. Waits for it. */
static void fork_as(const char *routine)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		truth_die("fork: %s", strerror(errno));
	if (child == 0) {
		truth_thread(routine);
		truth_join(truth_create(forked_worker, NULL));
		truth_join(truth_create(forked_worker, NULL));
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		truth_die("a forked child failed");
}

static void *fork_worker(void *unused)
{
	truth_thread("fork_worker");
	fork_as("fork_worker");
	return unused;
}

static void mode_fork(void)
{
	truth_thread("main");
	fork_as("main");
	truth_join(truth_create(fork_worker, NULL));
	truth_line("{\"totals\":{\"main\":2,\"fork_worker\":2,\"forked_worker\":4},\"failed\":0}");
}

/* ---- clone ---- */

/* Shares the creator's thread control block: its name is that of the program. */
static int cloned(void *unused)
{
	(void)unused;
	truth_thread("lifecycle");
	return 0;
}

static void clone_and_wait(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	static atomic_int tid; /* cleared by the kernel when the thread is gone */
	char *stack = mmap(NULL, CLONE_STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int now;

	if (stack == MAP_FAILED)
		truth_die("no stack for clone");
	if (clone(cloned, stack + CLONE_STACK, flags, NULL, &tid, NULL, &tid) < 0)
		truth_die("clone: %s", strerror(errno));
	while ((now = atomic_load(&tid)) != 0)
		syscall(SYS_futex, &tid, FUTEX_WAIT, now, NULL, NULL, 0);
	munmap(stack, CLONE_STACK);
}

static void *clone_worker(void *unused)
{
	truth_thread("clone_worker");
	clone_and_wait();
	return unused;
}

static void mode_clone(void)
{
	truth_thread("main");
	clone_and_wait();
	truth_failing_create(clone_worker);
	clone_and_wait();
	truth_join(truth_create(clone_worker, NULL));
	truth_line("{\"totals\":{\"main\":1,\"clone_worker\":1,\"lifecycle\":3},\"failed\":1}");
}

/* ---- storm ---- */

static void *storm_worker(void *argument)
{
	atomic_int *live = argument;

	atomic_fetch_sub(live, 1);
	return NULL;
}

static void mode_storm(void)
{
	static atomic_int live;

	for (;;) {
		if (atomic_load(&live) >= STORM_LIVE_MAX) {
			sched_yield();
			continue;
		}
		atomic_fetch_add(&live, 1);
		pthread_detach(truth_create(storm_worker, &live));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"leader-exits", mode_leader_exits},
		{"exec", mode_exec},
		{"exit-live", mode_exit_live},
		{"fork", mode_fork},
		{"clone", mode_clone},
		{"storm", mode_storm},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			truth_ready(argc, argv);
			modes[i].run();
			return 0;
		}
	truth_die("lifecycle: no such mode");
	return TRUTH_EXIT_BROKEN;
}
