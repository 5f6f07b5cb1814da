/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader.c - our side of the process that runs libdw: start, ask, check, end.
 *
 * One question is open at a time. Whoever asks waits; that is bounded by READER_WAIT_MS for
 * each file and by FAILURES_MAX for all, after which nothing is asked any more.
 */
#include "target/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX   8
#define NS_PER_MS      1000000ll
#define READER_LOOK_MS 100 /* whether it is busy */
#define MS_PER_S       1000

struct reader {
	pid_t pid; /* 0: not started */
	int socket;
	unsigned int failures; /* of the process */
	uint64_t refused;
};

struct reader *reader_new(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->socket = -1;
	return reader;
}

static void stop(struct reader *reader)
{
	if (!reader->pid)
		return;
	close(reader->socket);
	kill(reader->pid, SIGKILL);
	while (waitpid(reader->pid, NULL, 0) < 0 && errno == EINTR)
		;
	reader->pid = 0;
	reader->socket = -1;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	stop(reader);
	free(reader);
}

uint64_t reader_refused(const struct reader *reader)
{
	return reader->refused;
}

static int start(struct reader *reader)
{
	int pair[2];
	pid_t pid;

	if (reader->pid)
		return 0;
	if (reader->failures >= FAILURES_MAX ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -EIO;
	pid = fork();
	if (!pid)
		reader_child(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -EIO;
	}
	reader->pid = pid;
	reader->socket = pair[0];
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static int send_question(int socket, const struct reader_question *question, int fd)
{
	union {
		struct cmsghdr header; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(fd))];
	} control = {.bytes = ""};
	struct iovec part = {.iov_base = (void *)question, .iov_len = sizeof(*question)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* CPU time that a process of ours has taken so far. */
static int64_t busy_ms(pid_t pid)
{
	struct timespec taken;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &taken))
		return INT64_MAX;
	return taken.tv_sec * MS_PER_S + taken.tv_nsec / NS_PER_MS;
}

static int wait_answer(const struct reader *reader, struct reader_answer *out)
{
	struct pollfd readable = {.fd = reader->socket, .events = POLLIN};
	int64_t busy_before = busy_ms(reader->pid), deadline = now_ms() + READER_WAIT_MS;
	int ready = 0;

	while (ready <= 0 && now_ms() < deadline) {
		ready = poll(&readable, 1, READER_LOOK_MS);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0 && busy_ms(reader->pid) - busy_before > READER_ANSWER_MS)
			return -ETIMEDOUT;
	}
	if (ready <= 0)
		return -ETIMEDOUT;
	return recv(reader->socket, out, sizeof(*out), MSG_DONTWAIT) == sizeof(*out) ? 0 : -EPIPE;
}

static bool is_valid_rule(const struct frame_rule *rule)
{
	return rule->kind <= RULE_REGISTER && rule->other < DWARF_REGISTERS;
}

static bool is_valid_answer(const struct reader_answer *answer, uint32_t kind)
{
	if (answer->err)
		return answer->err == -ENOENT || answer->err == -EBADMSG;
	if (answer->kind != kind)
		return false;
	if (kind == READER_ASK_LINE)
		return memchr(answer->line.file, '\0', sizeof(answer->line.file)) != NULL;
	if (answer->row.cfa.kind != RULE_REGISTER && answer->row.cfa.kind != RULE_AT_REGISTER)
		return false;
	for (size_t i = 0; i < DWARF_REGISTERS; i++)
		if (!is_valid_rule(&answer->row.registers[i]))
			return false;
	return is_valid_rule(&answer->row.cfa);
}

static int ask(struct reader *reader, const struct reader_file *file,
	const struct reader_question *question, struct reader_answer *out)
{
	int err = start(reader);

	if (err) {
		reader->refused++;
		return err;
	}
	err = send_question(reader->socket, question, file->fd);
	if (!err)
		err = wait_answer(reader, out);
	if (!err && is_valid_answer(out, question->kind)) {
		reader->refused += out->err == -EBADMSG;
		return out->err == -EBADMSG ? -EIO : out->err;
	}
	/* It died, hangs, or lies: the next question goes to a new process. */
	reader->failures++;
	reader->refused++;
	stop(reader);
	return -EIO;
}

int reader_line(struct reader *reader, const struct reader_file *file, uint64_t vaddr,
	struct source_line *out)
{
	struct reader_question question = {
		.kind = READER_ASK_LINE, .vaddr = vaddr, .key = file->key};
	struct reader_answer answer;
	int err = ask(reader, file, &question, &answer);

	if (!err)
		*out = answer.line;
	return err;
}

int reader_frame(struct reader *reader, const struct reader_file *file, uint64_t vaddr,
	struct frame_row *out)
{
	struct reader_question question = {
		.kind = READER_ASK_FRAME, .vaddr = vaddr, .key = file->key};
	struct reader_answer answer;
	int err = ask(reader, file, &question, &answer);

	if (!err)
		*out = answer.row;
	return err;
}
