#pragma once

/* From method and path to a row of the route table. */

#include "http/route.h"
#include "strbuf.h"

struct route_match {
	const struct route *route;
	const char *params[REQUEST_PARAMS_MAX]; /* in `buf`; NULL beyond the pattern's */
	char *buf;				/* free it */
};

/*
 * Literal segments are compared as they came, so that only one spelling of a path reaches a
 * handler; parameters are decoded. HEAD finds GET. ERR_NOT_FOUND: no such path. ERR_INVALID: a
 * parameter that does not decode. When only the method is wrong: 1, and *ret_allow gets a list for
 * the Allow header.
 */
NODISCARD int route_match(const struct route *table, size_t n_routes, const char *method,
			  const char *path, size_t path_len, struct route_match *ret,
			  struct strbuf *ret_allow, struct err *e);
