/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.c - starts programs for a live test and reads what they say, always with a deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define WAIT_LIMIT_MS	  20000 /* for one line or one end; the test's own limit is longer */
#define PUMP_MS		  20
#define CHANNEL_BYTES_MAX (1u << 30)
#define EXIT_NO_EXEC	  125

static uint64_t deadline(const struct world *world)
{
	return now_ms() + (uint64_t)WAIT_LIMIT_MS * world->scale;
}

/* ---- start ---- */

static _Noreturn void become(const int *in, const int *out, const int *err, uid_t uid, bool held,
	const char *const *argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(EXIT_NO_EXEC);
	if (held && ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(EXIT_NO_EXEC);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NO_EXEC);
}

static struct proc *start(struct world *world, uid_t uid, bool held, const char *const *argv)
{
	struct proc *proc = &world->procs[world->proc_count];
	int in[2], out[2], err[2];

	REQUIRE(world, world->proc_count < PROCS_MAX, "too many processes in one test");
	REQUIRE(world, !pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC),
		"pipe2: %s", strerror(errno));
	*proc = (struct proc){.what = argv[0], .events = CHANNEL_OUT};
	proc->pid = fork();
	REQUIRE(world, proc->pid >= 0, "fork: %s", strerror(errno));
	if (proc->pid == 0)
		become(in, out, err, uid, held, argv);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	proc->stdin_fd = in[1];
	proc->channels[CHANNEL_OUT].fd = out[0];
	proc->channels[CHANNEL_ERR].fd = err[0];
	proc->channels[CHANNEL_EVENTS].fd = -1;
	for (int i = 0; i < CHANNELS; i++)
		if (proc->channels[i].fd >= 0)
			fcntl(proc->channels[i].fd, F_SETFL, O_NONBLOCK);
	world->proc_count++;
	return proc;
}

struct proc *proc_start_as(struct world *world, uid_t uid, const char *const *argv)
{
	return start(world, uid, false, argv);
}

struct proc *proc_start(struct world *world, const char *const *argv)
{
	return start(world, 0, false, argv);
}

/* A traced process stops in execve; SIGSTOP then keeps it there without its tracer. */
struct proc *proc_start_held(struct world *world, const char *const *argv)
{
	struct proc *proc = start(world, 0, true, argv);
	int status;

	REQUIRE(world, waitpid(proc->pid, &status, 0) == proc->pid && WIFSTOPPED(status),
		"%s cannot be executed", argv[0]);
	REQUIRE(world,
		!ptrace(PTRACE_DETACH, proc->pid, NULL, (void *)SIGSTOP) &&
			waitpid(proc->pid, &status, WUNTRACED) == proc->pid && WIFSTOPPED(status),
		"%s cannot be held: %s", argv[0], strerror(errno));
	return proc;
}

void proc_continue(struct world *world, struct proc *proc)
{
	proc_signal(world, proc, SIGCONT);
}

char *events_fifo(struct world *world, int *fd)
{
	char *path = text("%s/events-%zu", world->dir, world->proc_count);

	REQUIRE(world, mkfifo(path, 0600) == 0, "mkfifo: %s", strerror(errno));
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	REQUIRE(world, *fd >= 0, "%s: %s", path, strerror(errno));
	return path;
}

void proc_read_events_from(struct proc *proc, int fd)
{
	proc->channels[CHANNEL_EVENTS].fd = fd;
	proc->events = CHANNEL_EVENTS;
}

/* ---- talk ---- */

void proc_send(struct world *world, struct proc *proc, const char *line)
{
	size_t length = strlen(line);

	REQUIRE(world, write(proc->stdin_fd, line, length) == (ssize_t)length,
		"%s does not read its stdin: %s", proc->what, strerror(errno));
}

void proc_close_stdin(struct proc *proc)
{
	if (proc->stdin_fd >= 0)
		close(proc->stdin_fd);
	proc->stdin_fd = -1;
}

void proc_signal(struct world *world, struct proc *proc, int number)
{
	REQUIRE(world, !proc->ended && kill(proc->pid, number) == 0, "%s has ended already",
		proc->what);
}

static void channel_room(struct channel *channel)
{
	if (channel->capacity - channel->length > BUFSIZ)
		return;
	channel->capacity = channel->capacity * 2 + 16 * BUFSIZ;
	channel->bytes = realloc(channel->bytes, channel->capacity);
	if (!channel->bytes || channel->capacity > CHANNEL_BYTES_MAX)
		abort();
	channel->bytes[channel->length] = '\0';
}

/* Reads what is there. A FIFO without a writer reads as ended, but one may still come. */
static bool channel_drain(struct channel *channel, bool keep_open)
{
	bool any = false;

	while (channel->fd >= 0) {
		ssize_t got;

		channel_room(channel);
		got = read(channel->fd, channel->bytes + channel->length,
			channel->capacity - channel->length - 1);
		if (got <= 0) {
			if ((got == 0 && !keep_open) ||
				(got < 0 && errno != EAGAIN && errno != EINTR)) {
				close(channel->fd);
				channel->fd = -1;
				return true;
			}
			return any;
		}
		channel->length += (size_t)got;
		channel->bytes[channel->length] = '\0';
		any = true;
	}
	return any;
}

