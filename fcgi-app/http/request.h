#pragma once

/* A request as handlers see it: everything parsed and checked by the edge (edge.c) already. */

#include "err.h"
#include "token.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_PARAMS_MAX 4

struct user {
	char id[UUID_TEXT_BYTES];
	char email[255];
	bool is_owner;
	bool by_cookie;			     /* signed in by session, not by API key */
	char credential_id[UUID_TEXT_BYTES]; /* of the session or the key */
};

struct request {
	char id[UUID_TEXT_BYTES]; /* request_id; also in logs and in the X-Request-Id header */
	const char *method;
	const char *path;  /* without the query */
	const char *query; /* raw, "" when none */
	const char *
		params[REQUEST_PARAMS_MAX]; /* the pattern's {…} in order, percent-decoded, UTF-8 */
	const char *remote_addr;
	bool https;	  /* the client's side of nginx */
	const char *body; /* whole, at most the route's body_max_bytes; never NULL */
	size_t body_len;
	struct user user;    /* zeroed for public routes */
	int64_t deadline_ms; /* clock_mono_ms by which the answer must be out */
	void *edge;	     /* the edge's own */
};

/* A request header by its HTTP name ("If-Match"), or NULL. */
const char *request_header(const struct request *rq, const char *name);

/* True when the Accept header names text/event-stream. */
bool request_wants_events(const struct request *rq);

/* True when it names text/html: somebody looks at the answer. */
bool request_wants_html(const struct request *rq);

/* Body as a JSON object. ERR_UNSUPPORTED unless application/json; an empty body reads as {}.
 * *ret_object is a new reference. */
NODISCARD int request_json(const struct request *rq, json_t **ret_object, struct err *e);

/* A query parameter, percent-decoded into buf. 1 found, 0 absent, -1 ERR_INVALID (too long, bad).
 */
NODISCARD int request_query(const struct request *rq, const char *name, char *buf, size_t cap,
			    struct err *e);

/* limit (1..100, default 50) and cursor (opaque text, "" for the first page) of a list call. */
struct page {
	int64_t limit;
	char cursor[200];
};
NODISCARD int request_page(const struct request *rq, struct page *ret_page, struct err *e);

/* ERR_NOT_FOUND unless params[i] is a UUID: an id that cannot exist is as unknown as any other. */
NODISCARD int request_uuid(const struct request *rq, size_t i, const char **ret_id, struct err *e);
