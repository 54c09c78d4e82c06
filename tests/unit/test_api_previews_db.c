/* Tickets and share links on a real PostgreSQL, as browsers meet them. */

#include "grant.h"
#include "previews/handlers.h"
#include "previews/preview_url.h"
#include "previews/way_in.h"
#include "project_calls.h"

#include <time.h>

/* A request to a preview's host, and what became of it. */
struct visit {
	route_handler *handler;
	const char *url; /* as the API gave it: host and path are taken from it */
	const char *method, *form, *header[2];
	int status;
	char location[200], cookie[300];
};

static void split_url(const char *url, char host[100], char path[200])
{
	const char *from = strstr(url, "://") + 3;
	size_t len = strcspn(from, "/");

	(void)snprintf(host, 100, "%.*s", (int)len, from);
	(void)snprintf(path, 200, "%s", from + len);
}

static void take_header(const struct fake *f, const char *name, char *buf, size_t cap)
{
	const char *at = strstr(f->out.data, name);

	buf[0] = '\0';
	if (at) {
		at += strlen(name);
		(void)snprintf(buf, cap, "%.*s", (int)strcspn(at, "\r"), at);
	}
}

static void visit(struct visit *v)
{
	char host[100], path[200];
	struct fake f;
	struct err e;

	split_url(v->url, host, path);
	fake_init(&f, NULL, NULL);
	fake_header(&f, "HTTP_HOST", host);
	if (v->header[0]) {
		fake_header(&f, v->header[0], v->header[1]);
	}
	if (v->form) {
		fake_header(&f, "CONTENT_TYPE", "application/x-www-form-urlencoded");
		f.rq.body = v->form;
		f.rq.body_len = strlen(v->form);
	}
	f.rq.method = v->method ? v->method : "GET";
	f.rs.head_only = strcmp(f.rq.method, "HEAD") == 0;
	f.rq.path = path;
	if (strchr(path, '?')) {
		f.rq.query = strchr(path, '?') + 1;
		*strchr(path, '?') = '\0';
	}
	f.rq.params[0] = strrchr(path, '/') + 1;
	if (v->handler(&app, &f.rq, &f.rs, &e) < 0) {
		struct problem p;

		problem_of(&e, &p);
		v->status = p.status;
	} else {
		v->status = f.rs.status;
	}
	take_header(&f, "Location: ", v->location, sizeof(v->location));
	take_header(&f, "Set-Cookie: ", v->cookie, sizeof(v->cookie));
	fake_fini(&f);
}

#define VISIT(v, ...)                                                                              \
	do {                                                                                       \
		(v) = (struct visit){__VA_ARGS__};                                                 \
		visit(&(v));                                                                       \
	} while (0)

/* The grant in a Set-Cookie header, opened with the key the router has. */
static void open_cookie(const char *cookie, int64_t now_s, struct grant *ret)
{
	unsigned char key[GRANT_KEY_BYTES];
	struct err e;

	assert_int_equal(strncmp(cookie, GRANT_COOKIE "=", strlen(GRANT_COOKIE) + 1), 0);
	cookie += strlen(GRANT_COOKIE) + 1;
	assert_ok(way_in_key(&app, key, &e));
	assert_ok(grant_open(key, cookie, strcspn(cookie, ";"), now_s, ret, &e));
}

static void ticket(const char *user, const char *id, const char *body, char ret_url[400])
{
	auto_json *answer = NULL;

	assert_int_equal(CALL(&answer, .handler = preview_ticket_post, .user = user, .body = body,
			      .params = {id}),
			 201);
	(void)snprintf(ret_url, 400, "%s", text(answer, "url"));
}

static void share(const char *id, const char *body, char ret_id[UUID_TEXT_BYTES], char ret_url[400])
{
	auto_json *answer = NULL;

	assert_int_equal(
		CALL(&answer, .handler = shares_create, .user = ann, .body = body, .params = {id}),
		201);
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", text(answer, "id"));
	(void)snprintf(ret_url, 400, "%s", text(answer, "url"));
}

static void sql(const char *statement)
{
	struct err e;

	assert_ok(db_query(pg.db, statement, DB_NO_ARGS, NULL, &e));
}

static void a_ticket_lets_one_browser_in_once(void **state)
{
	char id[UUID_TEXT_BYTES], url[400];
	struct grant g;
	struct visit v;

	(void)state;
	new_project(ann, "Ticket", id);
	ticket(ann, id, "{\"path\":\"/a b?c=1\"}", url);
	VISIT(v, .handler = preview_enter_get, .url = url, .method = "HEAD");
	assert_int_equal(v.status, 403);
	VISIT(v, .handler = preview_enter_get, .url = url,
	      .header = {"HTTP_SEC_PURPOSE", "prefetch"});
	assert_int_equal(v.status, 503);
	VISIT(v, .handler = preview_enter_get, .url = url,
	      .header = {"HTTP_USER_AGENT", "Slackbot 1.0"});
	assert_int_equal(v.status, 403);
	assert_string_equal(v.cookie, "");

	VISIT(v, .handler = preview_enter_get, .url = url);
	assert_int_equal(v.status, 303);
	assert_string_equal(v.location, "/a%20b?c=1");
	assert_non_null(strstr(v.cookie, "; Path=/; Max-Age=43200; Secure; HttpOnly;"
					 " SameSite=None; Partitioned"));
	open_cookie(v.cookie, time(NULL), &g);
	assert_int_equal(g.level, GRANT_OWNER);
	assert_string_equal(g.project_id, id);
	assert_string_equal(g.subject, ann);

	VISIT(v, .handler = preview_enter_get, .url = url);
	assert_int_equal(v.status, 403);
	assert_string_equal(v.cookie, "");
}

