#pragma once

/*
 * One JSON object per line on stderr: {"t","level","program","event","request_id",…fields}.
 * Only programs log. Never prompts, keys or bodies at info. Fields are given as a jansson pack
 * format, so every value is escaped; bytes that are not UTF-8 are replaced before.
 *
 *	log_info("run_finished", "{s:s,s:I}", "run_id", id, "duration_ms", (json_int_t)ms);
 *	log_error("listen_failed", e.kind, e.text) is spelt log_err("listen_failed", &e);
 */

#include "err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* The level of that name ("debug" …); LOG_INFO for any other. */
enum log_level log_level_of(const char *name);

/* `program` is borrowed for the life of the process. The level comes from SLIPWAY_LOG_LEVEL. */
void log_init(const char *program, enum log_level level);

/* Attached to every line of this thread until changed; NULL or "" for none. Copied. */
void log_set_request_id(const char *id);

/* `fmt` may be NULL: no fields. Otherwise a jansson pack format that makes one object. */
void log_event(enum log_level level, const char *event, const char *fmt, ...);

/* An error as an event: fields "kind" and "detail". */
void log_err(enum log_level level, const char *event, const struct err *e);

#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)
