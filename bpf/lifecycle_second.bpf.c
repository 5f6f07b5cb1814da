/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lifecycle_second.bpf.c - a second program at each tracepoint that must not be missed, for
 * kernels whose tracepoints can be preempted (SRCU-fast, seen in 7.3).
 *
 * The kernel runs a program on a tracepoint once at a time on each CPU and leaves out any
 * further run (__bpf_trace_run). Where the tracepoint can be preempted, the next task of the
 * CPU that comes to it finds the program taken: 800 of 20,000 births and ends in a guest. The
 * second program finds the work done, or does it. To turn preemption off while they work would
 * not help: what is put off comes when it is turned on again, still within the run.
 *
 * What both miss is made good: a birth at the thread's end, an end when the task is freed.
 */
#include "bpf/lifecycle.bpf.h"

SEC("?tp_btf/task_newtask")
int BPF_PROG(on_newtask_second, struct task_struct *task, __u64 clone_flags)
{
	return newtask(task, clone_flags);
}

SEC("?tp_btf/task_rename")
int BPF_PROG(on_rename_second, struct task_struct *task, const char *comm)
{
	return renamed(task, comm);
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec_second, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return executed(task);
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit_second, struct task_struct *task)
{
	return exited(task);
}

char LICENSE[] SEC("license") = "GPL";
