#pragma once

/*
 * One HTTP/1.1 connection: reads requests strictly (http_head.h), hands each to the handler of its
 * route, and carries the answer with back-pressure. Requests on one connection go one after the
 * other.
 *
 * A handler's calls come in this order: begin, body…, end, writable…, and gone exactly once, after
 * the answer is complete or the connection broke. A call that fails is answered with its error, if
 * no answer has begun, and closes the connection.
 */

#include "err.h"
#include "http_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct conn;

#define CONN_TARGET_MAX_BYTES 4096

/* Output waiting for the client above which a handler should stop adding. */
#define CONN_OUTPUT_HIGH_BYTES (256 * 1024)

struct route {
	const char *method;
	const char *path; /* one that ends in '/' wants something after it */
	uint64_t body_max_bytes;
	int (*begin)(struct conn *c, struct err *e);
	int (*body)(struct conn *c, const char *bytes, size_t len, struct err *e);
	int (*end)(struct conn *c, struct err *e);
	void (*writable)(struct conn *c); /* output fell below the mark again */
	void (*gone)(struct conn *c);	  /* release conn_data */
};

/* Takes over a connected, non-blocking descriptor. */
NODISCARD int conn_create(struct agent *agent, int fd, struct err *e);

/* Closes at once what has waited longest between two requests; false when none does. */
bool conn_evict_idle(struct agent *agent);

void conn_close_all(struct agent *agent);

/* Outside of all callbacks of connections. */
void conn_free_closed(struct agent *agent);

/* For handlers. */
struct agent *conn_agent(const struct conn *c);
void *conn_data(const struct conn *c);
void conn_set_data(struct conn *c, void *data);
/* What follows the route's path, percent-decoded; and the raw query, "" without one. */
const char *conn_rest(const struct conn *c);
const char *conn_query(const struct conn *c);
/* The request's head, in `begin` only. */
const struct http_head *conn_head(const struct conn *c);

/* A whole answer. */
void conn_reply(struct conn *c, int status, const char *content_type, const void *body, size_t len);
void conn_reply_err(struct conn *c, const struct err *e);

/* An answer of known length whose body follows with conn_add. */
void conn_begin_sized(struct conn *c, const char *content_type, uint64_t length);
/* A chunked answer. */
void conn_begin_chunked(struct conn *c, const char *content_type);
bool conn_answer_begun(const struct conn *c);
/* Bytes of a begun answer; several pieces make one chunk. */
struct conn_piece {
	const void *bytes;
	size_t len;
};
void conn_add(struct conn *c, const struct conn_piece *pieces, size_t n);
/* 101 with these fields ("Name: value\r\n"…), from `end`. From then on `body` gets whatever the
 * client sends, conn_add sends bytes as they are, and conn_end closes when they are sent. */
void conn_upgrade(struct conn *c, const char *fields);
/* Stops and restarts the reading of an upgraded connection. conn_resume may call `body`. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* Bytes that the client has not taken yet. */
size_t conn_pending(const struct conn *c);
/* The answer is complete: `gone` is called and the next request may come. */
void conn_end(struct conn *c);
/* The answer cannot be completed: breaks the connection, so that the client sees it. */
void conn_abort(struct conn *c);
