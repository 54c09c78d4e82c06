#include "terminal_request.h"

#include "cleanup.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

struct resize_fields {
	const char *type;
	int64_t cols, rows;
};

static const char *const resize_types[] = {"resize", NULL};

static const struct json_field resize_fields[] = {
	{"type", JSON_FIELD_STRING, true, false, 1, 16, offsetof(struct resize_fields, type),
	 resize_types, NULL},
	{"cols", JSON_FIELD_INT, true, false, 1, TERMINAL_SIDE_MAX,
	 offsetof(struct resize_fields, cols), NULL, NULL},
	{"rows", JSON_FIELD_INT, true, false, 1, TERMINAL_SIDE_MAX,
	 offsetof(struct resize_fields, rows), NULL, NULL},
};

static int read_side(const char *name, const char *value, size_t len, int *ret, struct err *e)
{
	long n = strtol(value, NULL, 10);

	if (len == 0 || len > 4 || strspn(value, "0123456789") < len || n < 1 ||
	    n > TERMINAL_SIDE_MAX) {
		return err_set(e, ERR_INVALID, "%s must be 1 to %d", name, TERMINAL_SIDE_MAX);
	}
	*ret = (int)n;
	return 0;
}

int terminal_request_parse(const char *query, struct terminal_request *ret, struct err *e)
{
	struct terminal_request rq = {TERMINAL_COLS_DEFAULT, TERMINAL_ROWS_DEFAULT, ""};

	while (*query) {
		size_t len = strcspn(query, "&");

		if (len >= 5 && strncmp(query, "cols=", 5) == 0) {
			if (read_side("cols", query + 5, len - 5, &rq.cols, e) < 0) {
				return -1;
			}
		} else if (len >= 5 && strncmp(query, "rows=", 5) == 0) {
			if (read_side("rows", query + 5, len - 5, &rq.rows, e) < 0) {
				return -1;
			}
		} else if (len == 8 + TERMINAL_ID_CHARS && strncmp(query, "session=", 8) == 0) {
			memcpy(rq.session, query + 8, TERMINAL_ID_CHARS);
		}
		query += len + (query[len] == '&');
	}
	*ret = rq;
	return 0;
}

int terminal_request_resize(const char *text, size_t len, int *ret_cols, int *ret_rows,
			    struct err *e)
{
	struct resize_fields f = {0};
	auto_json *value = NULL;

	if (json_parse(text, len, TERMINAL_TEXT_MAX_BYTES, &value, e) < 0) {
		return -1;
	}
	if (!json_is_object(value)) {
		return err_set(e, ERR_INVALID, "a text frame must be a JSON object");
	}
	if (json_read(value, resize_fields, ARRAY_LEN(resize_fields), &f, e) < 0) {
		return -1;
	}
	*ret_cols = (int)f.cols;
	*ret_rows = (int)f.rows;
	return 0;
}
