/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line. Options that several commands share are argp children.
 */
#ifndef TW_CMD_OPTIONS_H
#define TW_CMD_OPTIONS_H

#include <argp.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"

#define TARGET_PIDS_MAX 256

enum output_format { FORMAT_TEXT, FORMAT_JSON };

struct common_options {
	pid_t pids[TARGET_PIDS_MAX];
	size_t pid_count;
	bool whole_system;
	const char *cgroup_paths[WIRE_CGROUPS_MAX];
	size_t cgroup_count;
	bool follow;
	bool no_uprobes;
	bool verbose;
	bool fold_numbers; /* each command sets its default before it parses */
	bool origin_stacks;
	char **command; /* after "--", NULL-terminated; NULL: none */
	enum output_format format;
	const char *output_path; /* NULL: standard output */
	double duration_s;	 /* 0: no limit */
	uint64_t ring_bytes;
	bool has_regex;
	regex_t regex;	/* of routine names */
	int error_next; /* argv index behind a word that getopt refused */
};

/* Is it open which processes they will be? Then there is always something left to watch. */
static inline bool options_whole(const struct common_options *options)
{
	return options->whole_system || options->cgroup_count;
}

/* What commands are made of; the input of each is the struct common_options. */
extern const struct argp target_argp; /* whom */
extern const struct argp watch_argp;  /* for how long, how closely */
extern const struct argp output_argp; /* what of it, how, where to */

/*
 * Parses argv into the command's own options, which begin with a struct common_options, and
 * checks that exactly one kind of target was named. 0, or EXIT_USAGE after one line on
 * stderr; options_free is needed in both cases. --help and --version exit.
 */
int options_parse(const struct argp *argp, int argc, char **argv, bool command_allowed,
	struct common_options *common);
void options_free(struct common_options *common);

/* One line on stderr about a wrong option; returns EBADMSG for argp. */
error_t options_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number of seconds such as 2, 0.5 or 15s; bytes such as 65536, 64K, 4M. false: not one. */
bool parse_seconds(const char *text, double *out);
bool parse_bytes(const char *text, uint64_t *out);

#endif
