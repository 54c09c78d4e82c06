#pragma once

/* Why an app or an installation failed, in the words of its own output. */

#include "app_log.h"
#include "strbuf.h"

#define APP_ERROR_MAX_BYTES 600

/* Appends the most telling lines of `source` with ids from `from_id` on; nothing when there is
 * none. About APP_ERROR_MAX_BYTES at most. */
void app_error_find(const struct app_log *log, enum app_log_source source, int64_t from_id,
		    struct strbuf *to);

/* Whether a line speaks of something that went wrong. */
bool app_error_is_told(const char *line);

/* How telling a line is: 0 says nothing of what went wrong. For tests. */
int app_error_weight(const char *line);
