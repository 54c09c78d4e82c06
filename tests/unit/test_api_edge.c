/* Requests through the edge by a transport in memory: everything but libfcgi. No database is there.
 */

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "db.h"
#include "http/edge.h"
#include "http/exchange.h"
#include "json.h"
#include "log.h"
#include "scoreboard.h"
#include "unit.h"

struct peer {
	const char *params[10][2];
	size_t n_params;
	const char *body;
	size_t body_len;
	bool body_breaks;
	struct strbuf out;
	bool cut;
};

static struct app app;
static struct peer peer;

static const char *param(void *ctx, const char *name)
{
	const struct peer *p = ctx;

	for (size_t i = 0; i < p->n_params; i++) {
		if (strcmp(p->params[i][0], name) == 0) {
			return p->params[i][1];
		}
	}
	return NULL;
}

static ssize_t read_some(void *ctx, char *buf, size_t cap)
{
	struct peer *p = ctx;
	size_t n = p->body_len < cap ? p->body_len : cap;

	if (p->body_breaks) {
		return -1;
	}
	n = n > 7 ? 7 : n; /* in pieces */
	memcpy(buf, p->body, n);
	p->body += n;
	p->body_len -= n;
	return (ssize_t)n;
}

static int write_out(void *ctx, const void *bytes, size_t len)
{
	struct peer *p = ctx;

	return strbuf_add(&p->out, bytes, len);
}

static int flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static bool peer_gone(void *ctx)
{
	(void)ctx;
	return false;
}

static void cut(void *ctx)
{
	struct peer *p = ctx;

	p->cut = true;
}

static const struct transport io = {
	.param = param,
	.read = read_some,
	.write = write_out,
	.flush = flush,
	.peer_gone = peer_gone,
	.abort = cut,
	.ctx = &peer,
};

static void header(const char *name, const char *value)
{
	assert_true(peer.n_params < 10);
	peer.params[peer.n_params][0] = name;
	peer.params[peer.n_params++][1] = value;
}

static void begin(const char *method, const char *target)
{
	strbuf_fini(&peer.out);
	memset(&peer, 0, sizeof(peer));
	strbuf_init(&peer.out, 1 << 20);
	peer.body = "";
	header("REQUEST_METHOD", method);
	header("REQUEST_URI", target);
	header("REMOTE_ADDR", "192.0.2.1");
}

static void send_body(const char *body, const char *content_type)
{
	peer.body = body;
	peer.body_len = strlen(body);
	header("CONTENT_TYPE", content_type);
}

/* The status of the answer; *ret_body its body. */
static int serve(const char **ret_body)
{
	const char *end;
	int status;

	edge_serve(&app, &io);
	end = strstr(peer.out.data, "\r\n\r\n");
	assert_non_null(end);
	assert_int_equal(sscanf(peer.out.data, "Status: %d ", &status), 1);
	assert_non_null(strstr(peer.out.data, "X-Request-Id: "));
	assert_non_null(strstr(peer.out.data, "X-Content-Type-Options: nosniff"));
	assert_non_null(strstr(peer.out.data, "Cache-Control: no-store"));
	*ret_body = end + 4;
	return status;
}

static void expect_problem(int status, const char *type, const char *detail)
{
	json_t *value = NULL;
	struct err e;
	const char *body;

	assert_int_equal(serve(&body), status);
	assert_non_null(strstr(peer.out.data, "Content-Type: application/problem+json\r\n"));
	assert_ok(json_parse(body, strlen(body), 10000, &value, &e));
	assert_string_equal(json_string_value(json_object_get(value, "type")), type);
	assert_int_equal(json_integer_value(json_object_get(value, "status")), status);
	if (!strstr(json_string_value(json_object_get(value, "detail")), detail)) {
		fail_msg("'%s' is not in %s", detail, body);
	}
	json_decref(value);
}

static void answers(void **state)
{
	const char *body;

	(void)state;
	begin("GET", "/healthz");
	header("REQUEST_ID", "01234567-89ab-cdef-0123-456789abcdef");
	assert_int_equal(serve(&body), 200);
	assert_non_null(strstr(body, "alive"));
	assert_non_null(
		strstr(peer.out.data, "X-Request-Id: 01234567-89ab-cdef-0123-456789abcdef\r\n"));
}

