#pragma once

/*
 * The route table: one row says everything about a call. nginx's locations, openapi.json and the
 * edge's checks (authentication, origin, body size, deadline, rate) are all made from it.
 */

#include "app.h"
#include "http/request.h"
#include "http/response.h"
#include "json.h"

enum route_pool { POOL_SHORT, POOL_RUN, POOL_STREAM, POOL_WATCH, POOL_COUNT };

const char *route_pool_name(enum route_pool pool); /* "short", "run", "stream", "watch" */

enum route_auth {
	AUTH_NONE,
	AUTH_USER,  /* API key or session; unsafe methods by session need an exact Origin */
	AUTH_OWNER, /* and role owner */
};

enum rate_class {
	RATE_NONE,
	RATE_RUN,	 /* SLIPWAY_USER_RUNS_MAX at once */
	RATE_GENERATION, /* SLIPWAY_USER_GENERATIONS_MAX at once */
	RATE_UPLOAD,	 /* large bodies only, one at once (limits.c) */
	RATE_DOWNLOAD,	 /* answers of any size, which nginx keeps for slow readers (locations.c) */
	RATE_SEARCH,	 /* short calls that read much (limits.c) */
	RATE_AGENT, /* short calls that ask a sandbox's agent, which may not answer (limits.c) */
};

typedef int route_handler(struct app *app, struct request *rq, struct response *rs, struct err *e);

struct route {
	const char *method;
	/* "/api/v1/projects/{id}/files/{path*}": {x} one segment, {x*} the rest. All rows of one
	 * pattern share a pool, because nginx chooses by path. */
	const char *pattern;
	enum route_pool pool;
	enum route_auth auth;
	size_t body_max_bytes;
	int64_t deadline_ms;
	enum rate_class rate;
	route_handler *handler;
	const char *summary;	       /* one line for openapi.json */
	const struct json_field *body; /* request body's fields, or NULL: none or not JSON */
	size_t n_body;
	int status;	      /* of success */
	const char *produces; /* content type of success; NULL: application/json */
	bool paged;	      /* takes limit and cursor (request_page) */
	const char
		*extras; /* other parameters for openapi.json: "query:q header:If-Match", or NULL */
};

/* The first row that matches is taken. */
extern const struct route route_table[];
extern const size_t route_table_len;
