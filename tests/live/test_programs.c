/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_programs.c - real programs as Debian ships them. Not in the guests, which have none.
 *
 * Each is started by threadwatch, with its children. Once it serves, a snapshot of each of its
 * processes must have as many threads as /proc, each with a name; work that starts or stops
 * threads must show in the stream; its end must be the end of every thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stream.h"
#include "tests.h"

#define SERVE_MS       20000
#define PROGRAM_LIMIT  120
#define SNAPSHOT_TRIES 100
#define REPLY_BYTES    4096

static void need(struct world *world, const char *program)
{
	if (world->scale > 1)
		test_skip(world, "no %s in the guest", program);
	if (!have_program(program))
		test_skip(world, "%s is not installed", program);
}

static struct proc *launch(struct world *world, const char *const *argv)
{
	struct proc *tw = tw_start(world, ARGV("-f", "-o", "json"), argv);

	stream_ready(world, tw);
	return tw;
}

static void write_file(struct world *world, const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	REQUIRE(world, file && fputs(content, file) >= 0 && fclose(file) == 0, "%s: %s", path,
		strerror(errno));
}

/* ---- clients ---- */

static int connect_once(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Sends a request and requires an answer with this in it. Waits until the program serves. */
static void ask(struct world *world, const struct proc *tw, const char *path, const char *request,
	const char *expected)
{
	uint64_t until = now_ms() + SERVE_MS;
	char reply[REPLY_BYTES] = "";
	size_t length = 0;
	ssize_t got;
	int fd;

	while ((fd = connect_once(path)) < 0) {
		REQUIRE(world, now_ms() < until, "nobody serves on %s: %s", path,
			proc_text(tw, CHANNEL_ERR));
		procs_pump(world, 1);
		breathe();
	}
	REQUIRE(world, write(fd, request, strlen(request)) == (ssize_t)strlen(request), "write");
	while (!strstr(reply, expected)) {
		REQUIRE(world, length < sizeof(reply) - 1, "a long answer: %s", reply);
		got = read(fd, reply + length, sizeof(reply) - 1 - length);
		REQUIRE(world, got > 0, "an answer without %s: %s", expected, reply);
		length += (size_t)got;
		reply[length] = '\0';
	}
	close(fd);
}

/* ---- what must hold ---- */

/* At some moment between two equal looks at /proc the snapshot must be equal too. */
static size_t require_snapshot(struct world *world, pid_t pid)
{
	char *number = text("%d", (int)pid);
	size_t before = 0, after = 1, i;
	json_t *snapshot = NULL, *thread;

	for (int tries = 0; before != after; tries++) {
		REQUIRE(world, tries < SNAPSHOT_TRIES, "process %s never stands still", number);
		before = tasks_of(pid);
		snapshot = snapshot_take(world, ARGV("--threads", "-p", number));
		after = tasks_of(pid);
	}
	REQUIRE(world, (size_t)json_number(snapshot, "threads") == after,
		"%lld threads in the snapshot, /proc has %zu",
		(long long)json_number(snapshot, "threads"), after);
	json_array_foreach(json_object_get(snapshot, "thread_list"), i, thread)
		REQUIRE(world, *json_text(thread, "routine") && *json_text(thread, "source"),
			"a thread without a name: %s", json_dumps(thread, 0));
	return after;
}

/* Ends it as its administrator would and requires the end of every thread. */
static struct stream_log end_program(struct world *world, struct proc *tw, pid_t pid, int signal)
{
	struct stream_log log;

	REQUIRE(world, kill(pid, signal) == 0, "%d has ended already", (int)pid);
	proc_wait(world, tw);
	log = stream_read(world, tw);
	for (size_t i = 0; i < log.count; i++)
		REQUIRE(world, log.lives[i].started && log.lives[i].finished,
			"tid %lld, %s, has no %s", (long long)log.lives[i].tid,
			log.lives[i].routine, log.lives[i].started ? "end" : "start");
	return log;
}

/* The pid of the first event of this process, by its leader's name. */
static pid_t pid_of(struct world *world, struct proc *tw, const char *comm)
{
	json_t *event = stream_event(world, tw, "started", "process", comm);
	pid_t pid = (pid_t)json_number(event, "pid");

	json_decref(event);
	return pid;
}

/* ---- redis ---- */

static void redis(struct world *world)
{
	char *path = scratch(world, "redis.sock");
	struct proc *tw;
	struct stream_log log;
	size_t savers = 0;
	json_t *end;
	pid_t pid;

	need(world, "redis-server");
	tw = launch(world, ARGV("redis-server", "--port", "0", "--unixsocket", path, "--dir",
				   world->dir, "--daemonize", "no"));
	pid = pid_of(world, tw, "redis-server");
	ask(world, tw, path, "PING\r\n", "+PONG");
	REQUIRE(world, require_snapshot(world, pid) >= 4, "redis has more threads than that");
	ask(world, tw, path, "BGSAVE\r\n", "+Background saving");
	do
		end = stream_event(world, tw, "finished", "process", "redis-server");
	while (json_number(end, "pid") == pid);
	log = end_program(world, tw, pid, SIGTERM);
	for (size_t i = 0; i < log.count; i++)
		savers += log.lives[i].pid != pid;
	REQUIRE(world, savers >= 1 && lives_of(&log, "main") >= 2, "no child that saves");
}

/* ---- memcached ---- */

static void memcached(struct world *world)
{
	char *path = scratch(world, "memcached.sock");
	struct proc *tw;
	pid_t pid;
	size_t threads;
	struct stream_log log;

	need(world, "memcached");
	tw = launch(world, ARGV("memcached", "-u", "root", "-s", path, "-t", "4"));
	pid = pid_of(world, tw, "memcached");
	ask(world, tw, path, "set k 0 0 1\r\nv\r\nget k\r\n", "VALUE k 0 1");
	threads = require_snapshot(world, pid);
	REQUIRE(world, threads >= 5, "%zu threads with -t 4", threads);
	log = end_program(world, tw, pid, SIGTERM);
	REQUIRE(world, log.count >= threads, "%zu lives, %zu threads", log.count, threads);
}

/* ---- nginx ---- */

static void nginx(struct world *world)
{
	char *conf = scratch(world, "nginx.conf"), *path = scratch(world, "nginx.sock");
	struct proc *tw;
	pid_t master, worker = 0;
	size_t pool;

	need(world, "nginx");
	write_file(world, scratch(world, "index.html"), "served by a thread\n");
	write_file(world, conf,
		text("daemon off; user root; worker_processes 1; pid %s/pid; error_log stderr;\n"
		     "thread_pool tw threads=6;\n"
		     "events {}\n"
		     "http { access_log off; aio threads=tw; sendfile off;\n"
		     "server { listen unix:%s; root %s; } }\n",
			world->dir, path, world->dir));
	tw = launch(world, ARGV("nginx", "-c", conf));
	ask(world, tw, path, "GET / HTTP/1.0\r\n\r\n", "served by a thread");
	master = pid_of(world, tw, "nginx");
	while (!worker || worker == master) {
		json_t *event = stream_event(world, tw, "started", "process", "nginx");

		worker = (pid_t)json_number(event, "pid");
		json_decref(event);
	}
	REQUIRE(world, require_snapshot(world, master) == 1, "the master has threads");
	pool = require_snapshot(world, worker);
	REQUIRE(world, pool == 7, "%zu threads in the worker, 7 are configured", pool);
	end_program(world, tw, master, SIGTERM);
}

/* ---- python ---- */

static void python(struct world *world)
{
	char *script = scratch(world, "work.py");
	struct proc *tw;
	struct stream_log log;
	size_t before, threads;
	pid_t pid;

	need(world, "python3");
	write_file(world, script,
		"import sys, threading\n"
		"leave = threading.Event()\n"
		"print('{\"up\":1}', flush=True)\n"
		"sys.stdin.readline()\n"
		"workers = [threading.Thread(target=leave.wait) for _ in range(5)]\n"
		"for worker in workers: worker.start()\n"
		"print('{\"working\":1}', flush=True)\n"
		"sys.stdin.readline()\n"
		"leave.set()\n"
		"for worker in workers: worker.join()\n"
		"print('{\"rested\":1}', flush=True)\n"
		"sys.stdin.readline()\n");
	tw = launch(world, ARGV("/usr/bin/python3", script));
	pid = pid_of(world, tw, "python3");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "up"));
	before = require_snapshot(world, pid);
	proc_send(world, tw, "go\n");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "working"));
	for (int i = 0; i < 5; i++)
		json_decref(stream_event(world, tw, "started", "instance", "thread"));
	threads = require_snapshot(world, pid);
	REQUIRE(world, threads == before + 5, "%zu threads, %zu and five more", threads, before);
	proc_send(world, tw, "rest\n");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "rested"));
	for (int i = 0; i < 5; i++)
		json_decref(stream_event(world, tw, "finished", "instance", "thread"));
	REQUIRE(world, require_snapshot(world, pid) == before, "they did not leave");
	log = end_program(world, tw, pid, SIGTERM);
	REQUIRE(world, log.count >= 6, "%zu lives", log.count);
}

