/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec_target.c - what `lifecycle exec` turns into: a new image in the same process.
 *
 * Ends the truth that `lifecycle exec` began: the totals are those of both images.
 */
#include "truth.h"

static void *target_worker(void *unused)
{
	truth_thread("target_worker");
	return unused;
}

int main(void)
{
	truth_thread("main");
	truth_join(truth_create(target_worker, NULL));
	truth_join(truth_create(target_worker, NULL));
	truth_line("{\"totals\":{\"main\":2,\"exec_idle\":2,\"exec_caller\":1,"
		   "\"target_worker\":2},\"failed\":0}");
	return 0;
}
