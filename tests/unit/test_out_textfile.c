// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_out_textfile.c - a textfile is always a whole one, and failures leave no trace.
 */
#include "test_out_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "out/out.h"

#define NOBODY	   65534
#define FILE_BYTES (64 * 1024)
#define CHANGES	   5
#define DEADLINE_S 60
#define KILLS	   10
#define CHILD_SKIP 77

/* A folder of this test's own, removed at its end. */
struct folder {
	char path[64];
	char file[128];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/test_out_textfile.XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->file, sizeof(folder->file), "%s/metrics.prom", folder->path);
	*state = folder;
	return 0;
}

/* Calls visit for each entry but "." and ".."; the number of them. */
static int each_entry(const char *path, void (*visit)(const char *folder, const char *name))
{
	DIR *dir = opendir(path);
	int count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		if (visit)
			visit(path, entry->d_name);
	}
	closedir(dir);
	return count;
}

static void remove_entry(const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	remove(path);
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	each_entry(folder->path, remove_entry);
	rmdir(folder->path);
	free(folder);
	return 0;
}

/* Writes FILE_BYTES of one letter. */
static int fill_letter(FILE *out, const void *context)
{
	const char *letter = context;

	for (int i = 0; i < FILE_BYTES; i++)
		putc(*letter, out);
	return 0;
}

/* Fails after having written. */
static int fill_and_fail(FILE *out, const void *context)
{
	const int *result = context;

	fputs("half", out);
	fflush(out);
	return *result;
}

/* The letter that the whole file consists of; fails the test when it is not whole. */
static char letter_of(const char *path)
{
	static char bytes[FILE_BYTES + 1];
	int fd = open(path, O_RDONLY);
	size_t total = 0;
	ssize_t got;

	assert_true(fd >= 0);
	while ((got = read(fd, bytes + total, sizeof(bytes) - total)) > 0)
		total += (size_t)got;
	close(fd);
	assert_int_equal(total, FILE_BYTES);
	for (size_t i = 1; i < total; i++)
		assert_int_equal(bytes[i], bytes[0]);
	return bytes[0];
}

static void a_file_is_made_and_replaced(void **state)
{
	struct folder *folder = *state;
	struct stat info;
	mode_t mask = umask(077);

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	assert_int_equal(letter_of(folder->file), 'a');
	assert_int_equal(textfile_replace(folder->file, fill_letter, "b"), 0);
	umask(mask);
	assert_int_equal(letter_of(folder->file), 'b');
	assert_int_equal(stat(folder->file, &info), 0);
	assert_int_equal(info.st_mode, S_IFREG | 0644);
	assert_int_equal(each_entry(folder->path, NULL), 1);
}

static void a_path_without_a_folder_is_the_current_one(void **state)
{
	struct folder *folder = *state;
	char cwd[PATH_MAX];

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(folder->path), 0);
	assert_int_equal(textfile_replace("metrics.prom", fill_letter, "c"), 0);
	assert_int_equal(chdir(cwd), 0);
	assert_int_equal(letter_of(folder->file), 'c');
}

static void a_failing_fill_leaves_the_old_file(void **state)
{
	struct folder *folder = *state;
	static const int results[][2] = {{-ENOSPC, -ENOSPC}, {-ENOMEM, -ENOMEM}, {1, -EIO}};

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		assert_int_equal(textfile_replace(folder->file, fill_and_fail, &results[i][0]),
			results[i][1]);
		assert_int_equal(letter_of(folder->file), 'a');
		assert_int_equal(each_entry(folder->path, NULL), 1);
	}
}

static void what_is_not_a_file_is_refused(void **state)
{
	struct folder *folder = *state;
	char path[256], name[NAME_MAX + 2];
	struct stat info;

	snprintf(path, sizeof(path), "%s/none/metrics.prom", folder->path);
	assert_int_equal(textfile_replace(path, fill_letter, "a"), -ENOENT);
	assert_int_equal(textfile_replace("", fill_letter, "a"), -ENOENT);
	assert_int_equal(textfile_replace(folder->path, fill_letter, "a"), -EISDIR);
	assert_int_equal(textfile_replace("/dev/null", fill_letter, "a"), -EINVAL);
	assert_int_equal(stat("/dev/null", &info), 0);
	assert_true(S_ISCHR(info.st_mode));

	assert_int_equal(symlink("target", folder->file), 0);
	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), -ELOOP);
	assert_int_equal(unlink(folder->file), 0);

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	snprintf(path, sizeof(path), "%s/x.prom", folder->file);
	assert_int_equal(textfile_replace(path, fill_letter, "a"), -ENOTDIR);

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	char *long_path;
	assert_true(asprintf(&long_path, "%s/%s", folder->path, name) > 0);
	assert_int_equal(textfile_replace(long_path, fill_letter, "a"), -ENAMETOOLONG);
	long_path[strlen(long_path) - 1] = '\0'; /* the longest that a folder takes */
	assert_int_equal(textfile_replace(long_path, fill_letter, "d"), 0);
	assert_int_equal(letter_of(long_path), 'd');
	free(long_path);
	assert_int_equal(each_entry(folder->path, NULL), 2);
}

