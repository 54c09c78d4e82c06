#pragma once

/* application/x-www-form-urlencoded bodies (WHATWG URL, 5) from untrusted hands. */

#include "err.h"

#include <stddef.h>

struct request;

/* ERR_UNSUPPORTED unless the body says it is one. */
NODISCARD int form_check_type(const struct request *rq, struct err *e);

/* The first field of that name, decoded into buf. 1 found, 0 absent, -1 ERR_INVALID: too long, a
 * broken escape, a control character, not UTF-8. `name` is looked for as it is. */
NODISCARD int form_field(const char *body, size_t len, const char *name, char *buf, size_t cap,
			 struct err *e);
