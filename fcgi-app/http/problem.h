#pragma once

/*
 * Errors as the world sees them: application/problem+json (RFC 9457). This is the one place that
 * turns a kind into a status, a title and public words.
 */

#include "err.h"

#include <jansson.h>
#include <stdbool.h>

struct problem {
	int status;
	const char *type; /* URI reference: "/problems/<kind>", explained in docs/API.md */
	const char *title;
	const char *detail; /* into the error, or a fixed text where that is not for strangers */
	const json_t *more; /* members beside these, or NULL; borrowed */
};

/* Borrows from *e. */
void problem_of(const struct err *e, struct problem *ret);

/* A new JSON object, or NULL. */
json_t *problem_json(const struct problem *p, const char *request_id);

/* True when the error's text must not leave the log. */
bool problem_is_internal(const struct err *e);
