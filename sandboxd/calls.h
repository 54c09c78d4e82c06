#pragma once

/* The calls of sandboxd's protocol (docs/ARCHITECTURE.md), apart from how they arrive. */

#include "err.h"
#include "http_head.h"

#include <jansson.h>
#include <stdbool.h>

struct worker;

struct call {
	struct http_slice method, path;
	const char *body;
	size_t body_len;
};

/* On 0, *ret_status and *ret_body (a new reference, or NULL for an answer without a body). */
NODISCARD int calls_dispatch(struct worker *w, const struct call *call, int *ret_status,
			     json_t **ret_body, struct err *e);

/* Whether this is POST /v1/apps/wake, the one call that the router may make. */
bool calls_is_wake(const struct call *call);

/* The HTTP status of an error. */
int calls_status_of(enum err_kind kind);
