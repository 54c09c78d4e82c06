#pragma once

/* Files for browsers, in the program. */

#include <stdbool.h>
#include <stddef.h>

struct asset {
	const char *path; /* beneath /.slipway/ */
	bool for_owner;	  /* what the editor's frame loads (inspect.h) */
	const char *content_type;
	const char *bytes;
	size_t len;
};

const struct asset *asset_find(const char *path, size_t len);
