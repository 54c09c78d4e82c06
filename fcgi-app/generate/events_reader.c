#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "generate/handlers.h"
#include "log.h"
#include "sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WATCH_MS	20000
#define ANSWER_SLACK_MS 1000 /* kept free of the request's deadline */
#define LOOK_MS		1000 /* how long a client that went away holds a worker */
#define PAGE_EVENTS	200
#define PAGE_MAX_BYTES	(256 * 1024 * 1024)
#define SEQ_MAX		INT32_MAX

struct watch {
	struct app *app;
	struct request *rq;
	struct response *rs;
	const char *project_id, *id;
	int64_t after; /* the last event the client has */
	bool resuming; /* by Last-Event-ID: it is an EventSource that comes back */
	bool finished; /* no more events will come than are stored */
};

static int parse_seq(const char *text, int64_t *ret_seq, struct err *e)
{
	char *end;
	long long seq = strtoll(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || seq > SEQ_MAX) {
		return err_set(e, ERR_INVALID,
			       "Last-Event-ID and after are the number of an event");
	}
	*ret_seq = seq;
	return 0;
}

static int read_position(struct watch *w, struct err *e)
{
	const char *header = request_header(w->rq, "Last-Event-ID");
	char after[16];
	int found;

	if (header && header[0]) {
		w->resuming = true;
		return parse_seq(header, &w->after, e);
	}
	found = request_query(w->rq, "after", after, sizeof(after), e);
	if (found <= 0) {
		return found;
	}
	return parse_seq(after, &w->after, e);
}

/* Asked before the events are read: what a finished generation has is then all there is. Its row
 * says that it has ended a moment before its last events are stored. */
static int read_state(struct watch *w, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(w->app->db,
		     "SELECT g.state <> 'running'"
		     " AND (coalesce(g.finished_at, '-infinity') < now() - interval '10 seconds'"
		     "  OR EXISTS (SELECT FROM generation_events e"
		     "   WHERE e.generation_id = g.id AND e.type = 'done'))"
		     " FROM generations g JOIN projects p ON p.id = g.project_id"
		     " WHERE g.id = $1 AND p.id = $2 AND p.user_id = $3 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(w->id), db_text(w->project_id), db_text(w->rq->user.id)), &r,
		     e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such generation");
	}
	w->finished = db_get_bool(r, 0, 0);
	return 0;
}

/* "done" is the last event, whether the row says so yet or not. */
static int send_rows(struct watch *w, const struct db_result *r, struct err *e)
{
	auto_strbuf out;

	strbuf_init(&out, PAGE_MAX_BYTES);
	for (size_t i = 0; i < db_rows(r); i++) {
		w->after = db_get_int(r, i, 0);
		sse_write(&out, w->after, db_get(r, i, 1), db_get(r, i, 2));
		if (!strcmp(db_get(r, i, 1), "done")) {
			w->finished = true;
		}
	}
	if (strbuf_check(&out, "a page of events", e)) {
		return -1;
	}
	if (!response_stream_write(w->rs, out.data, out.len)) {
		return err_set(e, ERR_CANCELLED, "the client went away");
	}
	return 0;
}

static int begin(struct watch *w, struct err *e)
{
	static const char retry[] = "retry: 500\n\n";

	if (response_started(w->rs)) {
		return 0;
	}
	if (response_stream_begin(w->rs, "text/event-stream; charset=utf-8", e)) {
		return -1;
	}
	response_stream_write(w->rs, retry, sizeof(retry) - 1);
	return 0;
}

/* All that is stored. An EventSource that comes back for nothing more is told to stop: 204 (WHATWG
 * HTML, 9.2.3). */
static int send_stored(struct watch *w, struct err *e)
{
	size_t rows;

	if (read_state(w, e)) {
		return -1;
	}
	do {
		auto_db_result r = NULL;

		if (db_query(
			    w->app->db,
			    "SELECT seq, type, data FROM generation_events"
			    " WHERE generation_id = $1 AND seq > $2::integer ORDER BY seq LIMIT $3",
			    DB_ARGS(db_text(w->id), db_int(w->after), db_int(PAGE_EVENTS)), &r,
			    e)) {
			return -1;
		}
		rows = db_rows(r);
		if (rows == 0 && w->finished && w->resuming && !response_started(w->rs)) {
			return response_empty(w->rs, 204, e);
		}
		if (begin(w, e) || (rows > 0 && send_rows(w, r, e))) {
			return -1;
		}
	} while (rows == PAGE_EVENTS);
	return 0;
}

/* 1: there may be more of this generation, 0: the time is over or the client gone. */
static int wait_for_more(struct watch *w, int64_t deadline_ms, struct err *e)
{
	char payload[UUID_TEXT_BYTES];
	int64_t now_ms = clock_mono_ms();

	while (now_ms < deadline_ms && !response_client_gone(w->rs)) {
		int64_t look_ms = now_ms + LOOK_MS;
		int got = db_wait(w->app->db, look_ms < deadline_ms ? look_ms : deadline_ms,
				  payload, sizeof(payload), e);

		if (got < 0) {
			return -1;
		}
		if (got > 0 && !strcasecmp(payload, w->id)) {
			return 1;
		}
		now_ms = clock_mono_ms();
	}
	return 0;
}

static int watch(struct watch *w, struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + WATCH_MS;
	int more = 1;

	if (deadline_ms > w->rq->deadline_ms - ANSWER_SLACK_MS) {
		deadline_ms = w->rq->deadline_ms - ANSWER_SLACK_MS;
	}
	while (more > 0) {
		if (send_stored(w, e)) {
			return -1;
		}
		more = w->finished ? 0 : wait_for_more(w, deadline_ms, e);
	}
	return more;
}

int generation_events_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct watch w = {.app = app, .rq = rq, .rs = rs};
	struct err unlisten;
	int rc;

	/* Listening before reading: nothing falls between the two. */
	if (request_uuid(rq, 0, &w.project_id, e) || request_uuid(rq, 1, &w.id, e) ||
	    read_position(&w, e) || read_state(&w, e) || db_listen(app->db, "generation", e)) {
		return -1;
	}
	rc = watch(&w, e);
	if (db_unlisten(app->db, &unlisten)) {
		log_err(LOG_WARN, "unlisten_failed", &unlisten);
	}
	if (rc && response_started(rs)) {
		/* The stream just ends: the client comes back with the id of its last event. */
		log_err(e->kind == ERR_CANCELLED ? LOG_DEBUG : LOG_WARN, "watch_ended", e);
		return 0;
	}
	return rc;
}