static void invents_a_request_id(void **state)
{
	const char *body;

	(void)state;
	begin("GET", "/healthz");
	header("REQUEST_ID", "x\r\nSet-Cookie: a=b");
	assert_int_equal(serve(&body), 200);
	assert_null(strstr(peer.out.data, "Set-Cookie"));
}

static void answers_head_without_body(void **state)
{
	const char *body;

	(void)state;
	begin("HEAD", "/healthz");
	assert_int_equal(serve(&body), 200);
	assert_string_equal(body, "");
	assert_non_null(strstr(peer.out.data, "Content-Length: "));
	assert_null(strstr(peer.out.data, "Content-Length: 0\r\n"));
	begin("HEAD", "/nowhere");
	assert_int_equal(serve(&body), 404);
	assert_string_equal(body, "");
}

static void refuses_addresses_and_methods(void **state)
{
	(void)state;
	begin("GET", "/api/v1/nowhere");
	expect_problem(404, "/problems/not-found", "nothing at this address");
	begin("GET", "/api/v1/users/a%2fb");
	expect_problem(400, "/problems/invalid", "escaped slash");
	begin("GET", "/api/v1/users/%00");
	expect_problem(400, "/problems/invalid", "control character");
	begin("GET", "nonsense");
	expect_problem(400, "/problems/invalid", "slash");
	begin("PUT", "/api/v1/users");
	expect_problem(405, "/problems/method-not-allowed", "Allow");
	assert_non_null(strstr(peer.out.data, "Allow: GET, HEAD, POST\r\n"));
	begin("", "/healthz");
	expect_problem(405, "/problems/method-not-allowed", "Allow");
}

/* nginx puts /…/files/../execute into normal form before it chooses a pool; we do not. */
static void refuses_what_came_to_the_wrong_pool(void **state)
{
	(void)state;
	begin("POST", "/api/v1/execute");
	expect_problem(400, "/problems/invalid", "normal form");
}

