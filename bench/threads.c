// SPDX-License-Identifier: GPL-2.0-only
/*
 * threads.c - a program with many threads that do nothing.
 *
 * threads N: starts N threads of eight start functions, says "ready" and ends when its
 * stdin does.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES (64u << 10)

#define IDLE(name)                    \
	static void *name(void *gate) \
	{                             \
		return idle(gate);    \
	}

static void *idle(void *gate)
{
	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
	return NULL;
}

IDLE(accept_connections)
IDLE(read_requests)
IDLE(write_replies)
IDLE(run_queries)
IDLE(flush_pages)
IDLE(expire_sessions)
IDLE(send_mail)
IDLE(collect_statistics)

int main(int argc, char **argv)
{
	static void *(*const routines[])(void *) = {accept_connections, read_requests,
		write_replies, run_queries, flush_pages, expire_sessions, send_mail,
		collect_statistics};
	static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	int count = argc > 1 ? atoi(argv[1]) : 0;
	pthread_attr_t attributes;
	pthread_t thread;
	char byte;

	pthread_mutex_lock(&gate);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 0; i < count; i++) {
		if (pthread_create(&thread, &attributes,
			    routines[i % (sizeof(routines) / sizeof(*routines))], &gate))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}
