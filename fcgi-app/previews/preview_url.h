#pragma once

/*
 * Addresses of previews: `{scheme}://{slug}.{SLIPWAY_PREVIEW_DOMAIN}[:port]`, made and read. A
 * label is what stands before the domain: `{slug}`, or `{port}--{slug}` for a further port of the
 * app.
 */

#include "err.h"

#include <stdbool.h>

struct config;

#define PREVIEW_LABEL_BYTES 64 /* with NUL: one DNS label */
#define PREVIEW_PATH_MAX    2048
#define PREVIEW_PART_BYTES  256 /* of what surrounds a label, with NUL */

/* What surrounds a label: "http://" and ".preview.localhost:8080". The scheme's own port is left
 * out, as browsers do. */
struct preview_base {
	char before[16];
	char after[PREVIEW_PART_BYTES];
};

void preview_base_of(const struct config *config, struct preview_base *ret);

struct preview_label {
	char text[PREVIEW_LABEL_BYTES]; /* lower case */
	const char *slug;		/* into text */
};

/* False unless it is a slug, with or without a port of 1 to 65535 before it. `ret->slug` points
 * into *ret, which must not be copied. */
bool preview_label_parse(const char *text, struct preview_label *ret);

/* The label of a Host header of ours: a label, the domain, and a port or none. */
bool preview_host_parse(const struct config *config, const char *host, struct preview_label *ret);

/* Whether a browser that is sent to this path stays on the same host: one slash first, no
 * backslash, no control character, valid UTF-8, at most PREVIEW_PATH_MAX bytes. */
bool preview_path_ok(const char *path);

/* The editor's own address without a slash at the end: SLIPWAY_PUBLIC_URL or http://localhost:PORT.
 */
void public_url_of(const struct config *config, char ret_url[PREVIEW_PART_BYTES]);
