#pragma once

/*
 * What the app said and what became of it, numbered: a ring of lines and states. Numbers begin at
 * the time of the agent's start in milliseconds, so that they grow over its restarts too and a
 * reader that comes again misses nothing.
 */

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APP_LOG_LINES_MAX 2000
#define APP_LOG_BYTES_MAX ((size_t)1024 * 1024)

enum app_log_stream { APP_LOG_STDOUT, APP_LOG_STDERR, APP_LOG_SYSTEM, APP_LOG_STATE };
enum app_log_source { APP_LOG_INSTALL, APP_LOG_APP };

struct app_log_entry {
	int64_t id;
	int64_t t_ms; /* wall time */
	enum app_log_stream stream;
	enum app_log_source source;
	size_t len;
	char text[]; /* NUL-terminated: a line, or for APP_LOG_STATE the state's JSON */
};

struct app_log {
	struct app_log_entry *ring[APP_LOG_LINES_MAX];
	size_t first, n; /* the oldest, and how many */
	size_t bytes;
	int64_t first_id; /* of the first entry ever */
	int64_t next_id;
};

void app_log_init(struct app_log *log);
void app_log_fini(struct app_log *log);

/* What is not valid UTF-8 must not come here. Out of memory loses the line. */
void app_log_add(struct app_log *log, enum app_log_stream stream, enum app_log_source source,
		 const char *text, size_t len);

/* The id of the newest entry; before the first, the one before it. */
int64_t app_log_last_id(const struct app_log *log);

/* The oldest entry with a greater id, NULL without one. *ret_missed: how many between have been
 * dropped. */
const struct app_log_entry *app_log_after(const struct app_log *log, int64_t id,
					  int64_t *ret_missed);

/* The i-th newest from 0 on, or NULL. */
const struct app_log_entry *app_log_newest(const struct app_log *log, size_t i);

/* The data of an event: a line as an object, a state as it is. NULL when out of memory; free it. */
char *app_log_entry_text(const struct app_log_entry *entry);

const char *app_log_stream_name(enum app_log_stream stream);
const char *app_log_source_name(enum app_log_source source);