/* ---- java ---- */

static void java(struct world *world)
{
	char *source = scratch(world, "Work.java");
	struct proc *tw;
	json_t *event, *end;
	size_t before, threads;
	pid_t pid;

	need(world, "java");
	need(world, "javac");
	write_file(world, source,
		"import java.util.concurrent.CountDownLatch;\n"
		"public class Work {\n"
		"  public static void main(String[] args) throws Exception {\n"
		"    System.out.println(\"{\\\"up\\\":1}\"); System.in.read();\n"
		"    CountDownLatch up = new CountDownLatch(3), leave = new CountDownLatch(1);\n"
		"    for (int i = 0; i < 3; i++) new Thread(() -> { up.countDown();\n"
		"      try { leave.await(); } catch (InterruptedException e) { } },\n"
		"      \"order-\" + i).start();\n"
		"    up.await(); System.out.println(\"{\\\"working\\\":1}\"); System.in.read();\n"
		"    leave.countDown(); System.out.println(\"{\\\"rested\\\":1}\");\n"
		"    System.in.read();\n"
		"  }\n"
		"}\n");
	tw = launch(world, ARGV("java", "-Xmx64m", source));
	pid = pid_of(world, tw, "java");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "up"));
	before = require_snapshot(world, pid);
	REQUIRE(world, before > 5, "java has more threads than %zu", before);
	proc_send(world, tw, "\n");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "working"));
	event = stream_event(world, tw, "named", "routine", "order-2");
	REQUIRE(world, json_number(event, "pid") == pid, "another process");
	threads = require_snapshot(world, pid);
	REQUIRE(world, threads >= 3, "%zu threads", threads);
	proc_send(world, tw, "\n");
	json_decref(proc_json_with(world, tw, CHANNEL_OUT, "rested"));
	do
		end = stream_event(world, tw, "finished", "instance", "thread");
	while (json_number(end, "tid") != json_number(event, "tid"));
	end_program(world, tw, pid, SIGTERM);
}

const struct live_test program_tests[] = {
	{"program_redis", redis, PROGRAM_LIMIT | ANYWHERE},
	{"program_memcached", memcached, PROGRAM_LIMIT | ANYWHERE},
	{"program_nginx", nginx, PROGRAM_LIMIT | ANYWHERE},
	{"program_python", python, PROGRAM_LIMIT | ANYWHERE},
	{"program_java", java, PROGRAM_LIMIT | ANYWHERE},
	{0},
};
