#pragma once

/*
 * A file's entity tag (RFC 9110, section 8.8.3): the version that last changed it, as "v12". Equal
 * tags of one path mean equal contents, since versions never change; it says nothing about the
 * contents.
 */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct request;

#define ETAG_BYTES 24

void etag_write(int64_t changed_in, char ret_etag[ETAG_BYTES]);

/* Whether a list as in If-Match or If-None-Match names the tag. `weak`: W/"x" counts as "x". "*" is
 * the caller's to look for. */
bool etag_list_has(const char *list, const char *etag, bool weak);

/* If-Match and If-None-Match of a request that writes; `etag` is the file's, NULL when there is
 * none. ERR_PRECONDITION when one does not hold. */
NODISCARD int etag_check_write(const struct request *rq, const char *etag, struct err *e);

/* True when etag_check_write has something to check. */
bool etag_has_condition(const struct request *rq);
