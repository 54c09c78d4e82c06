#include "generate/reply_sink.h"

#include "json.h"
#include "model/placeholder.h"
#include "path.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

static reply_event_fn on_event;

void reply_sink_init(struct reply_sink *s, struct turn *t, const struct context *c,
		     struct file_set *files, bool only_refused)
{
	*s = (struct reply_sink){
		.turn = t,
		.context = c,
		.files = files,
		.only_refused = only_refused,
	};
	reply_parser_init(&s->parser, on_event, s);
	strbuf_init(&s->body, REPLY_FILE_MAX_BYTES);
	if (t->reply.len > 0) {
		strbuf_adds(&t->reply, "\n\n");
	}
	s->reply_at = t->reply.len;
}

void reply_sink_fini(struct reply_sink *s)
{
	reply_parser_fini(&s->parser);
	strbuf_fini(&s->body);
}

/* `path` and `reason` may hold half a character at their end, where they were cut. */
static int emit_file(struct reply_sink *s, const char *path, const char *state, int64_t bytes,
		     const char *reason, struct err *e)
{
	size_t path_len = strlen(path);
	size_t reason_len = strlen(reason);
	json_t *data;

	path_len -= utf8_incomplete_tail(path, path_len);
	reason_len -= utf8_incomplete_tail(reason, reason_len);
	data = json_pack("{s:s%,s:s,s:I}", "path", path, path_len, "state", state, "bytes",
			 (json_int_t)bytes);
	if (data && reason_len > 0 &&
	    json_object_set_new(data, "reason", json_stringn(reason, reason_len)) < 0) {
		json_decref(data);
		data = NULL;
	}
	return turn_emit(s->turn, "file", data, e);
}

/* Refused for good, or (`again`) for a reason that the model may mend. */
static int refuse(struct reply_sink *s, const char *path, const char *reason, bool again,
		  struct err *e)
{
	s->body_open = false;
	if (again && file_set_put(s->files, path, FILE_REFUSED, NULL, 0, reason, e) < 0) {
		return -1;
	}
	return emit_file(s, path, "refused", 0, reason, e);
}

/* Why this path may not be touched at all, or NULL. */
static const char *forbidden(const struct reply_sink *s, const char *path)
{
	const struct set_file *f;

	if (s->turn->mode == MODEL_EXPLAIN) {
		return "explain changes no files";
	}
	if (path_has_component(path, PATH_NEVER_STORED)) {
		return "packages are installed, not written: " PATH_NEVER_STORED " is never stored";
	}
	if (!s->only_refused) {
		return NULL;
	}
	f = file_set_find(s->files, path);
	return f && f->fate == FILE_REFUSED ? NULL : "it was not asked for again";
}

static int begin_file(struct reply_sink *s, const char *path, struct err *e)
{
	const char *why = forbidden(s, path);

	if (why) {
		return refuse(s, path, why, false, e);
	}
	s->body_open = true;
	strbuf_reset(&s->body);
	return emit_file(s, path, "writing", 0, "", e);
}

static int add_data(struct reply_sink *s, const char *path, const char *data, size_t len,
		    struct err *e)
{
	if (!s->body_open) {
		return 0;
	}
	strbuf_add(&s->body, data, len);
	if (strbuf_check(&s->body, "a file", e) < 0) {
		return -1;
	}
	return turn_text(s->turn, DELTA_FILE, path, data, len, (int64_t)s->body.len, e);
}

/* A whole file: taken, unless something was left out of it. */
static int take_file(struct reply_sink *s, const char *path, const char *text, size_t len,
		     struct err *e)
{
	struct placeholder hole;
	char reason[200];

	reply_strip_fence(path, &text, &len);
	if (placeholder_find(path, text, len, &hole)) {
		snprintf(reason, sizeof(reason), "line %zu leaves code out: %s", hole.line,
			 hole.text);
		return refuse(s, path, reason, true, e);
	}
	if (file_set_put(s->files, path, FILE_WRITTEN, text, len, "", e) < 0) {
		return -1;
	}
	return emit_file(s, path, "written", (int64_t)len, "", e);
}

static int end_file(struct reply_sink *s, const char *path, struct err *e)
{
	if (!s->body_open) {
		return 0;
	}
	s->body_open = false;
	return take_file(s, path, s->body.data, s->body.len, e);
}

static int delete_file(struct reply_sink *s, const char *path, struct err *e)
{
	const char *why = forbidden(s, path);

	if (!why && !context_has_file(s->context, path) && !file_set_find(s->files, path)) {
		why = "there is no such file";
	}
	if (why) {
		return refuse(s, path, why, false, e);
	}
	if (file_set_put(s->files, path, FILE_DELETED, NULL, 0, "", e) < 0) {
		return -1;
	}
	return emit_file(s, path, "deleted", 0, "", e);
}

static int on_event(void *ctx, const struct reply_event *event, struct err *e)
{
	struct reply_sink *s = ctx;

	s->tags_seen = s->tags_seen || event->type != REPLY_PROSE;
	switch (event->type) {
	case REPLY_PROSE:
		return turn_text(s->turn, DELTA_MESSAGE, "", event->data, event->len, 0, e);
	case REPLY_FILE_BEGIN:
		return begin_file(s, event->path, e);
	case REPLY_FILE_DATA:
		return add_data(s, event->path, event->data, event->len, e);
	case REPLY_FILE_END:
		return end_file(s, event->path, e);
	case REPLY_FILE_CUT:
		return s->body_open ? refuse(s, event->path, event->reason, true, e) : 0;
	case REPLY_FILE_REFUSED:
		return refuse(s, event->path, event->reason, false, e);
	case REPLY_DELETE:
		return delete_file(s, event->path, e);
	}
	return err_set(e, ERR_INTERNAL, "reply event %d", (int)event->type);
}

int reply_sink_text(void *ctx, const char *text, size_t len, struct err *e)
{
	struct reply_sink *s = ctx;

	strbuf_add(&s->turn->reply, text, len);
	if (strbuf_check(&s->turn->reply, "the model's reply", e) < 0) {
		return -1;
	}
	return reply_parser_feed(&s->parser, text, len, e);
}

int reply_sink_tick(void *ctx, struct err *e)
{
	struct reply_sink *s = ctx;

	return turn_tick(s->turn, e);
}

/* A small model's answer without tags: its one code block is the program. */
static int take_fenced(struct reply_sink *s, struct err *e)
{
	const char *reply = s->turn->reply.data + s->reply_at;
	const char *code;
	size_t len;

	if (s->turn->mode != MODEL_BUILD || s->tags_seen || s->only_refused ||
	    !reply_fenced_code(reply, s->turn->reply.len - s->reply_at, &code, &len)) {
		return 0;
	}
	return take_file(s, "index.js", code, len, e);
}

int reply_sink_end(struct reply_sink *s, struct err *e)
{
	if (reply_parser_end(&s->parser, e) < 0) {
		return -1;
	}
	return take_fenced(s, e);
}
