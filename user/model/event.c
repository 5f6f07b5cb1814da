// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - the words that the contracts use for kinds of events, instances and sources.
 *
 * Input: an enum, which may hold any number. A number that has no word gives "unknown",
 * never NULL.
 */
#include "model/event.h"

const char *event_type_name(enum event_type type)
{
	switch (type) {
	case EVENT_STARTED:
		return "started";
	case EVENT_NAMED:
		return "named";
	case EVENT_FINISHED:
		return "finished";
	case EVENT_TIMEBOX:
		return "timebox";
	}
	return "unknown";
}

const char *instance_name(enum instance instance)
{
	switch (instance) {
	case INSTANCE_THREAD:
		return "thread";
	case INSTANCE_SPAN:
		return "span";
	}
	return "unknown";
}

const char *name_source_name(enum name_source source)
{
	switch (source) {
	case SOURCE_COMM:
		return "comm";
	case SOURCE_SYMBOL:
		return "symbol";
	case SOURCE_TYPE:
		return "type";
	case SOURCE_SPAWN:
		return "spawn";
	case SOURCE_SPAN:
		return "span";
	}
	return "unknown";
}
