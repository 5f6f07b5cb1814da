/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - waits for what a long-running command has to react to: the kernel's rings, signals,
 * the end of targets, the end of the program that was started, time.
 */
#ifndef TW_CMD_LOOP_H
#define TW_CMD_LOOP_H

#include <signal.h>

#include "cmd/session.h"

struct loop {
	struct session *session;
	int epoll_fd;
	int signal_fd;
	uint64_t end_ns;      /* CLOCK_BOOTTIME; 0: none */
	bool stop;	      /* asked to, or nothing is left to watch */
	bool snapshot_wanted; /* SIGUSR1; the caller clears it */
	bool child_told;      /* our child was asked to end */
	uint64_t child_deadline_ns;
	bool mappings_armed;	  /* a new mapping wakes us */
	uint64_t mappings_due_ns; /* not before: their wake-ups are batched */
};

/* Blocks the signals that the loop takes over; before session_open, so that none is lost. */
void loop_block_signals(void);
/* 0 or a negative errno. */
int loop_open(struct loop *loop, struct session *session);
void loop_close(struct loop *loop);
/*
 * Waits until something happened or until until_ns (CLOCK_BOOTTIME), and notes it in *loop.
 * When it is to stop, the program that we started is asked to end first and given a moment.
 */
int loop_wait(struct loop *loop, uint64_t until_ns);

#endif
