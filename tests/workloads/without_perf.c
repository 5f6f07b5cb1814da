/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * without_perf.c - runs a program for which perf_event_open is refused, as containers do it.
 *
 * without_perf PROGRAM [ARG...]. Everything else is allowed.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "truth.h"

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	if (argc < 2)
		truth_die("without_perf: which program?");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		truth_die("seccomp: %s", strerror(errno));
	execv(argv[1], argv + 1);
	truth_die("%s: %s", argv[1], strerror(errno));
	return TRUTH_EXIT_BROKEN;
}
