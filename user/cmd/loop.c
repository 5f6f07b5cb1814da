/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.c - the one place that waits.
 */
#include "cmd/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/mappings.h"

#define NS_PER_MS      1000000ull
#define NS_PER_S       1000000000ull
#define CHILD_GRACE_NS (5 * NS_PER_S)
#define EVENTS_AT_ONCE 16
#define TIMEOUT_MAX_MS 1000
/* The first mapping of a burst wakes us at once, the next not before this. */
#define MAPPINGS_PAUSE_NS NS_PER_MS

/* epoll data: what became ready. Target i is FIRST_TARGET + i. */
enum ready { READY_RING, READY_SIGNAL, READY_MAPPINGS, READY_FIRST_TARGET };

static void signals_we_take(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

void loop_block_signals(void)
{
	sigset_t set;

	signals_we_take(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reader that goes away is an error of write(), not our end. */
	signal(SIGPIPE, SIG_IGN);
}

static int add(struct loop *loop, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Armed for one wake-up at a time: while it is not, the kernel wakes nobody. Returns when the
 * wait has to end for it at the latest. */
static uint64_t arm_mappings(struct loop *loop, uint64_t now_ns, uint64_t until_ns)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = READY_MAPPINGS};

	if (!loop->session->mappings || loop->mappings_armed)
		return until_ns;
	if (now_ns < loop->mappings_due_ns)
		return loop->mappings_due_ns < until_ns ? loop->mappings_due_ns : until_ns;
	loop->mappings_armed = !epoll_ctl(
		loop->epoll_fd, EPOLL_CTL_MOD, mappings_fd(loop->session->mappings), &event);
	/* What came before has no wake-up any more. */
	return mappings_wait(loop->session->mappings) ? now_ns : until_ns;
}

int loop_open(struct loop *loop, struct session *session)
{
	double duration = session->options->duration_s;
	sigset_t set;
	int err;

	*loop = (struct loop){.session = session, .signal_fd = -1};
	if (duration > 0)
		loop->end_ns = boot_now_ns() + (uint64_t)(duration * NS_PER_S);
	signals_we_take(&set);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0)
		return -errno;
	err = add(loop, loop->signal_fd, READY_SIGNAL);
	if (!err)
		err = add(loop, kernel_poll_fd(session->kernel), READY_RING);
	if (!err && session->mappings)
		err = add(loop, mappings_fd(session->mappings), READY_MAPPINGS);
	for (size_t i = 0; !err && i < session->target_count; i++)
		err = add(loop, session->pidfds[i], READY_FIRST_TARGET + i);
	return err;
}

void loop_close(struct loop *loop)
{
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			loop->snapshot_wanted = true;
			break;
		case SIGCHLD:
			child_poll(&loop->session->child);
			break;
		default:
			loop->stop = true;
		}
	}
}

static void target_ended(struct loop *loop, size_t index)
{
	int *fd = &loop->session->pidfds[index];

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
	close(*fd);
	*fd = -1;
}

/* Puts off the stop while the program that we started winds down. */
static void stop_child_first(struct loop *loop, uint64_t now_ns)
{
	struct child *child = &loop->session->child;

	if (!loop->stop || !child->pid || child_poll(child))
		return;
	if (!loop->child_told) {
		loop->child_told = true;
		loop->child_deadline_ns = now_ns + CHILD_GRACE_NS;
		kill(child->pid, SIGTERM);
	}
	loop->stop = now_ns >= loop->child_deadline_ns;
}

static int timeout_ms(uint64_t now_ns, uint64_t until_ns)
{
	uint64_t left_ms;

	if (until_ns <= now_ns)
		return 0;
	left_ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms < TIMEOUT_MAX_MS ? (int)left_ms : TIMEOUT_MAX_MS;
}

int loop_wait(struct loop *loop, uint64_t until_ns)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now_ns = boot_now_ns();
	int count;

	if (loop->end_ns && loop->end_ns < until_ns && !loop->child_told)
		until_ns = loop->end_ns;
	until_ns = arm_mappings(loop, now_ns, until_ns);
	count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, timeout_ms(now_ns, until_ns));
	if (count < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == READY_SIGNAL)
			take_signals(loop);
		else if (events[i].data.u32 == READY_MAPPINGS)
			loop->mappings_armed = false;
		else if (events[i].data.u32 >= READY_FIRST_TARGET)
			target_ended(loop, events[i].data.u32 - READY_FIRST_TARGET);
	}
	/* Before the records in the rings, which are named by these files. */
	session_take_mappings(loop->session);
	now_ns = boot_now_ns();
	if (!loop->mappings_armed)
		loop->mappings_due_ns = now_ns + MAPPINGS_PAUSE_NS;
	if ((loop->end_ns && now_ns >= loop->end_ns) || loop->child_told)
		loop->stop = true;
	if (!session_has_targets(loop->session))
		loop->stop = true;
	stop_child_first(loop, now_ns);
	return 0;
}
