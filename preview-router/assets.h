#pragma once

/* The live page's own files, in the program. */

#include <stddef.h>

struct asset {
	const char *path; /* beneath /.slipway/ */
	const char *content_type;
	const char *bytes;
	size_t len;
};

const struct asset *asset_find(const char *path, size_t len);
