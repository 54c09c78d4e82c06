#include "app_logs.h"

#include "app_private.h"
#include "cleanup.h"
#include "sse.h"
#include "strbuf.h"

#include <stdlib.h>
#include <string.h>

#define READERS_MAX 16
#define PING_S	    15

struct log_reader {
	TAILQ_ENTRY(log_reader) link; /* in app->readers */
	struct conn *conn;
	struct event *ping;
	int64_t after; /* id of the last entry sent */
	bool follow;
	bool caught_up; /* the state at the end of the replay was told */
	bool listed;
};

static void send_text(struct log_reader *r, const struct strbuf *text)
{
	const struct conn_piece piece = {text->data, text->len};

	if (!text->failed) {
		conn_add(r->conn, &piece, 1);
	}
}

static void send_event(struct log_reader *r, int64_t id, const char *type, const char *data)
{
	struct strbuf text;

	strbuf_init(&text, 8 * LOG_LINE_MAX_BYTES);
	(void)sse_write(&text, id, type, data);
	send_text(r, &text);
	strbuf_fini(&text);
}

static void send_missed(struct log_reader *r, int64_t missed)
{
	char text[128];
	json_t *data;
	char *json;

	(void)snprintf(text, sizeof(text),
		       "%lld lines are left out here: the log keeps the last %d", (long long)missed,
		       APP_LOG_LINES_MAX);
	data = json_pack("{s:n,s:s,s:s,s:s}", "t", "stream", app_log_stream_name(APP_LOG_SYSTEM),
			 "source", app_log_source_name(APP_LOG_APP), "text", text);
	json = data ? json_dumps(data, JSON_COMPACT) : NULL;
	if (json) {
		send_event(r, -1, "log", json);
	}
	free(json);
	json_decref(data);
}

static void send_state(struct log_reader *r)
{
	json_t *state = app_state_json(conn_agent(r->conn));
	char *json = state ? json_dumps(state, JSON_COMPACT) : NULL;

	if (json) {
		send_event(r, -1, "state", json);
	}
	free(json);
	json_decref(state);
}

/* What is there, as far as the client takes it. */
static void pump(struct log_reader *r)
{
	const struct app_log *log = &conn_agent(r->conn)->app->log;
	const struct app_log_entry *entry;
	int64_t missed;

	while (conn_pending(r->conn) < CONN_OUTPUT_HIGH_BYTES) {
		char *json;

		entry = app_log_after(log, r->after, &missed);
		if (!entry) {
			break;
		}
		if (missed > 0) {
			send_missed(r, missed);
		}
		r->after = entry->id;
		json = app_log_entry_text(entry);
		if (json) {
			send_event(r, entry->id, entry->stream == APP_LOG_STATE ? "state" : "log",
				   json);
		}
		free(json);
	}
	if (app_log_after(log, r->after, &missed)) {
		return;
	}
	if (!r->caught_up) {
		/* The last state event may have left the ring. */
		r->caught_up = true;
		send_state(r);
	}
	if (!r->follow) {
		conn_end(r->conn);
	}
}

void app_logs_pump(struct app *app)
{
	struct log_reader *r = TAILQ_FIRST(&app->readers), *next;

	for (; r; r = next) {
		next = TAILQ_NEXT(r, link);
		pump(r);
	}
}

void app_logs_end(struct app *app)
{
	struct log_reader *r;

	/* An ended answer takes its reader out of the list. */
	while ((r = TAILQ_FIRST(&app->readers)) != NULL) {
		conn_end(r->conn);
	}
}

static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	static const char comment[] = ": ping\n\n";
	static const struct conn_piece piece = {comment, sizeof(comment) - 1};
	const struct log_reader *r = arg;

	(void)fd;
	(void)what;
	if (conn_pending(r->conn) == 0) {
		conn_add(r->conn, &piece, 1);
	}
}

static int64_t number_of(const char *text, size_t len)
{
	char digits[24] = "";
	char *end;
	long long n;

	if (len == 0 || len >= sizeof(digits)) {
		return -1;
	}
	memcpy(digits, text, len);
	n = strtoll(digits, &end, 10);
	return *end == '\0' && n >= 0 ? n : -1;
}

/* Last-Event-ID comes from a browser that connects again, so it is newer than the address. */
static int read_position(const struct conn *c, struct log_reader *r, struct err *e)
{
	const struct http_slice *last = http_head_get(conn_head(c), "Last-Event-ID");
	const char *query = conn_query(c);

	r->follow = true;
	while (*query) {
		size_t len = strcspn(query, "&");

		if (len > 6 && strncmp(query, "after=", 6) == 0) {
			r->after = number_of(query + 6, len - 6);
		} else if (len == 8 && strncmp(query, "follow=0", 8) == 0) {
			r->follow = false;
		}
		query += len + (query[len] == '&');
	}
	if (last && last->len > 0) {
		r->after = number_of(last->at, last->len);
	}
	if (r->after < 0) {
		return err_set(e, ERR_INVALID, "after and Last-Event-ID are numbers of an event");
	}
	return 0;
}

int app_logs_on_begin(struct conn *c, struct err *e)
{
	struct log_reader *r = calloc(1, sizeof(*r));

	if (!r) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	r->conn = c;
	conn_set_data(c, r);
	return read_position(c, r, e);
}

int app_logs_on_end(struct conn *c, struct err *e)
{
	const struct timeval every = {.tv_sec = PING_S};
	struct log_reader *r = conn_data(c);
	struct app *app = conn_agent(c)->app;

	if (app->n_readers >= READERS_MAX) {
		return err_set(e, ERR_RATE_LIMITED, "%d readers follow this log already",
			       READERS_MAX);
	}
	if (r->after >= app_log_last_id(&app->log) + 1) {
		/* Of a clock that was set back since: all is new to this reader. */
		r->after = 0;
	}
	r->ping = event_new(app->agent->base, -1, EV_PERSIST, on_ping, r);
	if (!r->ping || event_add(r->ping, &every) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	r->listed = true;
	app->n_readers++;
	TAILQ_INSERT_TAIL(&app->readers, r, link);
	conn_begin_chunked(c, "text/event-stream");
	pump(r);
	return 0;
}

void app_logs_on_writable(struct conn *c)
{
	struct log_reader *r = conn_data(c);

	if (r && r->listed) {
		pump(r);
	}
}

void app_logs_on_gone(struct conn *c)
{
	struct log_reader *r = conn_data(c);
	struct app *app = conn_agent(c)->app;

	if (!r) {
		return;
	}
	if (r->listed) {
		TAILQ_REMOVE(&app->readers, r, link);
		app->n_readers--;
	}
	if (r->ping) {
		event_free(r->ping);
	}
	free(r);
}
