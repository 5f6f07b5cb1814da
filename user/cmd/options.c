/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.c - parsing of what the commands have in common.
 */
#include "cmd/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

#define BYTES_MAX   (1ull << 30)
#define SECONDS_MAX (366.0 * 24 * 3600)

enum long_option {
	OPTION_NO_UPROBES = 0x100,
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_USAGE,
	OPTION_FOLD_NUMBERS,
	OPTION_NO_FOLD_NUMBERS,
	OPTION_CGROUP,
};

static const struct argp_option target_table[] = {
	{"pid", 'p', "PID", 0, "Watch this process (repeatable)", 0},
	{"all", 'a', NULL, 0, "Watch every process of the machine", 0},
	{"cgroup", OPTION_CGROUP, "PATH", 0,
		"Watch every process in this cgroup and below it (repeatable)", 0},
	{"fold-numbers", OPTION_FOLD_NUMBERS, NULL, 0,
		"Make one routine worker-* of worker-17 and worker-18 (default in snapshot, "
		"export)",
		0},
	{"no-fold-numbers", OPTION_NO_FOLD_NUMBERS, NULL, 0,
		"Leave numbered names as they are (default in trace)", 0},
	{"verbose", 'v', NULL, 0, "Say more about what is done", 0},
	{"help", OPTION_HELP, NULL, 0, "Give this help list", -1},
	{"usage", OPTION_USAGE, NULL, 0, "Give a short usage message", -1},
	{"version", 'V', NULL, 0, "Print the version", -1},
	{0},
};

static const struct argp_option watch_table[] = {
	{"follow", 'f', NULL, 0, "Watch the children of watched processes too", 0},
	{"duration", 'd', "SECONDS", 0, "Stop after this time", 0},
	{"no-uprobes", OPTION_NO_UPROBES, NULL, 0,
		"Do not probe pthread_create: cheapest, but no call sites", 0},
	{0},
};

static const struct argp_option output_table[] = {
	{"regex", 'r', "REGEX", 0, "Only routines whose name matches (extended regex)", 0},
	{"format", 'o', "FORMAT", 0, "text (default) or json", 0},
	{"output", OPTION_OUTPUT, "FILE", 0, "Write there, not to standard output", 0},
	{0},
};

error_t options_reject(const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	log_error("%s", message);
	return EBADMSG;
}

bool parse_seconds(const char *text, double *out)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || !isfinite(value) || value <= 0 || value > SECONDS_MAX)
		return false;
	if (*end && strcmp(end, "s"))
		return false;
	*out = value;
	return true;
}

bool parse_bytes(const char *text, uint64_t *out)
{
	char *end;
	unsigned shift = 0;
	unsigned long long value;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'M')
		shift = *end++ == 'K' ? 10 : 20;
	if (errno || *end || value > BYTES_MAX >> shift)
		return false;
	*out = value << shift;
	return true;
}

static error_t take_pid(const char *text, struct common_options *common)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT32_MAX)
		return options_reject("-p wants a process number, not '%s'", text);
	if (common->pid_count == TARGET_PIDS_MAX)
		return options_reject("more than %d -p: use -a with -r instead", TARGET_PIDS_MAX);
	common->pids[common->pid_count++] = pid;
	return 0;
}

static error_t take_cgroup(const char *path, struct common_options *common)
{
	if (common->cgroup_count == WIRE_CGROUPS_MAX)
		return options_reject(
			"more than %d --cgroup: name one above them, or use -a", WIRE_CGROUPS_MAX);
	common->cgroup_paths[common->cgroup_count++] = path;
	return 0;
}

static error_t take_regex(const char *text, struct common_options *common)
{
	char why[128];
	int err;

	if (common->has_regex)
		return options_reject("-r is given twice: join them as 'ONE|OTHER'");
	err = regcomp(&common->regex, text, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &common->regex, why, sizeof(why));
		return options_reject("-r '%s' is not a regular expression: %s", text, why);
	}
	common->has_regex = true;
	return 0;
}

