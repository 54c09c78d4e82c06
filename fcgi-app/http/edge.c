#include "http/edge.h"

#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "http/authn.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/match.h"
#include "http/origin.h"
#include "http/problem.h"
#include "http/uri.h"
#include "log.h"
#include "previews/handlers.h"
#include "previews/page.h"
#include "previews/way_in.h"
#include "scoreboard.h"

#include <inttypes.h>
#include <string.h>

#define HEAD_DEADLINE_MS 10000 /* until the route's own is known */
/* Short calls are over in milliseconds: a burst waits for a slot, a long queue does not. The others
 * wait just long enough for a slot whose client has seen the end of its answer a moment ago. */
#define SHORT_POOL_WAIT_MS 250
#define LONG_POOL_WAIT_MS  50
#define BODY_PIECE_BYTES   (64 * 1024)
#define LOG_PATH_BYTES	   512
#define SIGN_IN_URL_BYTES  (16 * 1024) /* an address, each byte escaped */

struct call {
	struct app *app;
	const struct transport *io;
	const struct route *route;
	struct request rq;
	struct response rs;
	struct route_match match;
	struct strbuf body;
	char *path;
	int64_t start_ms;
	int64_t announced_bytes; /* Content-Length; -1: none */
	bool entered;
	bool on_preview; /* it came to a preview's own host */
};

static const char *param(const struct call *c, const char *name)
{
	const char *value = c->io->param(c->io->ctx, name);

	return value ? value : "";
}

/* nginx's own, so that both logs name a request alike. */
static void take_request_id(struct call *c)
{
	const char *given = param(c, "REQUEST_ID");

	if (uuid_valid(given)) {
		memcpy(c->rq.id, given, UUID_TEXT_BYTES);
	} else {
		uuid_new(c->rq.id);
	}
	log_set_request_id(c->rq.id);
	response_header(&c->rs, "X-Request-Id", c->rq.id);
}

static void call_init(struct call *c, struct app *app, const struct transport *io)
{
	*c = (struct call){.app = app, .io = io, .start_ms = clock_mono_ms()};
	c->rq.edge = (void *)(uintptr_t)io;
	c->on_preview = strcmp(param(c, "SLIPWAY_PREVIEW"), "1") == 0;
	c->rq.method = param(c, "REQUEST_METHOD");
	c->rq.remote_addr = param(c, "REMOTE_ADDR");
	c->rq.https = strcmp(param(c, "HTTPS"), "on") == 0 || origin_is_https(app->config);
	c->rq.path = "";
	c->rq.query = "";
	c->rq.body = "";
	c->rq.deadline_ms = c->start_ms + HEAD_DEADLINE_MS;
	response_init(&c->rs, io, strcmp(c->rq.method, "HEAD") == 0);
	take_request_id(c);
}

static void call_fini(struct call *c)
{
	free(c->path);
	free(c->match.buf);
	strbuf_fini(&c->body);
	response_fini(&c->rs);
	log_set_request_id(NULL);
}

static int enter_pool(struct call *c, struct err *e)
{
	enum route_pool pool = scoreboard_pool(c->app->board, c->app->slot);
	int64_t wait_ms = pool == POOL_SHORT ? SHORT_POOL_WAIT_MS : LONG_POOL_WAIT_MS;

	c->entered =
		scoreboard_enter(c->app->board, c->app->slot, c->rq.id, c->rq.deadline_ms, wait_ms);
	if (!c->entered) {
		return err_set(e, ERR_UNAVAILABLE,
			       "all workers for this kind of call are busy; try again shortly");
	}
	return 0;
}

static int parse_target(struct call *c, struct err *e)
{
	const char *target = param(c, "REQUEST_URI");
	size_t path_len;

	if (uri_split(target, &path_len, &c->rq.query, e) < 0) {
		return -1;
	}
	c->path = strndup(target, path_len);
	if (!c->path) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	c->rq.path = c->path;
	return 0;
}

static void refuse_method(struct call *c, const char *allow)
{
	const struct problem p = {
		.status = 405,
		.type = "/problems/method-not-allowed",
		.title = "Method not allowed",
		.detail = "This address does not take that method; the Allow header names those it "
			  "takes.",
	};

	response_header(&c->rs, "Allow", allow);
	response_problem(&c->rs, &p, c->rq.id);
}