static void a_ticket_that_is_old_or_foreign_lets_nobody_in(void **state)
{
	char id[UUID_TEXT_BYTES], other[UUID_TEXT_BYTES], url[400], wrong[600], other_url[400];
	struct visit v;

	(void)state;
	new_project(ann, "One", id);
	new_project(ann, "Two", other);
	ticket(ann, id, "{}", url);
	ticket(ann, other, "{}", other_url);
	/* the one's ticket at the other's host */
	(void)snprintf(wrong, sizeof(wrong), "%.*s%s",
		       (int)(strstr(other_url, "/.slipway") - other_url), other_url,
		       strstr(url, "/.slipway"));
	VISIT(v, .handler = preview_enter_get, .url = wrong);
	assert_int_equal(v.status, 403);
	/* which does not use it up */
	sql("UPDATE preview_tickets SET expires_at = now() - interval '1 second'"
	    " WHERE used_at IS NULL");
	VISIT(v, .handler = preview_enter_get, .url = url);
	assert_int_equal(v.status, 403);

	ticket(ann, id, "{}", url);
	sql("UPDATE projects SET deleted_at = now() WHERE name = 'One'");
	VISIT(v, .handler = preview_enter_get, .url = url);
	assert_int_equal(v.status, 403);
	assert_int_equal(CALL(NULL, .handler = preview_ticket_post, .user = ann, .body = "{}",
			      .params = {id}),
			 404);
	assert_int_equal(CALL(NULL, .handler = preview_ticket_post, .user = bob, .body = "{}",
			      .params = {other}),
			 404);
}

static void a_ticket_leads_to_no_other_host(void **state)
{
	static const char *const bodies[] = {
		"{\"path\":\"//evil.example\"}",
		"{\"path\":\"/\\\\evil.example\"}",
		"{\"path\":\"https://evil.example\"}",
		"{\"path\":\"\"}",
		"{\"path\":\"/\\tevil\"}",
		"{\"path\":\"/\\r\\nSet-Cookie: a=b\"}",
		"{\"path\":5}",
		"{\"paht\":\"/\"}",
	};
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "Local", id);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(CALL(NULL, .handler = preview_ticket_post, .user = ann,
				      .body = bodies[i], .params = {id}),
				 400);
	}
}

static void a_share_counts_who_it_lets_in(void **state)
{
	char id[UUID_TEXT_BYTES], sid[UUID_TEXT_BYTES], url[400];
	auto_json *read = NULL;
	auto_json *list = NULL;
	struct grant g;
	struct visit v;

	(void)state;
	new_project(ann, "Shared", id);
	share(id, "{\"name\":\"For Grace\"}", sid, url);
	VISIT(v, .handler = share_open_get, .url = url, .method = "HEAD");
	assert_int_equal(v.status, 200);
	VISIT(v, .handler = share_open_get, .url = url, .header = {"HTTP_PURPOSE", "prefetch"});
	assert_int_equal(v.status, 503);
	VISIT(v, .handler = share_open_get, .url = url,
	      .header = {"HTTP_USER_AGENT", "Twitterbot/1.0"});
	assert_int_equal(v.status, 200);
	assert_string_equal(v.cookie, "");
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 303);
	assert_string_equal(v.location, "/");
	open_cookie(v.cookie, time(NULL), &g);
	assert_int_equal(g.level, GRANT_SHARE);
	assert_string_equal(g.project_id, id);
	assert_string_equal(g.subject, sid);
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST", .form = "");
	assert_int_equal(v.status, 303);

	assert_int_equal(CALL(&read, .handler = share_get, .user = ann, .params = {id, sid}), 200);
	assert_int_equal(number(read, "opens"), 2);
	assert_string_equal(text(read, "name"), "For Grace");
	assert_string_equal(text(read, "url"), url);
	assert_true(json_is_string(json_object_get(read, "last_opened_at")));
	assert_true(json_is_null(json_object_get(read, "expires_at")));
	assert_int_equal(CALL(&list, .handler = shares_list, .user = ann, .params = {id}), 200);
	assert_true(json_equal(json_array_get(json_object_get(list, "items"), 0), read));
	assert_int_equal(CALL(NULL, .handler = shares_list, .user = bob, .params = {id}), 404);
	assert_int_equal(CALL(NULL, .handler = share_get, .user = bob, .params = {id, sid}), 404);
	assert_int_equal(CALL(NULL, .handler = share_delete, .user = bob, .params = {id, sid}),
			 404);
}

