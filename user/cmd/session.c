/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.c - opening and closing what a command works with, with errors for people.
 */
#include "cmd/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/look.h"
#include "cmd/mappings.h"
#include "cmd/origin.h"

#define MODULES_MAX 512

/* PROC_PID_INIT_INO of include/linux/proc_ns.h, since 3.8 */
#define PID_NAMESPACE_FIRST 0xEFFFFFFCu

#define NS_PER_S 1000000000ll

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

uint64_t boot_now_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t wall_offset_ns(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

static int no_permission(void)
{
	log_error("not permitted to load BPF programs: run it as root");
	return EXIT_NO_PERMISSION;
}

/* Can we do anything at all here? */
static int check_kernel(void)
{
	struct utsname name;
	const char *missing;

	if (geteuid())
		return no_permission();
	missing = kernel_lacks();
	if (!missing)
		return 0;
	uname(&name);
	log_error("this kernel (%s) lacks %s: needs Linux 6.1 or newer, built with BTF",
		name.release, missing);
	return EXIT_UNAVAILABLE;
}

/* Stacks by frame pointers only where they will be shown: they cost each creation a walk. */
static uint32_t wanted_stacks(const struct common_options *options, enum session_kind kind)
{
	if (kind != SESSION_STREAM || options->no_uprobes)
		return WIRE_ORIGIN_NONE;
	if (options->origin_stacks)
		return WIRE_ORIGIN_COPIES;
	return options->format == FORMAT_JSON || options->verbose ? WIRE_ORIGIN_FRAMES
								  : WIRE_ORIGIN_NONE;
}

/*
 * The kernel numbers processes as the first PID namespace does, and /proc must do so too: in
 * another namespace every name would be looked up under the number of some other process.
 */
static int check_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		log_error("/proc is not that of this PID namespace: mount it (mount -t proc proc "
			  "/proc)");
	else if (st.st_ino != PID_NAMESPACE_FIRST)
		log_error("this is a PID namespace of its own, where process numbers are not the "
			  "kernel's: run it on the host (docker run --pid=host, nsenter -t 1 -p "
			  "-m)");
	else
		return 0;
	return EXIT_UNAVAILABLE;
}

static int find_cgroups(struct session *session)
{
	const struct common_options *options = session->options;

	for (size_t i = 0; i < options->cgroup_count; i++) {
		int err = cgroup_find(options->cgroup_paths[i], &session->cgroups[i]);

		if (!err)
			continue;
		if (err == -ENODEV)
			log_error("--cgroup needs the unified hierarchy (cgroup2), which is not "
				  "mounted");
		else
			log_error("no cgroup '%s' in the unified hierarchy: %s",
				options->cgroup_paths[i], strerror(-err));
		return EXIT_NO_INPUT;
	}
	return 0;
}

static int open_kernel(struct session *session, enum session_kind kind)
{
	const struct common_options *options = session->options;
	struct kernel_options kernel = {
		.whole_system = options->whole_system,
		.events = kind == SESSION_STREAM,
		.lifecycle = kind != SESSION_SNAPSHOT,
		.uprobes = !options->no_uprobes,
		.origin_stacks = session->origin_stacks,
		.ring_bytes = options->ring_bytes,
		.layout = session->layout,
		.cgroups = session->cgroups,
		.cgroup_count = options->cgroup_count,
	};
	int err = kernel_open(&kernel, &session->kernel);

	if (!err)
		return 0;
	if (err == -EPERM)
		return no_permission();
	log_error(
		"the kernel refused the BPF programs: %s (run with -v to see why)", strerror(-err));
	return err == -ENOMEM ? EXIT_INTERNAL : EXIT_UNAVAILABLE;
}

static int no_such_process(pid_t pid)
{
	log_error("no process %d: it ended, or the number is wrong", pid);
	return EXIT_NO_INPUT;
}

static int no_pidfd(pid_t pid, int why)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (why == ESRCH || access(path, F_OK))
		return no_such_process(pid);
	if (why == EINVAL || why == ENOENT)
		log_error("%d is a thread, not a process: give the Tgid of /proc/%d/status", pid,
			pid);
	else
		log_error("cannot watch process %d: %s", pid, strerror(why));
	return EXIT_NO_INPUT;
}

/* Before anything is loaded, so that a wrong number is told at once. */
static int open_pidfds(struct session *session)
{
	const struct common_options *options = session->options;

	for (size_t i = 0; i < options->pid_count; i++) {
		session->pidfds[i] = syscall(SYS_pidfd_open, options->pids[i], 0);
		if (session->pidfds[i] < 0)
			return no_pidfd(options->pids[i], errno);
		session->target_count = i + 1;
	}
	return 0;
}

