#include "route_row.h"

#include "app.h"
#include "cleanup.h"
#include "db.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum app_state state;
} state_names[] = {
	{"stopped", APP_STOPPED},   {"starting", APP_STARTING}, {"running", APP_RUNNING},
	{"stopping", APP_STOPPING}, {"failed", APP_FAILED},
};

static enum app_state state_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (strcmp(name, state_names[i].name) == 0) {
			return state_names[i].state;
		}
	}
	return APP_STOPPED;
}

/* "id expiry id expiry …"; '-' is never. */
static int read_shares(const char *text, struct app *row, struct err *e)
{
	size_t n = text[0] ? 1 : 0;

	for (const char *p = text; *p; p++) {
		n += *p == ' ';
	}
	n /= 2;
	row->shares = n > 0 ? calloc(n, sizeof(*row->shares)) : NULL;
	if (n > 0 && !row->shares) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (; row->n_shares < n; row->n_shares++) {
		struct app_share *s = &row->shares[row->n_shares];

		utf8_copy(s->id, sizeof(s->id), text);
		text += strcspn(text, " ");
		text += *text == ' ';
		s->expires_s = *text == '-' ? INT64_MAX : strtoll(text, NULL, 10);
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return 0;
}

int route_row_read(const struct db_result *r, size_t i, struct app *row, struct err *e)
{
	utf8_copy(row->project_id, sizeof(row->project_id), db_get(r, i, 0));
	utf8_copy(row->user_id, sizeof(row->user_id), db_get(r, i, 1));
	utf8_copy(row->slug, sizeof(row->slug), db_get(r, i, 2));
	row->is_public = db_get_bool(r, i, 3);
	row->app_stopped = db_get_bool(r, i, 4);
	row->has_files = db_get_bool(r, i, 5);
	row->state = state_of(db_get(r, i, 6));
	utf8_copy(row->phase, sizeof(row->phase), db_get(r, i, 7));
	utf8_copy(row->error, sizeof(row->error), db_get(r, i, 8));
	row->port = (uint16_t)db_get_int(r, i, 9);
	utf8_copy(row->secret, sizeof(row->secret), db_get(r, i, 10));
	return read_shares(db_get(r, i, 11), row, e);
}
