#include "terminal_request.h"

#include "cleanup.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

struct order_fields {
	const char *type;
	int64_t cols, rows; /* 0: not given */
};

static const char *const order_types[] = {"resize", "close", NULL};

static const struct json_field order_fields[] = {
	{.name = "type",
	 .type = JSON_FIELD_STRING,
	 .required = true,
	 .min = 1,
	 .max = 16,
	 .offset = offsetof(struct order_fields, type),
	 .one_of = order_types},
	{.name = "cols",
	 .type = JSON_FIELD_INT,
	 .min = 1,
	 .max = TERMINAL_SIDE_MAX,
	 .offset = offsetof(struct order_fields, cols)},
	{.name = "rows",
	 .type = JSON_FIELD_INT,
	 .min = 1,
	 .max = TERMINAL_SIDE_MAX,
	 .offset = offsetof(struct order_fields, rows)},
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

int terminal_order_parse(const char *text, size_t len, struct terminal_order *ret, struct err *e)
{
	struct order_fields f = {0};
	auto_json *value = NULL;
	bool resize;

	if (json_parse(text, len, TERMINAL_TEXT_MAX_BYTES, &value, e) < 0) {
		return -1;
	}
	if (!json_is_object(value)) {
		return err_set(e, ERR_INVALID, "a text frame must be a JSON object");
	}
	if (json_read(value, order_fields, ARRAY_LEN(order_fields), &f, e) < 0) {
		return -1;
	}
	resize = strcmp(f.type, "resize") == 0;
	if (resize ? f.cols == 0 || f.rows == 0 : f.cols != 0 || f.rows != 0) {
		return err_set(e, ERR_INVALID, "cols and rows belong to a resize");
	}
	*ret = (struct terminal_order){.type = resize ? TERMINAL_RESIZE : TERMINAL_CLOSE,
				       .cols = (int)f.cols,
				       .rows = (int)f.rows};
	return 0;
}
