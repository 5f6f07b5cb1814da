/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shorten.c - what is left out of demangled names; see shorten.h.
 *
 * Input is any text: brackets may not match, and what is not understood is left as it is. Its
 * length must be bounded, as the rest may be looked at again at each bracket. Refuses to parse
 * C++: a return type is taken for a part of the name, so that names without one should be given.
 */
#include "target/shorten.h"

#include <ctype.h>

#define FOLDED_ARGUMENTS  "<...>"
#define FOLDED_PARAMETERS "(...)"
#define ARGUMENTS_MAX	  40 /* bytes of template arguments or of a lambda's parameters */
#define LAMBDA		  "{lambda("

struct suffix {
	const char *name;
	bool other_code; /* a piece of a function, or one of its own */
};

static const struct suffix suffixes_known[] = {
	{".constprop", false},
	{".isra", false},
	{".lto_priv", false},
	{".llvm", false},
	{".localalias", false},
	{".part", true},
	{".cold", true},
	{"._omp_fn", true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool in_identifier(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* ---- suffixes ---- */

/* The suffix that a name of this length ends in; its length is that without the suffix. */
static const struct suffix *last_suffix(const char *name, size_t *length)
{
	size_t end = *length;

	while (end && isdigit((unsigned char)name[end - 1]))
		end--;
	end = end && end < *length && name[end - 1] == '.' ? end - 1 : *length;
	for (size_t i = 0; i < COUNT(suffixes_known); i++) {
		size_t bytes = strlen(suffixes_known[i].name);

		if (end > bytes && !memcmp(name + end - bytes, suffixes_known[i].name, bytes)) {
			*length = end - bytes;
			return &suffixes_known[i];
		}
	}
	return NULL;
}

size_t shorten_base_length(const char *symbol)
{
	size_t length = strlen(symbol);

	while (last_suffix(symbol, &length))
		;
	return length;
}

void shorten_suffixes(const char *suffixes, struct sink *sink)
{
	while (*suffixes) {
		size_t bytes = 1;

		while (suffixes[bytes] &&
			(suffixes[bytes] != '.' || isdigit((unsigned char)suffixes[bytes + 1])))
			bytes++;
		for (size_t i = 0; i < COUNT(suffixes_known); i++) {
			if (suffixes_known[i].other_code &&
				starts_with(suffixes, suffixes_known[i].name))
				sink_put(sink, suffixes, bytes);
		}
		suffixes += bytes;
	}
}

/* ---- brackets ---- */

/* The length of "operator<", "operator->*", "operator()" and the like at `at`, whose signs are
 * no brackets; 0 when it is none of them. Arguments of such a template come behind a space: it
 * is counted. */
static size_t operator_length(const char *start, const char *at)
{
	static const char word[] = "operator";
	static const char *const signs[] = {
		"<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "<", ">"};
	const size_t length = sizeof(word) - 1;

	if (strncmp(at, word, length) || (at > start && in_identifier(at[-1])))
		return 0;
	for (size_t i = 0; i < COUNT(signs); i++) {
		size_t bytes = length + strlen(signs[i]);

		if (starts_with(at + length, signs[i]))
			return bytes + (at[bytes] == ' ' && at[bytes + 1] == '<');
	}
	return 0;
}

/* The bytes from '<' to behind its '>', or 0 when it has none. */
static size_t bracket_length(const char *open)
{
	size_t angles = 0, parens = 0;

	for (const char *at = open; *at;) {
		size_t skip = operator_length(open, at);

		if (skip || (at[0] == '-' && at[1] == '>')) {
			at += skip ? skip : 2;
			continue;
		}
		/* Within parentheses a sign may be a comparison. */
		if (*at == '(')
			parens++;
		else if (*at == ')' && !parens--)
			return 0;
		else if (*at == '<' && !parens)
			angles++;
		else if (*at == '>' && !parens && !--angles)
			return at + 1 - open;
		at++;
	}
	return 0;
}

/* The bytes from `open` to behind the `close` that belongs to it, or 0 when there is none. */
static size_t pair_length(const char *at, char open, char close)
{
	size_t depth = 0;

	for (const char *end = at; *end; end++) {
		if (*end == open)
			depth++;
		else if (*end == close && !--depth)
			return end + 1 - at;
	}
	return 0;
}

/* A '<' behind a name or an operator opens template arguments, also behind Rust's "::"; any
 * other is Rust's "<Type as Trait>". */
static bool opens_arguments(const char *start, const char *at)
{
	if (at == start)
		return false;
	if (at[-1] == ' ')
		return at - start > 1 && strchr("<>=-*)", at[-2]);
	return in_identifier(at[-1]) || strchr(":)]+-*/%^&|~!=", at[-1]);
}

/* ---- the parts of a name ---- */

struct scan {
	const char *start, *at;
	const char *operator_end; /* behind the last operator, NULL before the first */
	bool parens_odd;	  /* a '(' without its ')' was seen: none is looked for any more */
	bool lambdas_odd;	  /* likewise */
	struct sink *sink;
};

/* Behind a parameter list: the rest of the name that it ends, NULL when it ends none. */
static const char *behind_parameters(const char *at)
{
	static const char *const qualifiers[] = {" const", " volatile", " &&", " &"};

	for (size_t i = 0; i < COUNT(qualifiers); i++) {
		if (starts_with(at, qualifiers[i]))
			at += strlen(qualifiers[i]);
	}
	return !*at || starts_with(at, "::") ? at : NULL;
}

/* Template arguments. false: this '<' opens none. */
static bool scan_arguments(struct scan *scan)
{
	size_t length;

	if (*scan->at != '<' || !opens_arguments(scan->start, scan->at))
		return false;
	length = bracket_length(scan->at);
	if (!length) /* then nothing behind it is told apart */
		length = strlen(scan->at);
	if (length > ARGUMENTS_MAX + 2)
		sink_put(scan->sink, FOLDED_ARGUMENTS, strlen(FOLDED_ARGUMENTS));
	else
		sink_put(scan->sink, scan->at, length);
	scan->at += length;
	return true;
}

/* A parameter list, which is behind a name or an operator. false: this is none. */
static bool scan_parameters(struct scan *scan)
{
	bool is_behind = scan->at > scan->start &&
			 (in_identifier(scan->at[-1]) || scan->at == scan->operator_end ||
				 strchr(">]=+-*/%^&|~!", scan->at[-1]));
	const char *rest;
	size_t length;

	if (*scan->at != '(' || !is_behind || scan->parens_odd)
		return false;
	length = pair_length(scan->at, '(', ')');
	if (!length) {
		scan->parens_odd = true;
		return false;
	}
	rest = behind_parameters(scan->at + length);
	if (!rest) {
		sink_put(scan->sink, scan->at, length);
		rest = scan->at + length;
	}
	scan->at = rest;
	return true;
}

/* What compilers call the function behind a lambda: the lambda itself is the better name. */
static void skip_lambda_call(struct scan *scan)
{
	static const char call[] = "::operator()";
	static const char *const stubs[] = {"::_FUN", "::__invoke"};

	if (starts_with(scan->at, call)) {
		const char *rest = scan->at + sizeof(call) - 1;
		size_t arguments = *rest == '<' ? bracket_length(rest) : 0;

		rest += arguments;
		if (*rest == '(')
			rest += pair_length(rest, '(', ')');
		rest = behind_parameters(rest);
		scan->at = rest ? rest : scan->at;
		return;
	}
	for (size_t i = 0; i < COUNT(stubs); i++) {
		const char *rest = scan->at + strlen(stubs[i]);

		if (starts_with(scan->at, stubs[i]) && (!*rest || *rest == '('))
			scan->at = rest + strlen(rest);
	}
}

/* "{lambda(int)#1}"; the length, 0 when there is none. */
static size_t put_lambda(struct scan *scan)
{
	const char *open = scan->at + sizeof(LAMBDA) - 2;
	size_t length, parameters;

	if (scan->lambdas_odd || !starts_with(scan->at, LAMBDA))
		return 0;
	length = pair_length(scan->at, '{', '}');
	parameters = length ? pair_length(open, '(', ')') : 0;
	if (!parameters || open + parameters >= scan->at + length) {
		scan->lambdas_odd = true;
		return 0;
	}
	if (parameters <= ARGUMENTS_MAX + 2) {
		sink_put(scan->sink, scan->at, length);
		return length;
	}
	sink_put(scan->sink, scan->at, open - scan->at);
	sink_put(scan->sink, FOLDED_PARAMETERS, strlen(FOLDED_PARAMETERS));
	sink_put(scan->sink, open + parameters, scan->at + length - (open + parameters));
	return length;
}

/* "$_0": clang's for lambdas in functions of its own file. The length, 0 when there is none. */
static size_t put_local_lambda(struct scan *scan)
{
	const size_t mark = 2;
	size_t length = mark;

	if (!starts_with(scan->at, "$_"))
		return 0;
	while (isdigit((unsigned char)scan->at[length]))
		length++;
	if (length == mark)
		return 0;
	sink_put(scan->sink, scan->at, length);
	return length;
}

static bool scan_lambda(struct scan *scan)
{
	size_t length = put_lambda(scan);

	if (!length)
		length = put_local_lambda(scan);
	if (!length)
		return false;
	scan->at += length;
	skip_lambda_call(scan);
	return true;
}

/* "[abi:cxx11]" */
static bool scan_abi_tag(struct scan *scan)
{
	const char *end = starts_with(scan->at, "[abi:") ? strchr(scan->at, ']') : NULL;

	if (!end)
		return false;
	scan->at = end + 1;
	return true;
}

void shorten(const char *name, struct sink *sink)
{
	struct scan scan = {.start = name, .at = name, .sink = sink};

	while (*scan.at) {
		size_t skip = operator_length(scan.start, scan.at);

		if (!skip && (scan_arguments(&scan) || scan_parameters(&scan) ||
				     scan_lambda(&scan) || scan_abi_tag(&scan)))
			continue;
		if (skip)
			scan.operator_end = scan.at + skip;
		skip = skip ? skip : 1;
		sink_put(sink, scan.at, skip);
		scan.at += skip;
	}
}
