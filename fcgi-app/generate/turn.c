#include "generate/turn.h"

#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "generate/file_counts.h"
#include "http/problem.h"
#include "http/response.h"
#include "json.h"
#include "log.h"
#include "sse.h"

#include <stdio.h>
#include <string.h>

int turn_start(struct turn *t, struct err *e)
{
	uuid_new(t->id);
	if (db_query(t->app->db,
		     "WITH g AS (INSERT INTO generations"
		     " (id, project_id, user_id, mode, provider, model, prompt, base_version)"
		     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id)"
		     " INSERT INTO messages (project_id, generation_id, role, content)"
		     " SELECT $2, id, 'user', $7 FROM g",
		     DB_ARGS(db_text(t->id), db_text(t->project_id), db_text(t->rq->user.id),
			     db_text(t->mode_name), db_text(t->choice.provider->name),
			     db_text(t->choice.model), db_text(t->prompt), db_int(t->base_version)),
		     NULL, e) == 0) {
		return 0;
	}
	if (e->kind == ERR_CONFLICT &&
	    strcmp(db_constraint(t->app->db), "generations_one_running") == 0) {
		return err_set(e, ERR_CONFLICT,
			       "a generation is running in this project: wait for its end or "
			       "cancel it");
	}
	return -1;
}

int turn_open(struct turn *t, struct response *rs, struct err *e)
{
	strbuf_init(&t->delta.text, TURN_DELTA_MAX_BYTES);
	strbuf_init(&t->reply,
		    2 * (size_t)config_int(t->app->config, CFG_MODEL_REPLY_MAX_BYTES) + 16);
	t->usage = (struct model_usage){-1, -1};
	event_log_open(&t->log, t->app, t->id, rs);
	if (summary_init(&t->summary, e) < 0) {
		return -1;
	}
	return turn_emit(t, "generation",
			 json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "id", t->id, "project_id",
				   t->project_id, "mode", t->mode_name, "provider",
				   t->choice.provider->name, "model", t->choice.model, "state",
				   "running", "base_version", (json_int_t)t->base_version),
			 e);
}

void turn_fini(struct turn *t)
{
	event_log_fini(&t->log);
	summary_fini(&t->summary);
	strbuf_fini(&t->delta.text);
	strbuf_fini(&t->reply);
}

static json_t *delta_json(const struct delta *d, const char **ret_type)
{
	switch (d->kind) {
	case DELTA_NONE:
		break;
	case DELTA_MESSAGE:
		*ret_type = "message";
		return json_pack("{s:s%}", "delta", d->text.data, d->text.len);
	case DELTA_FILE:
		*ret_type = "file";
		return json_pack("{s:s,s:s,s:I,s:s%}", "path", d->key, "state", "writing", "bytes",
				 (json_int_t)d->file_bytes, "delta", d->text.data, d->text.len);
	case DELTA_OUTPUT:
		*ret_type = "output";
		return json_pack("{s:s,s:s%}", "stream", d->key, "data", d->text.data, d->text.len);
	case DELTA_INSTALL:
	case DELTA_APP:
		*ret_type = "output";
		return json_pack("{s:s,s:s,s:s%}", "stream", d->key, "source",
				 d->kind == DELTA_APP ? "app" : "install", "data", d->text.data,
				 d->text.len);
	}
	return NULL;
}

/* Steps come one after the other. */
static int stamp_step(struct turn *t, json_t *step)
{
	const char *state = json_string_value(json_object_get(step, "state"));
	int64_t now = clock_mono_ms();

	if (state && strcmp(state, "started") == 0) {
		t->step_ms = now;
	} else if (state && strcmp(state, "queued") != 0 && t->step_ms > 0) {
		if (!json_object_get(step, "duration_ms") &&
		    json_object_set_new(step, "duration_ms", json_integer(now - t->step_ms)) < 0) {
			return -1;
		}
		t->step_ms = 0;
	}
	return json_object_set_new(step, "at", json_integer(clock_unix_ms()));
}