static void a_share_ends(void **state)
{
	char id[UUID_TEXT_BYTES], sid[UUID_TEXT_BYTES], url[400], wrong[400];
	auto_json *changed = NULL;
	struct grant g;
	struct visit v;

	(void)state;
	new_project(ann, "Ending", id);
	share(id, "{\"expires_in_s\":3600}", sid, url);
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 303);
	open_cookie(v.cookie, time(NULL), &g);
	assert_in_range(g.expires_s - time(NULL), 3590, 3601);
	sql("UPDATE shares SET expires_at = now() - interval '1 second'");
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 410);
	assert_int_equal(CALL(&changed, .handler = share_patch, .user = ann,
			      .body = "{\"expires_at\":null,\"name\":\"Again\"}",
			      .params = {id, sid}),
			 200);
	assert_true(json_is_null(json_object_get(changed, "expires_at")));
	assert_string_equal(text(changed, "name"), "Again");
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 303);

	assert_int_equal(CALL(NULL, .handler = share_delete, .user = ann, .params = {id, sid}),
			 204);
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 410);
	assert_int_equal(CALL(NULL, .handler = share_patch, .user = ann, .body = "{\"name\":\"x\"}",
			      .params = {id, sid}),
			 409);
	assert_int_equal(CALL(NULL, .handler = share_delete, .user = ann, .params = {id, sid}),
			 204);

	/* one bit of the token */
	(void)snprintf(wrong, sizeof(wrong), "%s", url);
	wrong[strlen(wrong) - 5] ^= 1;
	VISIT(v, .handler = share_open_get, .url = wrong);
	assert_int_equal(v.status, 404);
}

static void a_share_asks_for_its_password(void **state)
{
	char id[UUID_TEXT_BYTES], sid[UUID_TEXT_BYTES], url[400];
	struct visit v;

	(void)state;
	new_project(ann, "Secret", id);
	share(id, "{\"password\":\"open sesame\"}", sid, url);
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 200);
	assert_string_equal(v.cookie, "");
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
	      .form = "password=open+sesame", .header = {"HTTP_SEC_FETCH_SITE", "same-site"});
	assert_int_equal(v.status, 403);
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
	      .form = "password=open+sesame", .header = {"HTTP_ORIGIN", "http://evil.example"});
	assert_int_equal(v.status, 403);
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
	      .form = "password=open+sesame", .header = {"HTTP_ORIGIN", "null"});
	assert_int_equal(v.status, 303);
	for (int i = 0; i < 5; i++) {
		VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
		      .form = i % 2 ? "password=wrong" : "nonsense");
		assert_int_equal(v.status, 401);
		assert_string_equal(v.cookie, "");
	}
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
	      .form = "password=open+sesame");
	assert_int_equal(v.status, 429);
	sql("UPDATE password_failures SET locked_until = now()");
	VISIT(v, .handler = share_open_post, .url = url, .method = "POST",
	      .form = "password=open%20sesame");
	assert_int_equal(v.status, 303);
	assert_int_equal(CALL(NULL, .handler = share_patch, .user = ann,
			      .body = "{\"password\":null}", .params = {id, sid}),
			 200);
	VISIT(v, .handler = share_open_get, .url = url);
	assert_int_equal(v.status, 303);
}

static void bad_shares(void **state)
{
	static const char *const bodies[] = {
		"{\"password\":\"short\"}",
		"{\"password\":\"with\\ttabs in it\"}",
		"{\"name\":\"a\\nb\"}",
		"{\"expires_at\":\"2020-01-01T00:00:00Z\"}",
		"{\"expires_at\":\"9999-01-01T00:00:00Z\"}",
		"{\"expires_at\":\"tomorrow\"}",
		"{\"expires_in_s\":59}",
		"{\"expires_in_s\":60,\"expires_at\":\"2030-01-01T00:00:00Z\"}",
		"{\"url\":\"x\"}",
	};
	char id[UUID_TEXT_BYTES], sid[UUID_TEXT_BYTES], url[400];

	(void)state;
	new_project(ann, "Bad shares", id);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(CALL(NULL, .handler = shares_create, .user = ann,
				      .body = bodies[i], .params = {id}),
				 400);
	}
	for (int i = 0; i < 100; i++) {
		share(id, "{}", sid, url);
	}
	assert_int_equal(
		CALL(NULL, .handler = shares_create, .user = ann, .body = "{}", .params = {id}),
		422);
	assert_int_equal(CALL(NULL, .handler = share_delete, .user = ann, .params = {id, sid}),
			 204);
	share(id, "{}", sid, url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_lets_one_browser_in_once),
		cmocka_unit_test(a_ticket_that_is_old_or_foreign_lets_nobody_in),
		cmocka_unit_test(a_ticket_leads_to_no_other_host),
		cmocka_unit_test(a_share_counts_who_it_lets_in),
		cmocka_unit_test(a_share_ends),
		cmocka_unit_test(a_share_asks_for_its_password),
		cmocka_unit_test(bad_shares),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
