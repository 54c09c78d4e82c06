#pragma once

/* Our cookie (GRANT_COOKIE) and the app's: each side sees its own only. */

#include "http_head.h"
#include "strbuf.h"

/* A Cookie header without ours; nothing when no other is left. */
void cookies_add_to_app(struct strbuf *out, struct http_slice name, struct http_slice value);

/* A Set-Cookie header without its Domain, so that no preview sets cookies for another; nothing when
 * it is named like ours. */
void cookies_add_to_client(struct strbuf *out, struct http_slice name, struct http_slice value);
