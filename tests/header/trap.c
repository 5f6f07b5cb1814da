/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap.c - a tracer within the traced program, without root: linked into a static program whose
 * probe sites were made breakpoints (int3), it prints to stderr what each probe tells, by the
 * program's own notes. The span that an end closes is found by its token, as the kernel side
 * does it. Test code: the notes are our own, so whatever is odd about them ends the program.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#define SPANS_MAX   16
#define ARGS_MAX    3
#define EXIT_BROKEN 99

struct span {
	const char *name;
	uint64_t token;
};

static const char *image; /* the program's file */
static struct span spans[SPANS_MAX];
static int depth;

static void broken(const char *why)
{
	fprintf(stderr, "trap: %s\n", why);
	_exit(EXIT_BROKEN);
}

static const Elf64_Shdr *notes_section(void)
{
	const Elf64_Ehdr *header = (const void *)image;
	const Elf64_Shdr *sections = (const void *)(image + header->e_shoff);
	const char *names = image + sections[header->e_shstrndx].sh_offset;

	for (int i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, ".note.stapsdt") == 0)
			return &sections[i];
	broken("there are no notes");
	return NULL;
}

/* The name of the probe at `address`, followed in memory by its arguments. */
static const char *probe_at(uint64_t address)
{
	const Elf64_Shdr *section = notes_section();
	const char *at = image + section->sh_offset, *end = at + section->sh_size;
	const char provider[] = "threadwatch";

	while (at < end) {
		const Elf64_Nhdr *note = (const void *)at;
		const char *body = at + sizeof(*note) + ((note->n_namesz + 3) & ~3u);
		const char *text = body + 3 * sizeof(uint64_t);
		uint64_t location;

		memcpy(&location, body, sizeof(location));
		if (location == address && strcmp(text, provider) == 0)
			return text + sizeof(provider);
		at = body + ((note->n_descsz + 3) & ~3u);
	}
	broken("a trap at no probe");
	return NULL;
}

static uint64_t register_value(const greg_t *registers, const char *name, size_t length)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
		{"rsi", REG_RSI}, {"rdi", REG_RDI}, {"rbp", REG_RBP}, {"r8", REG_R8},
		{"r9", REG_R9}, {"r10", REG_R10}, {"r11", REG_R11}, {"r12", REG_R12},
		{"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0)
			return (uint64_t)registers[known[i].number];
	broken("an argument in no register");
	return 0;
}

static void read_args(const char *text, const greg_t *registers, uint64_t *args)
{
	for (int i = 0; i < ARGS_MAX && *text; i++) {
		const char *name = strchr(text, '%');
		size_t length;

		if (!name)
			broken("an argument that is no register");
		length = strcspn(++name, " ");
		args[i] = register_value(registers, name, length);
		text = name + length;
	}
}

static void tell_end(uint64_t token)
{
	int skipped = 0;

	while (token && depth > 0 && spans[depth - 1].token != token) {
		skipped++;
		depth--;
	}
	if (depth == 0)
		broken("an end without a begin");
	depth--;
	fprintf(stderr, "end %s by %s", spans[depth].name, token ? "token" : "order");
	fprintf(stderr, skipped ? " over %d\n" : "\n", skipped);
}

static void tell(const char *probe, const uint64_t *args)
{
	const char *text = (const char *)args[0];

	if (strcmp(probe, "begin") == 0) {
		if (depth == SPANS_MAX)
			broken("too many spans");
		spans[depth].name = text;
		spans[depth++].token = args[2];
		fprintf(stderr, "begin %s timebox %" PRIu64 " depth %d\n", text, args[1], depth);
	} else if (strcmp(probe, "end") == 0) {
		tell_end(args[0]);
	} else if (strcmp(probe, "data_int") == 0) {
		fprintf(stderr, "data_int %s=%" PRId64 "\n", text, (int64_t)args[1]);
	} else if (strcmp(probe, "data_str") == 0) {
		fprintf(stderr, "data_str %s=%s\n", text,
			args[1] ? (const char *)args[1] : "(null)");
	} else {
		fprintf(stderr, "%s %s\n", probe, text);
	}
}

/* The trap is taken at a probe, never within a library function: stdio is safe here. */
static void on_trap(int number, siginfo_t *info, void *context)
{
	const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const char *probe = probe_at((uint64_t)registers[REG_RIP] - 1);
	uint64_t args[ARGS_MAX] = {0};

	(void)number;
	(void)info;
	read_args(probe + strlen(probe) + 1, registers, args);
	tell(probe, args);
}

__attribute__((constructor)) static void set_up(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (file < 0 || fstat(file, &status))
		broken("cannot read the program");
	image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (image == MAP_FAILED || sigaction(SIGTRAP, &action, NULL))
		broken("cannot set up");
	close(file);
}
