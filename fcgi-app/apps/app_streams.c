/*
 * What outlives a worker: logs and terminals go from nginx straight to the sandbox's agent. A
 * worker only looks who asks and whether there is an agent, and answers with X-Accel-Redirect.
 */

#include "apps/app_status.h"
#include "apps/handlers.h"
#include "cleanup.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "sse.h"
#include "unix_sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOOK_MS		500 /* for somebody to listen on an agent's socket */
#define STATE_MAX_BYTES (64 * 1024)
#define RETRY		"retry: 2000\n\n"
#define ID_DIGITS_MAX	15
#define COLS_DEFAULT	80
#define ROWS_DEFAULT	24
#define SIDE_MAX	1000
#define SESSION_DIGITS	32 /* of the id that the agent gave a terminal */

/* nginx's internal location of an agent (nginx/agent.conf.in). */
static int redirect(struct response *rs, const struct sandbox *sb, const char *what,
		    const char *query, struct err *e)
{
	char uri[192];

	snprintf(uri, sizeof(uri), "/_agent/%s/%s?%s", sb->id, what, query);
	response_header(rs, "X-Accel-Redirect", uri);
	return response_empty(rs, 200, e);
}

/* Of a row that says running and an agent that is gone nginx would make a 502. */
static bool somebody_listens(const struct sandbox *sb)
{
	struct err e;
	int fd;

	if (unix_connect(sb->agent_socket, clock_mono_ms() + LOOK_MS, &fd, &e)) {
		log_err(LOG_INFO, "agent_gone", &e);
		return false;
	}
	close(fd);
	return true;
}

static int parse_id(const char *text, int64_t *ret_id, struct err *e)
{
	size_t len = strlen(text);

	if (len == 0 || len > ID_DIGITS_MAX || strspn(text, "0123456789") != len) {
		return err_set(e, ERR_INVALID,
			       "Last-Event-ID and after are the number of an event");
	}
	*ret_id = strtoll(text, NULL, 10);
	return 0;
}

/* After which event to begin: what the client has wins over what its address says. */
static int read_after(const struct request *rq, int64_t *ret_after, struct err *e)
{
	const char *header = request_header(rq, "Last-Event-ID");
	char text[ID_DIGITS_MAX + 8];
	int found;

	*ret_after = 0;
	if (header && header[0]) {
		return parse_id(header, ret_after, e);
	}
	found = request_query(rq, "after", text, sizeof(text), e);
	return found <= 0 ? found : parse_id(text, ret_after, e);
}

static int read_follow(const struct request *rq, bool *ret_follow, struct err *e)
{
	char text[8] = "1";

	if (request_query(rq, "follow", text, sizeof(text), e) < 0) {
		return -1;
	}
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
		return err_set(e, ERR_INVALID, "query parameter follow must be 0 or 1");
	}
	*ret_follow = text[0] == '1';
	return 0;
}

/* Nothing runs: one state, without an id so that a client keeps its place, and come back later. */
static int send_asleep(struct app *app, const struct app_row *row, struct response *rs,
		       struct err *e)
{
	auto_json *status = NULL;
	auto_free char *text = NULL;
	auto_strbuf out;

	strbuf_init(&out, STATE_MAX_BYTES);
	if (app_status_json(app, row, &status, e)) {
		return -1;
	}
	text = json_text(status);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	strbuf_adds(&out, RETRY);
	sse_write(&out, -1, "state", text);
	if (strbuf_check(&out, "the state", e) ||
	    response_stream_begin(rs, "text/event-stream; charset=utf-8", e)) {
		return -1;
	}
	response_stream_write(rs, out.data, out.len);
	return 0;
}

int app_logs_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct app_row row;
	char query[64];
	int64_t after;
	bool follow = true;

	if (read_after(rq, &after, e) || read_follow(rq, &follow, e) ||
	    app_row_of_request(app, rq, &row, e)) {
		return -1;
	}
	if (!app_row_is_up(&row) || !somebody_listens(&row.sandbox)) {
		return send_asleep(app, &row, rs, e);
	}
	snprintf(query, sizeof(query), "after=%lld&follow=%d", (long long)after, follow);
	return redirect(rs, &row.sandbox, "logs", query, e);
}

static int read_side(const struct request *rq, const char *name, int64_t otherwise, int64_t *ret,
		     struct err *e)
{
	char text[8];
	int found = request_query(rq, name, text, sizeof(text), e);

	*ret = otherwise;
	if (found <= 0) {
		return found;
	}
	*ret = strtoll(text, NULL, 10);
	if (strspn(text, "0123456789") != strlen(text) || *ret < 1 || *ret > SIDE_MAX) {
		return err_set(e, ERR_INVALID, "query parameter %s must be 1 to %d", name,
			       SIDE_MAX);
	}
	return 0;
}

/* "&session=<id>", or "" when none is given. */
static int read_session(const struct request *rq, char *ret, size_t cap, struct err *e)
{
	char id[SESSION_DIGITS + 1];
	int found = request_query(rq, "session", id, sizeof(id), e);

	*ret = '\0';
	if (found <= 0) {
		return found;
	}
	if (strlen(id) != SESSION_DIGITS || strspn(id, "0123456789abcdef") != SESSION_DIGITS) {
		return err_set(e, ERR_INVALID, "query parameter session is not the id of one");
	}
	snprintf(ret, cap, "&session=%s", id);
	return 0;
}

/* Awake, with an agent that listens, and with the newest files. */
static int wake(struct app *app, const struct request *rq, const struct app_row *row,
		struct sandbox *ret, struct err *e)
{
	if (sandbox_get(app, rq->user.id, row->project_id, false, ret, e) ||
	    (!somebody_listens(ret) &&
	     sandbox_get(app, rq->user.id, row->project_id, true, ret, e))) {
		return -1;
	}
	if (row->head_version == 0 || ret->hydrated_version == row->head_version) {
		return 0;
	}
	return sandbox_hydrate(app, ret, row->project_id, row->head_version, e);
}

int app_terminal_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *upgrade = request_header(rq, "Upgrade");
	struct sandbox sandbox;
	struct app_row row;
	int64_t cols, rows;
	char query[128], session[64];

	if (app_row_of_request(app, rq, &row, e) < 0) {
		return -1;
	}
	if (!upgrade || strcasecmp(upgrade, "websocket") != 0) {
		return err_set(e, ERR_INVALID, "open this address as a WebSocket");
	}
	if (read_side(rq, "cols", COLS_DEFAULT, &cols, e) ||
	    read_side(rq, "rows", ROWS_DEFAULT, &rows, e) ||
	    read_session(rq, session, sizeof(session), e) || wake(app, rq, &row, &sandbox, e)) {
		return -1;
	}
	snprintf(query, sizeof(query), "cols=%lld&rows=%lld%s", (long long)cols, (long long)rows,
		 session);
	return redirect(rs, &sandbox, "terminal", query, e);
}