/* 0 found, 1 answered already (405), -1. */
static int find_route(struct call *c, struct err *e)
{
	/* What runs there is the apps': of ours, only the way in. */
	const struct route *table = c->on_preview ? preview_route_table : route_table;
	size_t len = c->on_preview ? preview_route_table_len : route_table_len;
	auto_strbuf allow;
	int rc;

	strbuf_init(&allow, 100);
	rc = route_match(table, len, c->rq.method, c->path, strlen(c->path), &c->match, &allow, e);
	if (rc > 0) {
		refuse_method(c, allow.data);
	}
	if (rc != 0) {
		return rc;
	}
	c->route = c->match.route;
	memcpy(c->rq.params, c->match.params, sizeof(c->rq.params));
	/* nginx chose the pool by the path it had put into normal form. */
	if (c->route->pool != scoreboard_pool(c->app->board, c->app->slot)) {
		return err_set(e, ERR_INVALID, "the address is not in its normal form");
	}
	c->rq.deadline_ms = c->start_ms + route_deadline_ms(c->app->config, c->route);
	scoreboard_set_deadline(c->app->board, c->app->slot, c->rq.deadline_ms);
	return 0;
}

static int check_origin(const struct call *c, struct err *e)
{
	const char *origin = request_header(&c->rq, "Origin");

	/* A WebSocket is opened by GET and does what it likes from then on. */
	if (method_is_safe(c->rq.method) && !request_header(&c->rq, "Upgrade")) {
		return 0;
	}
	if (!origin) {
		/* Not a browser, or a route where nobody's session is used. */
		return c->rq.user.by_cookie
			       ? err_set(e, ERR_FORBIDDEN,
					 "a call by session cookie needs an Origin header")
			       : 0;
	}
	if ((c->rq.user.by_cookie || c->route->auth == AUTH_NONE) &&
	    !origin_is_ours(c->app->config, origin)) {
		return err_set(e, ERR_FORBIDDEN, "calls from other origins are not taken");
	}
	return 0;
}

static int authorise(struct call *c, struct err *e)
{
	/* Nobody signs in on a preview's host: what it carries is for its handlers to judge. */
	if (c->on_preview) {
		return 0;
	}
	if (c->route->auth != AUTH_NONE && authn_request(c->app, &c->rq, e) < 0) {
		return -1;
	}
	if (check_origin(c, e) < 0) {
		return -1;
	}
	if (c->route->auth == AUTH_OWNER && !c->rq.user.is_owner) {
		return err_set(e, ERR_FORBIDDEN, "only an owner may do this");
	}
	return 0;
}

static int claim_rate(struct call *c, struct err *e)
{
	int64_t max = rate_class_max(c->app->config, c->route->rate);

	if (rate_class_counts(c->route->rate, c->announced_bytes) &&
	    !scoreboard_claim(c->app->board, c->app->slot, c->rq.user.id, c->route->rate, max,
			      LONG_POOL_WAIT_MS)) {
		return err_set(e, ERR_RATE_LIMITED,
			       "you have %" PRId64 " of these running already; wait for one to end",
			       max);
	}
	return 0;
}

static int take_length(struct call *c, struct err *e)
{
	const char *text = param(c, "CONTENT_LENGTH");
	char *end;

	c->announced_bytes = -1;
	if (text[0] == '\0') {
		return 0;
	}
	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) {
		return err_set(e, ERR_INVALID, "Content-Length is not a number");
	}
	c->announced_bytes = strtoll(text, &end, 10);
	return 0;
}

static int read_body(struct call *c, struct err *e)
{
	size_t max = route_body_max(c->app->config, c->route);

	if (c->announced_bytes > (int64_t)max) {
		return err_set(e, ERR_TOO_LARGE, "the body is larger than %zu bytes", max);
	}
	strbuf_init(&c->body, max + BODY_PIECE_BYTES);
	for (;;) {
		char *room = strbuf_reserve(&c->body, BODY_PIECE_BYTES);
		ssize_t got = room ? c->io->read(c->io->ctx, room, BODY_PIECE_BYTES) : -1;

		if (got < 0) {
			return err_set(e, ERR_INVALID, "the body broke off");
		}
		strbuf_commit(&c->body, (size_t)got);
		if (c->body.len > max) {
			return err_set(e, ERR_TOO_LARGE, "the body is larger than %zu bytes", max);
		}
		if (got == 0) {
			break;
		}
	}
	if (c->announced_bytes >= 0 && (uint64_t)c->announced_bytes != c->body.len) {
		return err_set(e, ERR_INVALID, "the body is not as long as Content-Length says");
	}
	c->rq.body = c->body.data;
	c->rq.body_len = c->body.len;
	return 0;
}

