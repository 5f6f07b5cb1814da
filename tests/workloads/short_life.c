/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * short_life.c - a program that lives 20 ms: two threads of each of three routines.
 *
 * It says nothing: its numbers are those of whatever namespace it runs in. Who starts it knows
 * what it does.
 */
#include <time.h>

#include "truth.h"

#define LIFE_NS	 20000000
#define ROUTINES 3
#define OF_EACH	 2

static void live(void)
{
	struct timespec left = {0, LIFE_NS};

	while (nanosleep(&left, &left))
		;
}

static void *life_first(void *unused)
{
	live();
	return unused;
}

static void *life_second(void *unused)
{
	live();
	return unused;
}

static void *life_third(void *unused)
{
	live();
	return unused;
}

int main(void)
{
	void *(*const routines[ROUTINES])(void *) = {life_first, life_second, life_third};
	pthread_t threads[ROUTINES * OF_EACH];

	for (int i = 0; i < ROUTINES * OF_EACH; i++)
		threads[i] = truth_create(routines[i % ROUTINES], NULL);
	for (int i = 0; i < ROUTINES * OF_EACH; i++)
		truth_join(threads[i]);
	return 0;
}
