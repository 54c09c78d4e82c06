#pragma once

/* What a terminal's client asks for: the query of the call, and its text frames. */

#include "err.h"

#include <stddef.h>

#define TERMINAL_SIDE_MAX	1000
#define TERMINAL_COLS_DEFAULT	80
#define TERMINAL_ROWS_DEFAULT	24
#define TERMINAL_ID_CHARS	32 /* hexadecimal */
#define TERMINAL_TEXT_MAX_BYTES 1024

struct terminal_request {
	int cols, rows;
	char session[TERMINAL_ID_CHARS + 1]; /* "": a new one; so is what cannot be an id */
};

/* Fields it does not know are left alone. ERR_INVALID when a size is not 1 to 1000. */
NODISCARD int terminal_request_parse(const char *query, struct terminal_request *ret,
				     struct err *e);

/* {"type": "resize", "cols", "rows"}, the one text that means something. */
NODISCARD int terminal_request_resize(const char *text, size_t len, int *ret_cols, int *ret_rows,
				      struct err *e);