static int handle(struct call *c, struct err *e)
{
	int rc;

	if (enter_pool(c, e) < 0 || parse_target(c, e) < 0) {
		return -1;
	}
	rc = find_route(c, e);
	if (rc != 0) {
		return rc < 0 ? -1 : 0;
	}
	if (authorise(c, e) < 0 || take_length(c, e) < 0 || claim_rate(c, e) < 0 ||
	    read_body(c, e) < 0) {
		return -1;
	}
	if (c->route->handler(c->app, &c->rq, &c->rs, e) < 0) {
		return -1;
	}
	if (!c->rs.started) {
		return err_set(e, ERR_INTERNAL, "the handler of %s sent nothing",
			       c->route->pattern);
	}
	return 0;
}

/* Whoever looks for a preview is shown a page. */
static bool answer_page(struct call *c, const struct problem *p)
{
	bool is_page = c->on_preview || (c->route && c->route->produces &&
					 strcmp(c->route->produces, "text/html") == 0);
	struct page_text text;
	auto_strbuf sign_in;
	struct err ignored;

	page_of_problem(p, &text);
	strbuf_init(&sign_in, SIGN_IN_URL_BYTES);
	if (is_page && p->status == 401 && !c->on_preview) {
		page_add_sign_in_url(&sign_in, &c->rq);
		text.link_url = sign_in.failed ? NULL : sign_in.data;
		text.link_text = "Sign in";
		text.in_frame = way_in_framed(&c->rq);
	}
	return is_page && request_wants_html(&c->rq) &&
	       page_respond_html(c->app, &c->rs, &text, &ignored) == 0;
}

static void answer_error(struct call *c, const struct err *e)
{
	struct problem p;

	problem_of(e, &p);
	if (p.status >= 500 || problem_is_internal(e)) {
		log_err(p.status == 500 ? LOG_ERROR : LOG_WARN, "request_failed", e);
	}
	if (c->rs.started) {
		/* Too late for words: a cut answer must not look like a whole one. */
		c->io->abort(c->io->ctx);
		return;
	}
	if (!answer_page(c, &p)) {
		response_problem(&c->rs, &p, c->rq.id);
	}
}

static void write_access_log(const struct call *c, int64_t duration_ms)
{
	char path[LOG_PATH_BYTES];
	auto_strbuf clean;

	/* Raw, so escapes show; bytes that are not ASCII could not be logged as they are. The token
	 * of a share link is a key and not logged. */
	strbuf_init(&clean, LOG_PATH_BYTES);
	for (const char *at = c->on_preview && c->route ? c->route->pattern : c->rq.path;
	     *at && !clean.failed; at++) {
		strbuf_addc(&clean, *at > 0x20 && *at < 0x7f ? *at : '?');
	}
	(void)snprintf(path, sizeof(path), "%s", clean.data);
	log_info("request", "{s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:s, s:s, s:b}", "method",
		 c->route ? c->rq.method : "-", "path", path, "route",
		 c->route ? c->route->pattern : "-", "status", c->rs.status, "duration_ms",
		 (json_int_t)duration_ms, "bytes_in", (json_int_t)c->rq.body_len, "bytes_out",
		 (json_int_t)c->rs.body_bytes, "user_id", c->rq.user.id, "remote_addr",
		 c->rq.remote_addr, "client_gone", c->rs.gone);
}

static void finish(struct call *c)
{
	int64_t duration_ms = clock_mono_ms() - c->start_ms;

	if (c->entered) {
		scoreboard_leave(c->app->board, c->app->slot, c->rs.status, duration_ms);
	} else {
		scoreboard_reject(c->app->board, c->app->slot, c->rs.status);
	}
	write_access_log(c, duration_ms);
}

void edge_serve(struct app *app, const struct transport *io)
{
	struct err e;
	struct call c;

	call_init(&c, app, io);
	if (handle(&c, &e) < 0) {
		answer_error(&c, &e);
	}
	db_rollback(app->db);
	finish(&c);
	call_fini(&c);
}
