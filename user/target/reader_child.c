/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_child.c - the process that runs libdw, shut off from everything.
 *
 * It keeps one socket. It drops its user and groups, cannot dump core, and has a limit of
 * memory; a filter of system calls leaves memory, reading of what it was given, and the socket.
 * What else libdw tries (it opens .dwo and alternate files by names that stand in the file)
 * fails with EPERM. It ends with its parent.
 */
#include "target/reader.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_BYTES_MAX (1ull << 30)
#define NOBODY		 65534
#define SOCKET_FD	 3
#define FILES_MAX	 64 /* descriptors; more than the cache holds open */

#define ALLOW(call)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int filter_calls(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(recvmsg),
		ALLOW(sendto),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(lseek),
		ALLOW(close),
		ALLOW(fstat),
		ALLOW(newfstatat),
		ALLOW(fcntl),
		ALLOW(brk),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(futex),
		ALLOW(rt_sigreturn),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {.len = sizeof(rules) / sizeof(*rules), .filter = rules};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void limit(int which, rlim_t value)
{
	setrlimit(which, &(struct rlimit){.rlim_cur = value, .rlim_max = value});
}

static int drop_user(void)
{
	if (geteuid())
		return 0;
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	       setresuid(NOBODY, NOBODY, NOBODY);
}

/* Keeps the socket as SOCKET_FD and nothing else. 0 when the process is shut off. */
static int shut_off(int socket)
{
	if (dup2(socket, SOCKET_FD) < 0)
		return -1;
	syscall(SYS_close_range, SOCKET_FD + 1, ~0u, 0);
	for (int fd = 0; fd < SOCKET_FD; fd++)
		close(fd);
	prctl(PR_SET_NAME, "threadwatch-dw");
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory is larger than any limit */
	limit(RLIMIT_AS, MEMORY_BYTES_MAX);
#endif
	/* After the change of user, which clears it. */
	return drop_user() || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_calls();
}

/* false: the parent is gone, or what came is no question. */
static bool next_question(struct reader_question *question, int *fd)
{
	union {
		struct cmsghdr header; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(*fd))];
	} control;
	struct iovec part = {.iov_base = question, .iov_len = sizeof(*question)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *rights;

	if (recvmsg(SOCKET_FD, &message, MSG_CMSG_CLOEXEC) != sizeof(*question))
		return false;
	rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(fd, CMSG_DATA(rights), sizeof(*fd));
	return true;
}

_Noreturn void reader_child(int socket)
{
	struct reader_cache *cache = shut_off(socket) ? NULL : reader_cache_new();
	struct reader_question question;
	struct reader_answer answer;
	int fd;

	while (cache && next_question(&question, &fd)) {
		reader_cache_answer(cache, &question, fd, &answer);
		if (send(SOCKET_FD, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}