static char seen_temporary[NAME_MAX + 1];

static void remember_temporary(const char *folder, const char *name)
{
	(void)folder;
	snprintf(seen_temporary, sizeof(seen_temporary), "%s", name);
}

/* Looks at the folder while the file is being written. */
static int fill_and_look(FILE *out, const void *context)
{
	const struct folder *folder = context;

	fputs("x", out);
	assert_int_equal(each_entry(folder->path, remember_temporary), 1);
	return 0;
}

static void the_temporary_file_is_hidden_and_no_prom(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(textfile_replace(folder->file, fill_and_look, folder), 0);
	assert_int_equal(strncmp(seen_temporary, ".metrics.prom.", 14), 0);
	assert_string_not_equal(seen_temporary + strlen(seen_temporary) - 5, ".prom");
	assert_int_equal(each_entry(folder->path, NULL), 1);
}

/* Runs `body` in a child; its exit status. */
static int in_child(int (*body)(const struct folder *folder), const struct folder *folder)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(folder));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int write_as_nobody(const struct folder *folder)
{
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return CHILD_SKIP;
	return textfile_replace(folder->file, fill_letter, "b") == -EACCES ? 0 : 1;
}

static void an_unwritable_folder_is_refused(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	assert_int_equal(chmod(folder->path, 0555), 0);
	int status = in_child(write_as_nobody, folder);
	assert_int_equal(chmod(folder->path, 0755), 0);
	if (status == CHILD_SKIP) {
		print_message("skipped: cannot become another user\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(letter_of(folder->file), 'a');
	assert_int_equal(each_entry(folder->path, NULL), 1);
}

static int write_beyond_the_limit(const struct folder *folder)
{
	struct rlimit limit = {FILE_BYTES / 2, FILE_BYTES / 2};

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return CHILD_SKIP;
	return textfile_replace(folder->file, fill_letter, "b") == -EFBIG ? 0 : 1;
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	assert_int_equal(in_child(write_beyond_the_limit, folder), 0);
	assert_int_equal(letter_of(folder->file), 'a');
	assert_int_equal(each_entry(folder->path, NULL), 1);
}

/* In a mount namespace of its own: nothing to clean up. */
static int write_to_a_full_disk(const struct folder *folder)
{
	char options[32];

	snprintf(options, sizeof(options), "size=%d", FILE_BYTES + FILE_BYTES / 2);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", folder->path, "tmpfs", 0, options) < 0)
		return CHILD_SKIP;
	if (textfile_replace(folder->file, fill_letter, "a") != 0)
		return 1;
	/* The old one leaves no room for the new one beside it. */
	if (textfile_replace(folder->file, fill_letter, "b") != -ENOSPC)
		return 2;
	if (letter_of(folder->file) != 'a' || each_entry(folder->path, NULL) != 1)
		return 3;
	return 0;
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	int status = in_child(write_to_a_full_disk, *state);

	if (status == CHILD_SKIP) {
		print_message("skipped: mounting a tmpfs needs root\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* Replaces the file for ever, a letter after the other. */
static pid_t start_writer(const struct folder *folder)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (char letter = 'a';; letter = letter == 'z' ? 'a' : (char)(letter + 1)) {
			if (textfile_replace(folder->file, fill_letter, &letter) != 0)
				_exit(1);
		}
	}
	return pid;
}

/* Reads until the file has changed so often; fails after a deadline. */
static void read_until_changed(const struct folder *folder, int changes)
{
	time_t deadline = time(NULL) + DEADLINE_S;
	char last = letter_of(folder->file);

	while (changes > 0) {
		char letter = letter_of(folder->file);
		changes -= letter != last;
		last = letter;
		assert_true(time(NULL) < deadline);
	}
}

static void readers_see_whole_files_whatever_happens_to_the_writer(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(textfile_replace(folder->file, fill_letter, "a"), 0);
	for (int i = 0; i < KILLS; i++) {
		int status;
		pid_t writer = start_writer(folder);
		read_until_changed(folder, CHANGES);
		assert_int_equal(kill(writer, SIGKILL), 0);
		assert_int_equal(waitpid(writer, &status, 0), writer);
		assert_true(WIFSIGNALED(status));
		letter_of(folder->file);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_file_is_made_and_replaced),
		IN_FOLDER(a_path_without_a_folder_is_the_current_one),
		IN_FOLDER(a_failing_fill_leaves_the_old_file),
		IN_FOLDER(what_is_not_a_file_is_refused),
		IN_FOLDER(the_temporary_file_is_hidden_and_no_prom),
		IN_FOLDER(an_unwritable_folder_is_refused),
		IN_FOLDER(a_write_that_fails_leaves_the_old_file),
		IN_FOLDER(a_full_disk_leaves_the_old_file),
		IN_FOLDER(readers_see_whole_files_whatever_happens_to_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
