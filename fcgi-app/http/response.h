#pragma once

/*
 * Answers. A handler either sends one whole answer, or begins a stream and writes to it, or returns
 * -1 before anything was sent: then the edge makes problem+json (RFC 9457) of its error.
 */

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct problem;
struct response; /* http/response.c */

/* An extra header, before the answer is sent. Values are checked: no CR, LF, NUL. */
void response_header(struct response *rs, const char *name, const char *value);

/* What some statuses want beside them: WWW-Authenticate, Retry-After. */
void response_error_headers(struct response *rs, int status);

/* Whole answers. `value` is borrowed; `text` must be JSON already (SQL may have made it). */
NODISCARD int response_json(struct response *rs, int status, const json_t *value, struct err *e);
NODISCARD int response_json_text(struct response *rs, int status, const char *text, struct err *e);
NODISCARD int response_bytes(struct response *rs, int status, const char *content_type,
			     const void *bytes, size_t len, struct err *e);
NODISCARD int response_empty(struct response *rs, int status, struct err *e);

/* problem+json, with the headers its status wants, for those errors that have more to say than an
 * err can; all others are the edge's. Nothing may have been sent. */
void response_problem(struct response *rs, const struct problem *p, const char *request_id);

/* Streams: 200, never buffered by nginx. Writes flush. When the client is gone, writes do nothing
 * and return false from then on: whether that ends the work is the handler's decision. */
NODISCARD int response_stream_begin(struct response *rs, const char *content_type, struct err *e);
/* The same for what can be made faster than it is read: nginx keeps what its client has not taken
 * yet, so that a slow one holds no worker (see RATE_DOWNLOAD). */
NODISCARD int response_download_begin(struct response *rs, const char *content_type, struct err *e);
bool response_stream_write(struct response *rs, const void *bytes, size_t len);
bool response_client_gone(const struct response *rs);
bool response_started(const struct response *rs);