/* `data` is stolen. */
static int add_event(struct turn *t, const char *type, json_t *data, struct err *e)
{
	if (data && strcmp(type, "step") == 0 && stamp_step(t, data) < 0) {
		json_decref(data);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (data && summary_add(&t->summary, type, data, e) < 0) {
		json_decref(data);
		return -1;
	}
	return event_log_add(&t->log, type, data, e);
}

static int flush_delta(struct turn *t, struct err *e)
{
	const char *type = "";
	json_t *data;

	if (t->delta.kind == DELTA_NONE || t->delta.text.len == 0) {
		return 0;
	}
	data = delta_json(&t->delta, &type);
	strbuf_reset(&t->delta.text);
	t->delta.kind = DELTA_NONE;
	t->delta.sent_ms = clock_mono_ms();
	return add_event(t, type, data, e);
}

int turn_emit(struct turn *t, const char *type, json_t *data, struct err *e)
{
	if (flush_delta(t, e) < 0) {
		json_decref(data);
		return -1;
	}
	return add_event(t, type, data, e);
}

static bool delta_is_due(const struct delta *d)
{
	return d->text.len >= TURN_DELTA_BYTES || clock_mono_ms() - d->sent_ms >= TURN_DELTA_MS;
}

int turn_text(struct turn *t, enum delta_kind kind, const char *key, const char *text, size_t len,
	      int64_t file_bytes, struct err *e)
{
	struct delta *d = &t->delta;

	if ((d->kind != kind || strcmp(d->key, key) != 0 ||
	     d->text.len + len > TURN_DELTA_MAX_BYTES / 2) &&
	    flush_delta(t, e) < 0) {
		return -1;
	}
	d->kind = kind;
	snprintf(d->key, sizeof(d->key), "%s", key);
	d->file_bytes = file_bytes;
	strbuf_add(&d->text, text, len);
	if (strbuf_check(&d->text, "a piece of text", e) < 0) {
		return -1;
	}
	if (!t->spoken) {
		t->spoken = true;
		return flush_delta(t, e) < 0 ? -1 : event_log_flush(&t->log, e);
	}
	return delta_is_due(d) ? flush_delta(t, e) : 0;
}

/* A heartbeat need not survive a crash, so it does not wait for the disk. */
static int beat(struct turn *t, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(t->app->db,
		     "UPDATE generations SET heartbeat_at = now()"
		     " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS m"
		     " WHERE id = $1 AND state = 'running' RETURNING cancel_requested",
		     DB_ARGS(db_text(t->id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_CANCELLED, "the generation was ended from outside");
	}
	return db_get_bool(r, 0, 0) ? err_set(e, ERR_CANCELLED, "the generation was cancelled") : 0;
}

/* A comment, when nothing else has gone out for a while. */
static void ping(struct turn *t, int64_t now)
{
	int64_t last = t->log.flushed_ms > t->pinged_ms ? t->log.flushed_ms : t->pinged_ms;

	if (t->log.live && now - last >= TURN_PING_MS) {
		t->pinged_ms = now;
		(void)response_stream_write(t->log.live, ":\n\n", 3);
	}
}

int turn_tick(struct turn *t, struct err *e)
{
	int64_t now = clock_mono_ms();

	if ((delta_is_due(&t->delta) && flush_delta(t, e) < 0) || event_log_tick(&t->log, e) < 0) {
		return -1;
	}
	if (now >= t->rq->deadline_ms) {
		return err_set(e, ERR_TIMEOUT, "the generation took longer than it may");
	}
	ping(t, now);
	if (now < t->next_beat_ms) {
		return 0;
	}
	t->next_beat_ms = now + TURN_BEAT_MS;
	return beat(t, e);
}

int turn_beat(struct turn *t, struct err *e)
{
	t->next_beat_ms = 0;
	return turn_tick(t, e);
}

static const char *end_state(const struct err *failure)
{
	if (!failure) {
		return "done";
	}
	return failure->kind == ERR_CANCELLED ? "cancelled" : "failed";
}

static struct db_param int_or_null(int64_t v, int64_t null_value)
{
	return v == null_value ? db_null() : db_int(v);
}

static int store_reply(struct turn *t, struct err *e)
{
	if (t->reply.len == 0) {
		return 0;
	}
	return db_query(t->app->db,
			"INSERT INTO messages (project_id, generation_id, role, content)"
			" VALUES ($1, $2, 'assistant', $3)",
			DB_ARGS(db_text(t->project_id), db_text(t->id), db_text(t->reply.data)),
			NULL, e);
}

/* Without the counts it is still worth having. */
static void count_lines(struct turn *t)
{
	struct err e;

	if (t->version > 0 && file_counts_add(&t->summary, t->app->db, t->project_id,
					      t->base_version, t->version, &e) < 0) {
		log_err(LOG_WARN, "lines_not_counted", &e);
	}
}

static int store_end(struct turn *t, const char *state, const json_t *problem, struct err *e)
{
	auto_free char *text = problem ? json_text(problem) : NULL;
	auto_free char *summary = NULL;

	count_lines(t);
	summary = summary_text(&t->summary); /* NULL: the janitor's to make */
	return db_query(t->app->db,
			"UPDATE generations SET state = $2, version = $3, error = $4::jsonb,"
			" prompt_tokens = $5, completion_tokens = $6, reply = nullif($7, ''),"
			" summary = $8, result = $9, finished_at = now()"
			" WHERE id = $1 AND state = 'running'",
			DB_ARGS(db_text(t->id), db_text(state), int_or_null(t->version, 0),
				db_text(text), int_or_null(t->usage.prompt_tokens, -1),
				int_or_null(t->usage.completion_tokens, -1),
				db_text(t->summary.reply.data), db_text(summary),
				db_text(summary_result(&t->summary))),
			NULL, e);
}

static int send_end(struct turn *t, const char *state, json_t *problem, struct err *e)
{
	if (problem && turn_emit(t, "error", json_incref(problem), e) < 0) {
		return -1;
	}
	return turn_emit(t, "done",
			 json_pack("{s:s,s:o}", "state", state, "version",
				   t->version ? json_integer(t->version) : json_null()),
			 e);
}

/* The end could not be stored, so it is no event of the log: told without an id to whoever watches.
 */
static void tell_unstored(struct turn *t, const struct err *e)
{
	struct problem p;
	auto_json *problem = NULL;
	auto_free char *text = NULL;
	auto_strbuf sse = {0};

	log_err(LOG_ERROR, "generation_end_not_stored", e);
	problem_of(e, &p);
	problem = problem_json(&p, t->rq->id);
	text = problem ? json_text(problem) : NULL;
	strbuf_init(&sse, 64 * 1024);
	if (text && t->log.live && sse_write(&sse, -1, "error", text) == 0) {
		(void)response_stream_write(t->log.live, sse.data, sse.len);
	}
}

/* Sends what is pending; a file that the turn was in the middle of is none. */
static int end_files(struct turn *t, struct err *e)
{
	json_t *data;
	int rc = flush_delta(t, e);

	while (rc == 0 && (data = summary_unfinished(&t->summary))) {
		rc = turn_emit(t, "file", data, e);
	}
	return rc;
}

void turn_finish(struct turn *t, const struct err *failure)
{
	const char *state = end_state(failure);
	auto_json *problem = NULL;
	struct err e;

	if (failure && failure->kind != ERR_CANCELLED) {
		struct problem p;

		problem_of(failure, &p);
		problem = problem_json(&p, t->rq->id);
		log_err(LOG_WARN, "generation_failed", failure);
	}
	if (end_files(t, &e) < 0 || store_reply(t, &e) < 0 ||
	    store_end(t, state, problem, &e) < 0 || send_end(t, state, problem, &e) < 0) {
		tell_unstored(t, &e);
		return;
	}
	log_info("generation_ended", "{s:s,s:s,s:I}", "generation_id", t->id, "state", state,
		 "version", (json_int_t)t->version);
}
