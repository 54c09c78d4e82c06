#include "log.h"

#include "clock.h"
#include "utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_LINE_MAX_BYTES (16 * 1024)

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *program_name = "slipway";
static enum log_level lowest = LOG_INFO;
static _Thread_local char request_id[64];

enum log_level log_level_of(const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			return (enum log_level)i;
		}
	}
	return LOG_INFO;
}

void log_init(const char *program, enum log_level level)
{
	program_name = program;
	lowest = level;
}

void log_set_request_id(const char *id)
{
	request_id[0] = '\0';
	if (id) {
		strncpy(request_id, id, sizeof(request_id) - 1);
		request_id[sizeof(request_id) - 1] = '\0';
	}
}

/* jansson refuses strings that are not UTF-8; a log line takes them with the bad bytes replaced. */
static json_t *lossy_string(const char *s)
{
	auto_strbuf clean;

	strbuf_init(&clean, LOG_LINE_MAX_BYTES);
	utf8_add_replaced(&clean, s, strnlen(s, LOG_LINE_MAX_BYTES / 4));
	return json_stringn(clean.data, clean.len);
}

static json_t *new_line(enum log_level level, const char *event)
{
	json_t *line = json_object();
	char now[CLOCK_RFC3339_BYTES];

	clock_rfc3339(now);
	json_object_set_new(line, "t", json_string(now));
	json_object_set_new(line, "level", json_string(level_names[level]));
	json_object_set_new(line, "program", json_string(program_name));
	json_object_set_new(line, "event", json_string(event));
	if (request_id[0] != '\0') {
		json_object_set_new(line, "request_id", lossy_string(request_id));
	}
	return line;
}

/* One writev, so that lines of several processes on one pipe do not mix. */
static void write_line(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	char newline[] = "\n";

	if (text) {
		struct iovec iov[] = {{text, strlen(text)}, {newline, 1}};
		ssize_t ignored = writev(STDERR_FILENO, iov, 2);

		(void)ignored;
		free(text);
	}
	json_decref(line);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	json_t *line, *fields;
	va_list ap;

	if (level < lowest) {
		return;
	}
	line = new_line(level, event);
	if (fmt) {
		json_error_t why;

		va_start(ap, fmt);
		fields = json_vpack_ex(&why, 0, fmt, ap);
		va_end(ap);
		if (fields) {
			json_object_update(line, fields);
			json_decref(fields);
		} else {
			json_object_set_new(line, "fields_lost", lossy_string(why.text));
		}
	}
	write_line(line);
}

void log_err(enum log_level level, const char *event, const struct err *e)
{
	json_t *line;

	if (level < lowest) {
		return;
	}
	line = new_line(level, event);
	json_object_set_new(line, "kind", json_string(err_kind_name(e->kind)));
	json_object_set_new(line, "detail", lossy_string(e->text));
	write_line(line);
}