static void wants_a_credential(void **state)
{
	static const char *const bad[] = {"", "Basic abc", "Bearer", "Bearer xyz", "slw_abc"};

	(void)state;
	begin("GET", "/api/v1/me");
	expect_problem(401, "/problems/unauthenticated", "API key");
	assert_non_null(strstr(peer.out.data, "WWW-Authenticate: Bearer"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin("GET", "/api/v1/me");
		header("HTTP_AUTHORIZATION", bad[i]);
		expect_problem(401, "/problems/unauthenticated", "API key");
	}
	/* A wrong key is not made good by a cookie, and over https the plain cookie is none. */
	begin("GET", "/api/v1/me");
	header("HTTP_AUTHORIZATION", "Bearer x");
	header("HTTP_COOKIE", "__Host-slipway=sws_x");
	expect_problem(401, "/problems/unauthenticated", "API key");
	begin("GET", "/api/v1/me");
	header("HTTPS", "on");
	header("HTTP_COOKIE", "slipway=sws_x");
	expect_problem(401, "/problems/unauthenticated", "API key");
}

static void names_postgresql_when_it_is_down(void **state)
{
	(void)state;
	begin("GET", "/api/v1/me");
	header("HTTP_AUTHORIZATION", "Bearer slw_abc");
	expect_problem(503, "/problems/unavailable", "PostgreSQL");
	assert_null(strstr(peer.out.data, "/nonexistent"));
	assert_non_null(strstr(peer.out.data, "Retry-After: "));
	begin("GET", "/api/v1/me");
	header("HTTP_COOKIE", "slipway=sws_x");
	expect_problem(503, "/problems/unavailable", "PostgreSQL");
}

static void takes_no_foreign_origin(void **state)
{
	(void)state;
	begin("POST", "/api/v1/auth/login");
	send_body("{\"email\":\"a@b\",\"password\":\"x\"}", "application/json");
	header("HTTP_ORIGIN", "http://evil.example");
	expect_problem(403, "/problems/forbidden", "origin");
	begin("POST", "/api/v1/auth/login");
	send_body("{\"email\":\"a@b\",\"password\":\"x\"}", "application/json");
	header("HTTP_ORIGIN", "http://localhost:8080");
	expect_problem(503, "/problems/unavailable", "PostgreSQL");
}

static void checks_bodies(void **state)
{
	static char large[70000];

	(void)state;
	memset(large, ' ', sizeof(large) - 1);
	begin("POST", "/api/v1/auth/login");
	send_body(large, "application/json");
	expect_problem(413, "/problems/too-large", "larger than 65536 bytes");
	begin("POST", "/api/v1/auth/login");
	header("CONTENT_LENGTH", "999999999999");
	expect_problem(413, "/problems/too-large", "larger than");
	begin("POST", "/api/v1/auth/login");
	header("CONTENT_LENGTH", "-1");
	expect_problem(400, "/problems/invalid", "Content-Length");
	begin("POST", "/api/v1/auth/login");
	send_body("{}", "application/json");
	header("CONTENT_LENGTH", "3");
	expect_problem(400, "/problems/invalid", "Content-Length");
	begin("POST", "/api/v1/auth/login");
	send_body("{}", "application/json");
	peer.body_breaks = true;
	expect_problem(400, "/problems/invalid", "broke off");
	begin("GET", "/healthz");
	send_body("x", "text/plain");
	expect_problem(413, "/problems/too-large", "larger than 0");
	begin("POST", "/api/v1/auth/login");
	send_body("{}", "text/plain");
	expect_problem(415, "/problems/unsupported-media-type", "application/json");
	begin("POST", "/api/v1/auth/login");
	send_body("{}", "application/jsonp");
	expect_problem(415, "/problems/unsupported-media-type", "application/json");
	begin("POST", "/api/v1/auth/login");
	send_body("[]", "application/json; charset=utf-8");
	expect_problem(400, "/problems/invalid", "object");
	begin("POST", "/api/v1/auth/login");
	send_body("{\"email\":", "application/json");
	expect_problem(400, "/problems/invalid", "JSON");
	begin("POST", "/api/v1/auth/login");
	send_body("{\"email\":\"a@b\",\"password\":\"x\",\"extra\":1}", "application/json");
	expect_problem(400, "/problems/invalid", "extra");
}

static void answers_503_when_the_pool_is_full(void **state)
{
	struct scoreboard_stats s;
	const char *body;

	(void)state;
	assert_true(scoreboard_enter(app.board, 1, "other", CLOCK_NEVER, 0));
	begin("GET", "/healthz");
	expect_problem(503, "/problems/unavailable", "busy");
	assert_non_null(strstr(peer.out.data, "Retry-After: "));
	scoreboard_stats(app.board, POOL_SHORT, &s);
	assert_int_equal(s.rejected_full, 1);
	scoreboard_leave(app.board, 1, 200, 1);
	begin("GET", "/healthz");
	assert_int_equal(serve(&body), 200);
	scoreboard_stats(app.board, POOL_SHORT, &s);
	assert_int_equal(s.busy, 0);
}

/* A preview's host and the API's are told apart by nginx's word alone, both ways. */
static void previews_hosts_and_the_api_have_nothing_in_common(void **state)
{
	static const char *const ours[] = {"/healthz",
					   "/metrics",
					   "/api/v1/me",
					   "/api/v1/openapi.json",
					   "/api/v1/auth/login",
					   "/api/v1/previews/a/open",
					   "/"};
	static const char *const theirs[] = {"/.slipway/enter", "/.slipway/enter?ticket=x",
					     "/.slipway/share/x", "/.slipway/status"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		begin("GET", ours[i]);
		header("SLIPWAY_PREVIEW", "1");
		header("HTTP_HOST", "a-0123456789.preview.localhost:8080");
		header("HTTP_AUTHORIZATION", "Bearer slw_abc");
		header("HTTP_COOKIE", "__Host-slipway=sws_x; slipway=sws_x");
		expect_problem(404, "/problems/not-found", "nothing at this address");
	}
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		begin("GET", theirs[i]);
		header("HTTP_HOST", "a-0123456789.preview.localhost:8080");
		header("HTTP_SLIPWAY_PREVIEW", "1"); /* what a client's header becomes */
		expect_problem(404, "/problems/not-found", "nothing at this address");
	}
}

