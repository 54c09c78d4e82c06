#pragma once

/* Request targets (RFC 3986) from untrusted hands. */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define URI_MAX_BYTES 4096

/*
 * Decodes %XX of in[0..len) into buf and ends it with a NUL. ERR_INVALID for a broken escape, NUL,
 * control characters, what is not UTF-8 afterwards, and what does not fit into cap bytes.
 */
enum uri_part {
	URI_SEGMENT, /* a slash must not hide in an escape */
	URI_QUERY,   /* '+' is a space */
};
NODISCARD int uri_decode(enum uri_part part, const char *in, size_t len, char *buf, size_t cap,
			 struct err *e);

/* Length of the path of "/path?query", and where the query begins ("" when there is none).
 * ERR_INVALID unless it begins with a slash and holds only visible characters and no '#'. */
NODISCARD int uri_split(const char *target, size_t *ret_path_len, const char **ret_query,
			struct err *e);

/* Finds `name` in "a=1&b=2" and decodes its value. 1 found, 0 absent, -1 ERR_INVALID. */
NODISCARD int uri_query_get(const char *query, const char *name, char *buf, size_t cap,
			    struct err *e);