static int watch_targets(struct session *session)
{
	const struct common_options *options = session->options;
	int err;

	for (size_t i = 0; i < session->target_count; i++) {
		err = kernel_watch(
			session->kernel, options->pids[i], options->follow, &session->targets[i]);
		if (err == -ESRCH)
			return no_such_process(options->pids[i]);
		if (err == -EACCES) {
			log_error("this kernel hides process %d from BPF: it cannot be watched",
				options->pids[i]);
			return EXIT_UNAVAILABLE;
		}
		if (err) {
			log_error("cannot watch process %d: %s", options->pids[i], strerror(-err));
			return EXIT_INTERNAL;
		}
	}
	if (!session->child.pid || options_whole(options))
		return 0;
	err = kernel_watch_exec(session->kernel, session->child.pid, options->follow);
	if (err)
		log_error("cannot watch the new process: %s", strerror(-err));
	return err ? EXIT_INTERNAL : 0;
}

static int hold_child(struct session *session, char **path)
{
	char **command = session->options->command;
	int err = child_find_program(command[0], path);

	if (err == -EACCES)
		log_error("'%s' is not a program that may be run", command[0]);
	else if (err)
		log_error("no program '%s': give its path, or check PATH", command[0]);
	if (err)
		return EXIT_NO_INPUT;
	err = child_hold(&session->child, command, *path, &session->files);
	if (err)
		log_error("cannot start '%s': %s", command[0], strerror(-err));
	return err ? EXIT_INTERNAL : 0;
}

int session_release_child(struct session *session)
{
	int err;

	if (!session->child.pid)
		return 0;
	err = child_release(&session->child);
	if (!err)
		return 0;
	log_error("cannot run '%s': %s", session->options->command[0], strerror(-err));
	return EXIT_NO_INPUT;
}

static int attach(struct session *session)
{
	int err = kernel_attach(session->kernel);

	if (err)
		log_error("cannot attach to the kernel's tracepoints: %s", strerror(-err));
	return err ? EXIT_UNAVAILABLE : 0;
}

/* Each module that is looked at and each target holds a descriptor. */
static void raise_file_limit(struct session *session)
{
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &session->files))
		return;
	raised = session->files;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

static void open_mappings(struct session *session)
{
	session->mappings = mappings_new();
	session->polling = !session->mappings;
	if (session->polling)
		log_detail("the kernel does not tell of new mappings (%s): processes are looked at "
			   "now and then",
			strerror(errno));
}

void session_take_mappings(struct session *session)
{
	if (!session->mappings || mappings_take(session->mappings, session))
		return;
	log_detail("records of new mappings were lost: looking at all processes");
	look_at_all(session);
}

/* With program: the file of "-- CMD", NULL without. */
static int open_for(struct session *session, enum session_kind kind, const char *program)
{
	int code = open_kernel(session, kind);

	if (!code)
		code = watch_targets(session);
	if (code)
		return code;
	if (kind != SESSION_SNAPSHOT)
		open_mappings(session);
	look_at_start(session, program, kind != SESSION_SNAPSHOT);
	return kind == SESSION_SNAPSHOT ? 0 : attach(session);
}

int session_open(
	struct session *session, const struct common_options *options, enum session_kind kind)
{
	char *program = NULL;
	int code;

	memset(session, 0, sizeof(*session));
	session->options = options;
	raise_file_limit(session);
	code = check_kernel();
	if (!code)
		code = check_namespace();
	if (!code)
		code = find_cgroups(session);
	if (!code)
		code = open_pidfds(session);
	if (!code && options->command)
		code = hold_child(session, &program);
	if (code)
		return code;
	session->modules = module_cache_new(MODULES_MAX);
	session->processes = session->modules ? processes_new(session->modules) : NULL;
	session->confinements = confinements_new();
	session->origin_stacks = wanted_stacks(options, kind);
	if (kind != SESSION_COUNT)
		session->origins = origins_new();
	if (session->processes && session->confinements &&
		(session->origins || kind == SESSION_COUNT)) {
		look_own_layout(session);
		code = open_for(session, kind, program);
	} else {
		log_error("out of memory");
		code = EXIT_INTERNAL;
	}
	free(program);
	return code;
}

void session_close(struct session *session)
{
	child_abandon(&session->child);
	for (size_t i = 0; i < session->target_count; i++)
		if (session->pidfds[i] >= 0)
			close(session->pidfds[i]);
	kernel_close(session->kernel);
	look_free(session);
	origins_free(session->origins);
	mappings_free(session->mappings);
	processes_free(session->processes);
	confinements_free(session->confinements);
	module_cache_free(session->modules);
	kallsyms_free(session->kallsyms);
}

void session_walked(struct session *session, int err)
{
	session->walks_failed += err != 0;
}

bool session_has_targets(struct session *session)
{
	const struct common_options *options = session->options;
	bool ended = true;

	if (options_whole(options))
		return true;
	if (session->child.pid)
		ended = child_poll(&session->child);
	for (size_t i = 0; i < session->target_count; i++)
		ended = ended && session->pidfds[i] < 0;
	return !ended || (options->follow && kernel_watches_any(session->kernel));
}