/* On a preview's host no sign-in is even looked up: that would need the database. */
static void previews_hosts_know_no_sign_in(void **state)
{
	const char *body;

	(void)state;
	begin("GET", "/.slipway/enter");
	header("SLIPWAY_PREVIEW", "1");
	header("HTTP_HOST", "a-0123456789.preview.localhost:8080");
	header("HTTP_AUTHORIZATION", "Bearer slw_abc");
	header("HTTP_COOKIE", "__Host-slipway=sws_x");
	assert_int_equal(serve(&body), 403);
	assert_non_null(strstr(body, "This way in is used up"));
	begin("GET", "/.slipway/enter");
	header("SLIPWAY_PREVIEW", "1");
	header("HTTP_HOST", "localhost:8080");
	expect_problem(404, "/problems/not-found", "no preview");
	begin("GET", "/.slipway/enter");
	header("SLIPWAY_PREVIEW", "1");
	header("HTTP_ACCEPT", "text/html,*/*");
	assert_int_equal(serve(&body), 404);
	assert_non_null(strstr(body, "<h1>There is no such preview</h1>"));
}

/* response.c */
static void never_splits_an_answer(void **state)
{
	struct response rs;
	struct err e;

	(void)state;
	begin("GET", "/");
	response_init(&rs, &io, false);
	response_header(&rs, "X-Good", "1");
	response_header(&rs, "X-Bad", "a\r\nSet-Cookie: b=c");
	response_header(&rs, "X-Bad\r\nY", "a");
	assert_err(response_bytes(&rs, 200, "text/plain\r\nX: y", "", 0, &e), ERR_INTERNAL);
	assert_ok(response_bytes(&rs, 200, "text/plain", "abc", 3, &e));
	assert_non_null(strstr(peer.out.data, "X-Good: 1\r\n"));
	assert_null(strstr(peer.out.data, "Bad"));
	assert_err(response_empty(&rs, 204, &e), ERR_INTERNAL);
	response_fini(&rs);
}

static void streams(void **state)
{
	struct response rs;
	struct err e;

	(void)state;
	begin("GET", "/");
	response_init(&rs, &io, false);
	assert_false(response_stream_write(&rs, "too early", 9));
	assert_ok(response_stream_begin(&rs, "text/event-stream", &e));
	assert_true(response_stream_write(&rs, "data: 1\n\n", 9));
	assert_non_null(strstr(peer.out.data, "X-Accel-Buffering: no\r\n"));
	assert_non_null(strstr(peer.out.data, "\r\n\r\ndata: 1\n\n"));
	assert_null(strstr(peer.out.data, "Content-Length"));
	peer.out.max = peer.out.len; /* takes no more, as a client that has gone */
	assert_false(response_stream_write(&rs, "data: 2\n\n", 9));
	assert_true(peer.cut);
	assert_true(response_client_gone(&rs));
	assert_false(response_stream_write(&rs, "data: 3\n\n", 9));
	response_fini(&rs);
}

static int setup(void **state)
{
	const int slots[POOL_COUNT] = {1, 1, 1, 1};
	struct config *config;
	struct err e;

	(void)state;
	log_init("test", LOG_ERROR);
	assert_ok(config_load(NULL, &config, &e));
	assert_ok(scoreboard_create(slots, &app.board, &e));
	app.config = config;
	app.release_dir = ".";
	app.db = db_create("host=/nonexistent user=nobody", "test");
	assert_non_null(app.db);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	strbuf_fini(&peer.out);
	db_destroy(app.db);
	scoreboard_destroy(app.board);
	config_destroy((struct config *)(uintptr_t)app.config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(invents_a_request_id),
		cmocka_unit_test(answers_head_without_body),
		cmocka_unit_test(refuses_addresses_and_methods),
		cmocka_unit_test(refuses_what_came_to_the_wrong_pool),
		cmocka_unit_test(wants_a_credential),
		cmocka_unit_test(names_postgresql_when_it_is_down),
		cmocka_unit_test(takes_no_foreign_origin),
		cmocka_unit_test(checks_bodies),
		cmocka_unit_test(answers_503_when_the_pool_is_full),
		cmocka_unit_test(previews_hosts_and_the_api_have_nothing_in_common),
		cmocka_unit_test(previews_hosts_know_no_sign_in),
		cmocka_unit_test(never_splits_an_answer),
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests_name("edge", tests, setup, teardown);
}
