#pragma once

/*
 * Lines out of what a program writes: cut at newlines wherever the pieces end, without escape
 * sequences and control characters, valid UTF-8, of bounded length.
 */

#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX_BYTES 8192

struct log_lines {
	struct strbuf line; /* raw, not ended yet */
	bool cr;	    /* its last byte was a carriage return */
};

typedef void log_line_fn(void *ctx, const char *text, size_t len);

void log_lines_init(struct log_lines *l);
void log_lines_fini(struct log_lines *l);

/* Calls fn for each line that ended. A longer line is given in several; one of escape sequences
 * only is left out; what a carriage return took back is not told. */
void log_lines_feed(struct log_lines *l, const char *bytes, size_t len, log_line_fn *fn, void *ctx);

/* What waits for its newline, at the end or when somebody seems to wait for an answer. */
void log_lines_flush(struct log_lines *l, log_line_fn *fn, void *ctx);

/* Appends a line in its readable form. */
void log_lines_clean(struct strbuf *to, const char *raw, size_t len);
