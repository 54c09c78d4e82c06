#pragma once

/* Request targets: percent-decoding and the query. */

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

/* Splits "/path?query" into a decoded path and the raw query, both NUL-terminated in buffers of
 * `cap` bytes. ERR_INVALID on a bad escape, an encoded NUL, or anything but the origin form. */
NODISCARD int target_split(const char *target, size_t len, char *ret_path, char *ret_query,
			   size_t cap, struct err *e);

/* The file mode of "mode=0755" (000 to 0777), or *ret_mode untouched on "". */
NODISCARD int target_mode(const char *query, mode_t *ret_mode, struct err *e);
