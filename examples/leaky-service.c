/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leaky-service.c - a small order service with the usual leaks, annotated for threadwatch.
 *
 * leaky-service [--seconds N]: runs until SIGTERM or SIGINT, or for N seconds.
 *
 * What is healthy: three workers named with TW_SPAWN take requests from a queue, each request a
 * span with a timebox and data, in it a span for the look-up. What leaks, on purpose:
 *   - each REPLY_EVERY-th request asks an upstream in a thread of its own, await-reply, and the
 *     reply never comes: one more stuck thread each time (at most STUCK_MAX, to stay gentle);
 *   - each SLOW_EVERY-th request outlives its timebox;
 *   - each AUDIT_EVERY-th request starts an audit-log thread that ends at once and that nobody
 *     joins: its stack stays (at most UNJOINED_MAX).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "include/threadwatch.h"

#define WORKERS	     3
#define QUEUE_SIZE   16
#define REQUEST_MS   100 /* between two requests */
#define LOOKUP_MS    15
#define SLOW_MS	     700
#define TIMEBOX_MS   250
#define REPLY_EVERY  20
#define SLOW_EVERY   15
#define AUDIT_EVERY  25
#define STUCK_MAX    200
#define UNJOINED_MAX 200
#define MS_PER_S     1000
#define NS_PER_MS    1000000L

struct request {
	long id;
	const char *customer;
};

struct service {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t reply;
	struct request queue[QUEUE_SIZE];
	unsigned head, count;
	bool over;
	bool replied; /* nobody ever sets it: the leak */
	int stuck, unjoined;
};

static void pause_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / MS_PER_S, .tv_nsec = ms % MS_PER_S * NS_PER_MS};

	nanosleep(&time, NULL);
}

static void start_thread(
	pthread_t *thread, const char *name, void *(*run)(void *), struct service *service)
{
	int error;

	TW_SPAWN(name);
	error = pthread_create(thread, NULL, run, service);
	if (error) {
		fprintf(stderr, "leaky-service: no thread %s: %s\n", name, strerror(error));
		exit(EXIT_FAILURE);
	}
}

/* Leak 1: waits for a reply without a time limit, and the upstream has forgotten the question. */
static void *await_reply(void *argument)
{
	struct service *service = argument;

	TW_ROUTINE("upstream-call", TW_TIMEBOX_MS(TIMEBOX_MS));
	TW_DATA("upstream", "inventory:8080");
	pthread_mutex_lock(&service->lock);
	while (!service->replied)
		pthread_cond_wait(&service->reply, &service->lock);
	pthread_mutex_unlock(&service->lock);
	return NULL;
}

/* Leak 3: does its work, ends, and waits in vain to be joined. */
static void *write_audit_log(void *argument)
{
	TW_ROUTINE("write-audit-log");
	pause_ms(LOOKUP_MS);
	return argument;
}

static void look_up(const struct request *request)
{
	TW_ROUTINE("look-up-stock");
	TW_DATA("customer", request->customer);
	/* Leak 2: for some customers the index is missing. */
	pause_ms(request->id % SLOW_EVERY == 0 ? SLOW_MS : LOOKUP_MS);
}

static void handle(struct service *service, const struct request *request)
{
	pthread_t thread;
	bool ask, audit;

	TW_ROUTINE("handle-order", TW_TIMEBOX_MS(TIMEBOX_MS));
	TW_DATA("order_id", request->id);
	TW_DATA("customer", request->customer);
	look_up(request);

	pthread_mutex_lock(&service->lock);
	ask = request->id % REPLY_EVERY == 0 && service->stuck < STUCK_MAX;
	audit = request->id % AUDIT_EVERY == 0 && service->unjoined < UNJOINED_MAX;
	service->stuck += ask;
	service->unjoined += audit;
	pthread_mutex_unlock(&service->lock);
	if (ask)
		start_thread(&thread, "await-reply", await_reply, service);
	if (audit)
		start_thread(&thread, "audit-log", write_audit_log, service);
}

static bool take(struct service *service, struct request *request)
{
	bool got;

	pthread_mutex_lock(&service->lock);
	while (!service->count && !service->over)
		pthread_cond_wait(&service->not_empty, &service->lock);
	got = service->count > 0;
	if (got) {
		*request = service->queue[service->head];
		service->head = (service->head + 1) % QUEUE_SIZE;
		service->count--;
	}
	pthread_mutex_unlock(&service->lock);
	return got;
}

static void *work(void *argument)
{
	struct service *service = argument;
	struct request request;

	while (take(service, &request))
		handle(service, &request);
	return NULL;
}

/* A request that finds the queue full is refused, as in a real service under load. */
static void submit(struct service *service, long id)
{
	static const char *const customers[] = {"ada", "grace", "edsger", "barbara"};
	const struct request request = {.id = id,
		.customer = customers[id % (long)(sizeof(customers) / sizeof(*customers))]};

	pthread_mutex_lock(&service->lock);
	if (service->count < QUEUE_SIZE) {
		service->queue[(service->head + service->count) % QUEUE_SIZE] = request;
		service->count++;
		pthread_cond_signal(&service->not_empty);
	}
	pthread_mutex_unlock(&service->lock);
}

/* Receives requests until a signal comes or the time is over. */
static void serve(struct service *service, const sigset_t *stop, long seconds)
{
	const struct timespec between = {.tv_nsec = REQUEST_MS * NS_PER_MS};
	long requests = seconds * MS_PER_S / REQUEST_MS;

	for (long id = 1; !seconds || id <= requests; id++) {
		submit(service, id);
		if (sigtimedwait(stop, NULL, &between) > 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct service service = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.not_empty = PTHREAD_COND_INITIALIZER,
		.reply = PTHREAD_COND_INITIALIZER};
	pthread_t workers[WORKERS];
	long seconds = 0;
	sigset_t stop;

	if (argc == 3 && strcmp(argv[1], "--seconds") == 0)
		seconds = strtol(argv[2], NULL, 10);
	if (argc != 1 && seconds <= 0) {
		fprintf(stderr, "usage: leaky-service [--seconds N]\n");
		return EXIT_FAILURE;
	}
	/* Blocked before there are threads, so that only serve() sees them. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);

	for (int i = 0; i < WORKERS; i++)
		start_thread(&workers[i], "order-worker", work, &service);
	printf("leaky-service: process %d serves\n", (int)getpid());
	fflush(stdout);
	serve(&service, &stop, seconds);

	pthread_mutex_lock(&service.lock);
	service.over = true;
	pthread_cond_broadcast(&service.not_empty);
	pthread_mutex_unlock(&service.lock);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	printf("leaky-service: %d threads still wait for a reply, %d were never joined\n",
		service.stuck, service.unjoined);
	return EXIT_SUCCESS;
}
