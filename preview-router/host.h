#pragma once

/* Host names of previews: {slug}.{preview domain} and {port}--{slug}.{preview domain}. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_SLUG_BYTES 64 /* one DNS label and a NUL */

struct host {
	char slug[HOST_SLUG_BYTES]; /* lower case */
	size_t slug_len;
	uint16_t inner_port; /* 0: the main one */
};

/* `text` is a Host header, maybe with a port and in any case; `domain` is lower case without a dot
 * at its end. False: it is no preview's name. */
bool host_parse(const char *text, size_t len, const char *domain, struct host *ret);
