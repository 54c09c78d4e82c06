#pragma once

/* What a page says of who may show it in a frame, with the editor let in. Others find what the app
 * said. */

#include "http_head.h"
#include "strbuf.h"

/*
 * Adds a Content-Security-Policy header (or its report-only kind) whose frame-ancestors, in every
 * policy of it, name `editors` (CSP sources, with spaces between them) too. The rest is as it was.
 */
void framing_add_policy(struct strbuf *out, struct http_slice name, struct http_slice value,
			const char *editors);

/* Adds a policy that means what the answer's X-Frame-Options do, unless they mean nothing or a
 * policy of the answer overrides them (CSP 3, section 6.4.2.2). */
void framing_add_options(struct strbuf *out, const struct http_head *answer, const char *editors);
