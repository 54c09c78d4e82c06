#include "generate/history.h"

#include "cleanup.h"
#include "db.h"
#include "generate/context.h"
#include "generate/turn.h"
#include "json.h"
#include "model/reply.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_MAX	100
#define REPLY_MAX_CHARS (1024 * 1024) /* of one message; files in it count */
#define EVENT_MAX_BYTES (1024 * 1024)

/* As much of it as fits, cut between characters. */
static void add_cut(struct strbuf *out, const char *text, size_t len)
{
	size_t room = out->max - out->len;
	size_t n = len < room ? len : room;

	strbuf_add(out, text, n - utf8_incomplete_tail(text, n));
}

/* A reply without the contents of its files. */
static int condense(void *ctx, const struct reply_event *event, struct err *e)
{
	struct strbuf *out = ctx;

	(void)e;
	switch (event->type) {
	case REPLY_PROSE:
		add_cut(out, event->data, event->len);
		break;
	case REPLY_FILE_END:
		strbuf_addf(out, "(wrote %s)\n", event->path);
		break;
	case REPLY_DELETE:
		strbuf_addf(out, "(deleted %s)\n", event->path);
		break;
	case REPLY_FILE_BEGIN:
	case REPLY_FILE_DATA:
	case REPLY_FILE_CUT:
	case REPLY_FILE_REFUSED:
		break;
	}
	return 0; /* what does not fit is left out */
}

static int condensed(const char *content, char **ret_text, struct err *e)
{
	struct strbuf out;
	struct reply_parser parser;
	int rc;

	strbuf_init(&out, CONTEXT_MESSAGE_MAX_BYTES);
	reply_parser_init(&parser, condense, &out);
	rc = reply_parser_feed(&parser, content, strlen(content), e);
	if (rc == 0) {
		rc = reply_parser_end(&parser, e);
	}
	reply_parser_fini(&parser);
	if (rc == 0) {
		*ret_text = strbuf_steal(&out);
	}
	strbuf_fini(&out);
	return rc;
}

static char *shortened(const char *content)
{
	auto_strbuf out = {0};

	strbuf_init(&out, CONTEXT_MESSAGE_MAX_BYTES);
	add_cut(&out, content, strlen(content));
	return strbuf_steal(&out);
}

int history_messages(struct context *c, struct turn *t, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(t->app->db,
		     "SELECT role, content FROM (SELECT role, left(content, $4) AS content,"
		     " created_at, id FROM messages WHERE project_id = $1"
		     " AND generation_id IS DISTINCT FROM $2::uuid"
		     " ORDER BY created_at DESC, id DESC LIMIT $3) AS m ORDER BY created_at, id",
		     DB_ARGS(db_text(t->project_id), db_text(t->id), db_int(CONTEXT_MESSAGES_MAX),
			     db_int(REPLY_MAX_CHARS)),
		     &r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r) && i < CONTEXT_MESSAGES_MAX; i++) {
		bool by_model = strcmp(db_get(r, i, 0), "assistant") == 0;

		if (by_model && condensed(db_get(r, i, 1), &c->contents[i], e) < 0) {
			return -1;
		}
		if (!by_model) {
			c->contents[i] = shortened(db_get(r, i, 1));
		}
		if (!c->contents[i]) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
		if (c->contents[i][0]) {
			context_add(c, by_model ? "assistant" : "user", c->contents[i]);
		}
	}
	return 0;
}

/* What a program printed, with its NULs as spaces: a prompt is text. */
static void add_printed(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		strbuf_addc(out, text[i] ? text[i] : ' ');
	}
}

/* One `output` or `step` event of that run or start, in words. The events are our own: json_parse's
 * limits are for strangers' JSON, and it takes no NUL. */
static void add_event(struct strbuf *out, const char *type, const char *text)
{
	auto_json *data = json_loads(text, JSON_ALLOW_NUL, NULL);
	const char *state;

	if (strcmp(type, "output") == 0) {
		const json_t *words = json_object_get(data, "data");

		add_printed(out, json_string_value(words), json_string_length(words));
		return;
	}
	state = json_string_value(json_object_get(data, "state"));
	if (state && strcmp(state, "started") != 0) {
		auto_free char *end = NULL;

		(void)json_object_del(data, "at"); /* tells a model nothing */
		end = json_text(data);
		strbuf_addf(out, "\n(how it ended: %s)\n", end ? end : state);
	}
}

int history_last_run(struct turn *t, struct strbuf *out, struct err *e)
{
	auto_db_result r = NULL;
	auto_strbuf all = {0};
	size_t skip;

	if (db_query(t->app->db,
		     "SELECT type, data FROM (SELECT e.seq, e.type, e.data FROM generation_events e"
		     " WHERE e.type IN ('output', 'step') AND e.generation_id = ("
		     "  SELECT g.id FROM generations g WHERE g.project_id = $1 AND g.id <> $2"
		     "  AND EXISTS (SELECT FROM generation_events s WHERE s.generation_id = g.id"
		     "  AND s.type = 'step' AND s.data::jsonb ->> 'name'"
		     "  IN ('run', 'install', 'start', 'check'))"
		     "  ORDER BY g.started_at DESC, g.id LIMIT 1)"
		     " ORDER BY e.seq DESC LIMIT $3) AS last ORDER BY seq",
		     DB_ARGS(db_text(t->project_id), db_text(t->id), db_int(EVENTS_MAX)), &r,
		     e) < 0) {
		return -1;
	}
	strbuf_init(&all, EVENTS_MAX * (size_t)EVENT_MAX_BYTES);
	for (size_t i = 0; i < db_rows(r); i++) {
		add_event(&all, db_get(r, i, 0), db_get(r, i, 1));
	}
	if (all.len == 0) {
		strbuf_adds(out, "(nothing has been run yet)\n");
		return strbuf_check(out, "the last run's output", e);
	}
	/* The end of it says most: errors come last. */
	skip = all.len > CONTEXT_RUN_MAX_BYTES ? all.len - CONTEXT_RUN_MAX_BYTES : 0;
	while (skip > 0 && skip < all.len && ((unsigned char)all.data[skip] & 0xc0) == 0x80) {
		skip++;
	}
	strbuf_addf(out, "%s%s", skip ? "(its beginning is left out)\n" : "", all.data + skip);
	return strbuf_check(out, "the last run's output", e);
}
