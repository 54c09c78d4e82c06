#pragma once

/* Our script's tag in a page of the app, on its way to the editor's frame (docs/ARCHITECTURE.md,
 * "Previews": What the editor sees). */

#include "html_scan.h"
#include "http_head.h"
#include "strbuf.h"

#include <stdbool.h>

#define INJECT_TAG "<script src=\"/.slipway/inspect.js\"></script>"

struct inject {
	bool active; /* the place was not found yet */
	struct html_scan scan;
	char held[HTML_SCAN_HELD_MAX]; /* read, not passed on */
};

/* Whether the answer is a page that a browser shows and whose bytes can be added to. */
bool inject_wants(const struct http_head *answer);

void inject_init(struct inject *i);

/* Adds to `out` what goes on to the client now. Once it is no longer active, bytes go on without
 * it. */
void inject_pass(struct inject *i, const char *bytes, size_t len, struct strbuf *out);
void inject_end(struct inject *i, struct strbuf *out);
