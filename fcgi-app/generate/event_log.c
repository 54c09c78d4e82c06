#include "generate/event_log.h"

#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "http/response.h"
#include "json.h"
#include "sse.h"

#include <stdio.h>
#include <string.h>

void event_log_open(struct event_log *log, struct app *app, const char *generation_id,
		    struct response *live)
{
	struct err gone;

	*log = (struct event_log){.app = app, .live = live, .next_seq = 1};
	snprintf(log->generation_id, sizeof(log->generation_id), "%s", generation_id);
	strbuf_init(&log->sse, EVENT_BATCH_MAX_BYTES);
	log->flushed_ms = clock_mono_ms() - EVENT_BATCH_MS;
	if (live && response_stream_begin(live, "text/event-stream; charset=utf-8", &gone)) {
		log->live = NULL;
	}
}

void event_log_fini(struct event_log *log)
{
	json_decref(log->pending);
	log->pending = NULL;
	strbuf_fini(&log->sse);
}

/* All of a batch, the announcement and its durability in one round trip. A batch that is sent a
 * second time, because nobody knows whether the first try was stored, changes nothing. */
static int store(struct event_log *log, struct err *e)
{
	static const char sql[] =
		"WITH mode AS (SELECT set_config('synchronous_commit', $3::text, true) AS v),"
		" added AS (INSERT INTO generation_events (generation_id, seq, type, data)"
		"  SELECT $1::uuid, (x->>0)::integer, x->>1, x->>2 FROM "
		"json_array_elements($2::json) x"
		"  ON CONFLICT DO NOTHING)"
		" SELECT mode.v, pg_notify('generation', $1::uuid::text) FROM mode";
	auto_free char *batch = json_text(log->pending);

	if (!batch) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return db_query(log->app->db, sql,
			DB_ARGS(db_text(log->generation_id), db_text(batch),
				db_text(log->durable ? "on" : "off")),
			NULL, e);
}

int event_log_flush(struct event_log *log, struct err *e)
{
	if (!log->pending) {
		return 0;
	}
	if (store(log, e)) {
		return -1;
	}
	if (log->live) {
		response_stream_write(log->live, log->sse.data, log->sse.len);
	}
	json_decref(log->pending);
	log->pending = NULL;
	log->durable = false;
	strbuf_reset(&log->sse);
	log->flushed_ms = clock_mono_ms();
	return 0;
}

int event_log_tick(struct event_log *log, struct err *e)
{
	if (clock_mono_ms() - log->flushed_ms < EVENT_BATCH_MS) {
		return 0;
	}
	return event_log_flush(log, e);
}

static int append(struct event_log *log, const char *type, const char *text, struct err *e)
{
	if (!log->pending) {
		log->pending = json_array();
	}
	if (sse_write(&log->sse, log->next_seq, type, text)) {
		return strbuf_check(&log->sse, "a batch of events", e);
	}
	if (json_array_append_new(log->pending,
				  json_pack("[I,s,s]", (json_int_t)log->next_seq, type, text))) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	log->next_seq++;
	return 0;
}

int event_log_add(struct event_log *log, const char *type, json_t *data, struct err *e)
{
	auto_json *owned = data;
	auto_free char *text = owned ? json_text(owned) : NULL;

	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (append(log, type, text, e)) {
		return -1;
	}
	if (!strcmp(type, "version") || !strcmp(type, "done")) {
		log->durable = true;
		return event_log_flush(log, e);
	}
	if (log->sse.len >= EVENT_BATCH_BYTES) {
		return event_log_flush(log, e);
	}
	return event_log_tick(log, e);
}