static error_t take_format(const char *text, struct common_options *common)
{
	if (!strcmp(text, "text"))
		common->format = FORMAT_TEXT;
	else if (!strcmp(text, "json"))
		common->format = FORMAT_JSON;
	else
		return options_reject("-o wants text or json, not '%s'", text);
	return 0;
}

static error_t take_argument(
	const char *text, struct argp_state *state, struct common_options *common)
{
	/* What follows "--" is the program with its own arguments. */
	if (!state->quoted || state->next - 1 < state->quoted)
		return options_reject("unexpected argument '%s': a command comes first, a program "
				      "to start comes behind --",
			text);
	common->command = &state->argv[state->next - 1];
	state->next = state->argc;
	return 0;
}

/* argp's own --help would be silenced together with its complaints (ARGP_NO_ERRS). */
static error_t help(struct argp_state *state, unsigned kind)
{
	state->flags &= ~ARGP_NO_ERRS;
	argp_state_help(state, stdout, kind);
	exit(EXIT_FINE);
}

static error_t parse_common(int key, char *text, struct argp_state *state)
{
	struct common_options *common = state->input;

	switch (key) {
	case OPTION_HELP:
		return help(state, ARGP_HELP_STD_HELP);
	case OPTION_USAGE:
		return help(state, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
	case 'V':
		puts(argp_program_version);
		exit(EXIT_FINE);
	case 'p':
		return take_pid(text, common);
	case OPTION_CGROUP:
		return take_cgroup(text, common);
	case 'a':
		common->whole_system = true;
		return 0;
	case 'f':
		common->follow = true;
		return 0;
	case 'r':
		return take_regex(text, common);
	case 'o':
		return take_format(text, common);
	case 'd':
		return parse_seconds(text, &common->duration_s)
			       ? 0
			       : options_reject("-d wants seconds, not '%s'", text);
	case 'v':
		common->verbose = true;
		return 0;
	case OPTION_FOLD_NUMBERS:
	case OPTION_NO_FOLD_NUMBERS:
		common->fold_numbers = key == OPTION_FOLD_NUMBERS;
		return 0;
	case OPTION_OUTPUT:
		common->output_path = text;
		return 0;
	case OPTION_NO_UPROBES:
		common->no_uprobes = true;
		return 0;
	case ARGP_KEY_ERROR:
		common->error_next = state->next;
		return 0;
	case ARGP_KEY_ARG:
		return take_argument(text, state, common);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp target_argp = {.options = target_table, .parser = parse_common};
const struct argp watch_argp = {.options = watch_table, .parser = parse_common};
const struct argp output_argp = {.options = output_table, .parser = parse_common};

/* What getopt did not like. argp's own complaint would be two lines, so it is silenced. */
static void explain(char **argv, int next)
{
	if (next > 0 && argv[next - 1])
		log_error("option '%s' is unknown, ambiguous or lacks its value: see threadwatch "
			  "--help",
			argv[next - 1]);
	else
		log_error("wrong options: see threadwatch --help");
}

static int need_target(const struct common_options *common, bool command_allowed)
{
	int kinds = (common->pid_count > 0) + common->whole_system + (common->cgroup_count > 0) +
		    (common->command != NULL);

	if (common->command && !command_allowed) {
		log_error("this command does not start programs: name a process with -p, or -a, or "
			  "--cgroup");
		return EXIT_USAGE;
	}
	if (kinds == 1)
		return 0;
	log_error("%s: give %s", kinds ? "more than one kind of target" : "nothing to watch",
		command_allowed ? "-p PID, -a, --cgroup PATH, or -- COMMAND"
				: "-p PID, -a or --cgroup PATH");
	return EXIT_USAGE;
}

int options_parse(const struct argp *argp, int argc, char **argv, bool command_allowed,
	struct common_options *common)
{
	error_t err = argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, common);

	if (!err) {
		log_init(common->verbose);
		return need_target(common, command_allowed);
	}
	/* Our own parsers have spoken already and answer EBADMSG. */
	if (err == ENOMEM)
		log_error("out of memory");
	else if (err != EBADMSG)
		explain(argv, common->error_next);
	return EXIT_USAGE;
}

void options_free(struct common_options *common)
{
	if (common->has_regex)
		regfree(&common->regex);
	common->has_regex = false;
}
