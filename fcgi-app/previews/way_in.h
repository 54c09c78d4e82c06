#pragma once

/* What tickets and share links have in common: the cookie that shows the router who may look, and
 * where a browser goes with it. */

#include "app.h"
#include "err.h"
#include "grant.h"

#include <stdbool.h>
#include <stdint.h>

#define WAY_IN_S (12 * 3600) /* how long a browser stays let in */

struct request;
struct response;
struct preview_label;

/* Which preview's host a request came to. ERR_NOT_FOUND: none of ours. */
NODISCARD int way_in_label(struct app *app, const struct request *rq, struct preview_label *ret,
			   struct err *e);

/* installation.preview_key */
NODISCARD int way_in_key(struct app *app, unsigned char ret_key[GRANT_KEY_BYTES], struct err *e);

/* Sets the cookie for `seconds` and sends the browser on to `path` (preview_path_ok). */
NODISCARD int way_in_open(struct app *app, struct response *rs, struct grant *g, int64_t seconds,
			  const char *path, struct err *e);

/* 303 to an address made of text that may hold spaces and other bytes a header must not. */
NODISCARD int way_in_redirect(struct response *rs, const char *before, const char *path,
			      struct err *e);

/* Whether the request comes from a frame, which has a cookie jar of its own. */
bool way_in_framed(const struct request *rq);
