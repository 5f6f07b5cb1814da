/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - chooses the subcommand.
 */
#include <stdio.h>
#include <string.h>
#include <argp.h>

#include "cmd/cmd.h"

const char *argp_program_version = "threadwatch " TW_VERSION;

static const struct command {
	const char *name;
	char *full_name; /* what --help calls it */
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"trace", "threadwatch trace", cmd_trace, "stream starts, ends and overruns (the default)"},
	{"snapshot", "threadwatch snapshot", cmd_snapshot,
		"show the live threads now, grouped by routine"},
	{"export", "threadwatch export", cmd_export, "write Prometheus metrics to a textfile"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fputs("Usage: threadwatch [COMMAND] TARGET [OPTION...]\n"
	      "Show every thread as a named routine: who started it, what it does, how long it "
	      "lives.\n\nCommands:\n",
		out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\nTargets:\n"
	      "  -p PID     a process (repeatable)\n"
	      "  -a         every process of the machine\n"
	      "  -- CMD     a program to start and watch from its first instruction\n"
	      "\nEXAMPLES\n"
	      "  threadwatch -p 1234\n"
	      "  threadwatch snapshot -p 1234 --threads\n"
	      "  threadwatch export -a --textfile /var/lib/prometheus/node-exporter/tw.prom\n"
	      "\nSee threadwatch COMMAND --help for the options of each, and man threadwatch.\n",
		out);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	log_init(false);
	if (argc < 2) {
		log_error("nothing to watch: give -p PID, -a, or -- COMMAND (see --help)");
		return EXIT_USAGE;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-?") || !strcmp(word, "help")) {
		usage(stdout);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(word, commands[i].name)) {
			argv[1] = commands[i].full_name;
			return commands[i].run(argc - 1, argv + 1);
		}
	if (*word != '-') {
		log_error("no command '%s': see threadwatch --help", word);
		return EXIT_USAGE;
	}
	return cmd_trace(argc, argv);
}
