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

enum terminal_order_type { TERMINAL_RESIZE, TERMINAL_CLOSE };

struct terminal_order {
	enum terminal_order_type type;
	int cols, rows; /* of a resize */
};

/* A text frame: {"type": "resize", "cols", "rows"} or {"type": "close"}. */
NODISCARD int terminal_order_parse(const char *text, size_t len, struct terminal_order *ret,
				   struct err *e);
