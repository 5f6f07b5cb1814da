/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shape.c - one function a macro, to be disassembled: with probes, with TW_DISABLE, and with
 * -DWITHOUT_MACROS, which is what the programmer would have written without this header.
 */
#ifdef WITHOUT_MACROS
#define TW_ROUTINE(...)
#define TW_BEGIN(...)
#define TW_END()
#define TW_DATA(...)
#define TW_SPAWN(...)
#define TW_TIMEBOX_MS(n)
#else
#include "threadwatch.h"
#endif

struct work {
	int done;
	long id;
	const char *format;
};

int shape_scope(struct work *work);
int shape_timebox(struct work *work);
int shape_begin_end(struct work *work);
int shape_integer(struct work *work);
int shape_literal(struct work *work);
int shape_string(struct work *work);
int shape_spawn(struct work *work);

int shape_scope(struct work *work)
{
	TW_ROUTINE("shape");
	return ++work->done;
}

int shape_timebox(struct work *work)
{
	TW_ROUTINE("shape", TW_TIMEBOX_MS(500));
	return ++work->done;
}

int shape_begin_end(struct work *work)
{
	TW_BEGIN("shape");
	work->done++;
	TW_END();
	return work->done;
}

int shape_integer(struct work *work)
{
	TW_DATA("id", work->id);
	return ++work->done;
}

int shape_literal(struct work *work)
{
	TW_DATA("format", "png");
	return ++work->done;
}

int shape_string(struct work *work)
{
	TW_DATA("format", work->format);
	return ++work->done;
}

int shape_spawn(struct work *work)
{
	TW_SPAWN("shape");
	return ++work->done;
}