bool proc_ended(struct proc *proc)
{
	if (!proc->ended && waitpid(proc->pid, &proc->status, WNOHANG) == proc->pid)
		proc->ended = true;
	return proc->ended;
}

void procs_pump(struct world *world, int ms)
{
	struct pollfd fds[PROCS_MAX * CHANNELS];
	nfds_t count = 0;
	bool any = false;

	for (size_t p = 0; p < world->proc_count; p++) {
		struct proc *proc = &world->procs[p];
		bool alive = !proc_ended(proc);

		for (int c = 0; c < CHANNELS; c++) {
			struct channel *channel = &proc->channels[c];

			any |= channel_drain(channel, c == CHANNEL_EVENTS && alive);
			if (channel->fd >= 0)
				fds[count++] = (struct pollfd){.fd = channel->fd, .events = POLLIN};
		}
	}
	if (!any)
		poll(fds, count, ms < PUMP_MS ? ms : PUMP_MS);
}

/* A FIFO whose writer left polls as hung up at once; the pump must not spin on it. */
static void pump_once(struct world *world)
{
	procs_pump(world, PUMP_MS);
	breathe();
}

static bool channels_open(const struct proc *proc)
{
	for (int c = 0; c < CHANNELS; c++)
		if (proc->channels[c].fd >= 0)
			return true;
	return false;
}

static _Noreturn void fail_waiting(struct world *world, const struct proc *proc)
{
	char *wait = file_text(text("/proc/%d/wchan", (int)proc->pid));
	char *children =
		file_text(text("/proc/%d/task/%d/children", (int)proc->pid, (int)proc->pid));

	if (proc->ended)
		test_fail(world, "%s has ended, but something holds its output open", proc->what);
	test_fail(world,
		"%s did not end in time: it waits in %s, has the children \"%s\" and said %s",
		proc->what, wait ? wait : "(unknown)", children ? children : "",
		proc_text(proc, CHANNEL_ERR));
}

int proc_wait(struct world *world, struct proc *proc)
{
	uint64_t until = deadline(world);

	while (!proc_ended(proc) || channels_open(proc)) {
		if (now_ms() >= until)
			fail_waiting(world, proc);
		pump_once(world);
	}
	return WIFSIGNALED(proc->status) ? 128 + WTERMSIG(proc->status) : WEXITSTATUS(proc->status);
}

void proc_forget(struct world *world, struct proc *proc)
{
	REQUIRE(world, proc == &world->procs[world->proc_count - 1] && proc->ended,
		"only the last process can be forgotten, once it has ended");
	proc_close_stdin(proc);
	for (int c = 0; c < CHANNELS; c++)
		free(proc->channels[c].bytes);
	world->proc_count--;
}

/* ---- lines ---- */

static char *take_line(struct channel *channel)
{
	char *start, *end, *line;

	if (channel->read == channel->length)
		return NULL;
	start = channel->bytes + channel->read;
	end = memchr(start, '\n', channel->length - channel->read);
	if (!end && channel->fd >= 0)
		return NULL;
	if (!end)
		end = channel->bytes + channel->length;
	line = strndup(start, (size_t)(end - start));
	if (!line)
		abort();
	channel->read = (size_t)(end - channel->bytes);
	if (channel->read < channel->length)
		channel->read++;
	return line;
}

char *proc_line(struct world *world, struct proc *proc, int channel)
{
	uint64_t until = deadline(world);

	for (;;) {
		char *line = take_line(&proc->channels[channel]);

		if (line || proc->channels[channel].fd < 0)
			return line;
		REQUIRE(world, now_ms() < until, "%s says nothing; its stderr: %s", proc->what,
			proc_text(proc, CHANNEL_ERR));
		procs_pump(world, PUMP_MS);
		if (channel == CHANNEL_EVENTS)
			breathe();
	}
}

json_t *proc_json(struct world *world, struct proc *proc, int channel)
{
	char *line = proc_line(world, proc, channel);
	json_error_t error;
	json_t *object;

	if (!line)
		return NULL;
	object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	REQUIRE(world, json_is_object(object), "not a JSON object: %s (%s)", line, error.text);
	free(line);
	return object;
}

json_t *proc_json_with(struct world *world, struct proc *proc, int channel, const char *key)
{
	json_t *object;

	while ((object = proc_json(world, proc, channel))) {
		if (json_object_get(object, key))
			return object;
		json_decref(object);
	}
	test_fail(world, "%s ended without a line with \"%s\"; its stderr: %s", proc->what, key,
		proc_text(proc, CHANNEL_ERR));
}

const char *proc_text(const struct proc *proc, int channel)
{
	const struct channel *own = &proc->channels[channel];

	return own->bytes ? own->bytes : "";
}
