/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forged.c - threads whose control blocks say something else than pthread_create was told.
 *
 * forged [-n THREADS] [--now]. The process that is named in `ready` creates THREADS threads of
 * forged_told. Its parent traces it, and at each clone3 puts forged_run into the control block
 * of the thread to be, which then runs that. No other way is exact: the C library writes the
 * block within the very call. Ends with {"skip":WHY} where it may not be traced.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "truth.h"

#define SYSCALL_BIT 0x80 /* of PTRACE_O_TRACESYSGOOD */
#define BLOCK_WORDS 256	 /* struct pthread has some more; start_routine is before that */

static void *forged_told(void *unused)
{
	truth_thread("forged_told");
	return unused;
}

static void *forged_run(void *unused)
{
	truth_thread("forged_run");
	return unused;
}

static int create_all(int argc, char **argv)
{
	long count = truth_number(argc, argv, "-n", 10);

	truth_ready(argc, argv);
	for (long i = 0; i < count; i++)
		truth_join(truth_create(forged_told, NULL));
	truth_line("{\"totals\":{\"main\":1,\"forged_told\":%ld},\"failed\":0}", count);
	return 0;
}

static void transfer(pid_t pid, uint64_t from, void *to, size_t bytes)
{
	struct iovec local = {to, bytes}, remote = {(void *)from, bytes};

	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)bytes)
		truth_die("process_vm_readv: %s", strerror(errno));
}

/* Both processes are of one image: addresses mean the same in them. */
static void forge(pid_t pid, uint64_t clone_args)
{
	uint64_t block[BLOCK_WORDS];
	struct clone_args args;
	long forged = 0;

	transfer(pid, clone_args, &args, sizeof(args));
	if (!(args.flags & CLONE_THREAD))
		return;
	transfer(pid, args.tls, block, sizeof(block));
	for (size_t i = 0; i < BLOCK_WORDS; i++) {
		if (block[i] != (uintptr_t)forged_told)
			continue;
		if (ptrace(PTRACE_POKEDATA, pid, args.tls + i * sizeof(*block), forged_run))
			truth_die("PTRACE_POKEDATA: %s", strerror(errno));
		forged++;
	}
	if (forged != 1)
		truth_die("%ld words of a control block say forged_told", forged);
}

static bool is_syscall_stop(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | SYSCALL_BIT);
}

static int trace_all(pid_t pid)
{
	struct user_regs_struct registers;
	int status;

	/* The child's own stop. */
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : TRUTH_EXIT_BROKEN;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		truth_die("PTRACE_SETOPTIONS: %s", strerror(errno));
	while (!ptrace(PTRACE_SYSCALL, pid, NULL, 0) && waitpid(pid, &status, 0) == pid) {
		if (!is_syscall_stop(status))
			continue;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &registers))
			truth_die("PTRACE_GETREGS: %s", strerror(errno));
		/* The kernel's preset of the result tells the entry from the exit. */
		if (registers.orig_rax == SYS_clone3 && (long)registers.rax == -ENOSYS)
			forge(pid, registers.rdi);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : TRUTH_EXIT_BROKEN;
}

int main(int argc, char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		truth_die("fork: %s", strerror(errno));
	if (pid > 0)
		return trace_all(pid);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
		truth_line("{\"skip\":\"ptrace: %s\"}", strerror(errno));
		return 0;
	}
	raise(SIGSTOP);
	return create_all(argc, argv);
}
