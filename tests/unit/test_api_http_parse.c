/* Targets, cookies, matching, errors: what the edge does to hostile bytes before anybody else. */

#include "cleanup.h"
#include "config.h"
#include "http/cookie.h"
#include "http/match.h"
#include "http/origin.h"
#include "http/problem.h"
#include "http/uri.h"
#include "unit.h"

static void decodes_segments(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{"", ""},	{"index.js", "index.js"}, {"a%20b", "a b"}, {"%C3%A9", "é"},
		{"a+b", "a+b"}, {"%2e%2E", ".."},	  {"%25", "%"},	    {"%E2%82%AC", "€"},
	};
	static const char *const bad[] = {
		"%",	 "%2",	"%zz", "%2f",	 "%2F",	      "%00", "a%0ab",
		"a%7fb", "%1b", "%C3", "%c0%af", "%ed%a0%80", "%ff", "%-1",
	};
	char buf[64];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_ok(uri_decode(URI_SEGMENT, good[i].in, strlen(good[i].in), buf, sizeof(buf),
				     &e));
		assert_string_equal(buf, good[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_err(uri_decode(URI_SEGMENT, bad[i], strlen(bad[i]), buf, sizeof(buf), &e),
			   ERR_INVALID);
	}
	assert_err(uri_decode(URI_SEGMENT, "abcd", 4, buf, 4, &e), ERR_INVALID);
	assert_ok(uri_decode(URI_SEGMENT, "abc", 3, buf, 4, &e));
	assert_err(uri_decode(URI_SEGMENT, "", 0, buf, 0, &e), ERR_INVALID);
}

static void splits_targets(void **state)
{
	const char *query;
	size_t len;
	struct err e;
	char huge[URI_MAX_BYTES + 2];

	(void)state;
	assert_ok(uri_split("/a/b?c=d?e", &len, &query, &e));
	assert_int_equal(len, 4);
	assert_string_equal(query, "c=d?e");
	assert_ok(uri_split("/", &len, &query, &e));
	assert_int_equal(len, 1);
	assert_string_equal(query, "");
	assert_err(uri_split("", &len, &query, &e), ERR_INVALID);
	assert_err(uri_split("*", &len, &query, &e), ERR_INVALID);
	assert_err(uri_split("http://x/", &len, &query, &e), ERR_INVALID);
	assert_err(uri_split("/a b", &len, &query, &e), ERR_INVALID);
	assert_err(uri_split("/a#b", &len, &query, &e), ERR_INVALID);
	assert_err(uri_split("/a\x7f", &len, &query, &e), ERR_INVALID);
	memset(huge, 'a', sizeof(huge));
	huge[0] = '/';
	huge[sizeof(huge) - 1] = '\0';
	assert_err(uri_split(huge, &len, &query, &e), ERR_INVALID);
	huge[sizeof(huge) - 2] = '\0';
	assert_ok(uri_split(huge, &len, &query, &e));
}

static void finds_query_parameters(void **state)
{
	char buf[8];
	struct err e;

	(void)state;
	assert_int_equal(uri_query_get("a=1&b=2", "b", buf, sizeof(buf), &e), 1);
	assert_string_equal(buf, "2");
	assert_int_equal(uri_query_get("a=1&a=2", "a", buf, sizeof(buf), &e), 1);
	assert_string_equal(buf, "1");
	assert_int_equal(uri_query_get("aa=1&b", "a", buf, sizeof(buf), &e), 0);
	assert_int_equal(uri_query_get("a", "a", buf, sizeof(buf), &e), 1);
	assert_string_equal(buf, "");
	assert_int_equal(uri_query_get("&&=&a=x+y%2Bz", "a", buf, sizeof(buf), &e), 1);
	assert_string_equal(buf, "x y+z");
	assert_int_equal(uri_query_get("a=%2f", "a", buf, sizeof(buf), &e), 1);
	assert_string_equal(buf, "/");
	assert_int_equal(uri_query_get("", "a", buf, sizeof(buf), &e), 0);
	assert_err(uri_query_get("a=12345678", "a", buf, sizeof(buf), &e), ERR_INVALID);
	assert_err(uri_query_get("a=%0", "a", buf, sizeof(buf), &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "query parameter a"));
}

static void finds_cookies(void **state)
{
	char buf[8];

	(void)state;
	assert_true(cookie_get("a=1; b=2", "b", buf, sizeof(buf)));
	assert_string_equal(buf, "2");
	assert_true(cookie_get("a=1;b=2 ;c=3", "b", buf, sizeof(buf)));
	assert_string_equal(buf, "2");
	assert_true(cookie_get("a=1; a=2", "a", buf, sizeof(buf)));
	assert_string_equal(buf, "1");
	assert_true(cookie_get("x=a=b", "x", buf, sizeof(buf)));
	assert_string_equal(buf, "a=b");
	assert_false(cookie_get("xa=1", "a", buf, sizeof(buf)));
	assert_false(cookie_get("a", "a", buf, sizeof(buf)));
	assert_false(cookie_get("a=", "a", buf, sizeof(buf)));
	assert_false(cookie_get("a=12345678", "a", buf, sizeof(buf)));
	assert_false(cookie_get("a=\"1\"", "a", buf, sizeof(buf)));
	assert_false(cookie_get("a=\xc3\xa9", "a", buf, sizeof(buf)));
	assert_false(cookie_get("", "a", buf, sizeof(buf)));
	assert_false(cookie_get(" ; ;", "a", buf, sizeof(buf)));
}

static const struct route table[] = {
	{.method = "GET", .pattern = "/things"},
	{.method = "POST", .pattern = "/things"},
	{.method = "POST", .pattern = "/things/import"},
	{.method = "GET", .pattern = "/things/{id}"},
	{.method = "GET", .pattern = "/things/{id}/files/{path*}"},
	{.method = "PUT", .pattern = "/things/{id}/files/{path*}"},
	{.method = "GET", .pattern = "/things/{a}/diff/{b}"},
};

/* 0, 1 or -1; the row's number in *ret_row. */
static int match(const char *method, const char *path, struct route_match *m, char *allow,
		 size_t allow_cap, struct err *e)
{
	auto_strbuf list;
	int rc;

	strbuf_init(&list, 100);
	rc = route_match(table, ARRAY_LEN(table), method, path, strlen(path), m, &list, e);
	(void)snprintf(allow, allow_cap, "%s", list.data);
	return rc;
}

static void matches_rows(void **state)
{
	static const struct {
		const char *method, *path;
		size_t row;
		const char *first, *second;
	} cases[] = {
		{"GET", "/things", 0, NULL, NULL},
		{"HEAD", "/things", 0, NULL, NULL},
		{"POST", "/things", 1, NULL, NULL},
		{"POST", "/things/import", 2, NULL, NULL},
		{"GET", "/things/import", 3, "import", NULL},
		{"GET", "/things/a%20b", 3, "a b", NULL},
		{"GET", "/things/1/files/a/b%20c.js", 4, "1", "a/b c.js"},
		{"GET", "/things/1/files/../../x", 4, "1", "../../x"},
		{"GET", "/things/1/files//x", 4, "1", "/x"},
		{"GET", "/things/1/files/x/", 4, "1", "x/"},
		{"PUT", "/things/1/files/x", 5, "1", "x"},
		{"GET", "/things/1/diff/2", 6, "1", "2"},
	};
	struct route_match m;
	char allow[100];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			match(cases[i].method, cases[i].path, &m, allow, sizeof(allow), &e), 0);
		assert_ptr_equal(m.route, &table[cases[i].row]);
		assert_true(cases[i].first ? strcmp(m.params[0], cases[i].first) == 0
					   : !m.params[0]);
		assert_true(cases[i].second ? strcmp(m.params[1], cases[i].second) == 0
					    : !m.params[1]);
		free(m.buf);
	}
}

static void refuses_what_is_no_row(void **state)
{
	static const char *const unknown[] = {
		"/",
		"/thing",
		"/things/",
		"//things",
		"/%74hings",
		"/things//files/x",
		"/things/1/files",
		"/things/1/files/",
		"/things/1/diff",
		"/things/1/2",
	};
	struct route_match m;
	char allow[100];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		assert_err(match("GET", unknown[i], &m, allow, sizeof(allow), &e), ERR_NOT_FOUND);
	}
	assert_err(match("GET", "/things/a%2fb", &m, allow, sizeof(allow), &e), ERR_INVALID);
	assert_err(match("GET", "/things/1/files/a%2fb", &m, allow, sizeof(allow), &e),
		   ERR_INVALID);
	assert_int_equal(match("DELETE", "/things", &m, allow, sizeof(allow), &e), 1);
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_int_equal(match("GETX", "/things/1/diff/2", &m, allow, sizeof(allow), &e), 1);
	assert_string_equal(allow, "GET, HEAD");
}

static void maps_every_kind(void **state)
{
	struct err e;
	struct problem p;

	(void)state;
	for (int kind = ERR_INTERNAL; kind <= ERR_NO_SPACE; kind++) {
		auto_json *body = NULL;

		err_set(&e, (enum err_kind)kind, "words");
		problem_of(&e, &p);
		assert_in_range(p.status, 400, 599);
		assert_memory_equal(p.type, "/problems/", 10);
		assert_string_equal(p.detail, kind == ERR_INTERNAL ? p.detail : "words");
		body = problem_json(&p, "id");
		assert_int_equal(json_object_size(body), 5);
	}
}

static void hides_internals(void **state)
{
	struct err e;
	struct problem p;

	(void)state;
	err_set(&e, ERR_INTERNAL, "secret");
	problem_of(&e, &p);
	assert_null(strstr(p.detail, "secret"));
	err_set(&e, ERR_UNAVAILABLE, "PostgreSQL: connection to socket \"/run/x\" failed");
	problem_of(&e, &p);
	assert_null(strstr(p.detail, "/run"));
	assert_non_null(strstr(p.detail, "PostgreSQL"));
	err_set(&e, ERR_CONFLICT, "PostgreSQL: duplicate key value (23505)");
	problem_of(&e, &p);
	assert_null(strstr(p.detail, "duplicate"));
	err_set(&e, ERR_UNAVAILABLE, "Docker: no answer");
	problem_of(&e, &p);
	assert_string_equal(p.detail, "Docker: no answer");
}

static bool ours(const char *public_url, const char *origin)
{
	struct config *config;
	struct err e;
	bool yes;

	setenv("SLIPWAY_PUBLIC_URL", public_url, 1);
	setenv("SLIPWAY_PORT", "8123", 1);
	assert_ok(config_load(NULL, &config, &e));
	yes = origin_is_ours(config, origin);
	config_destroy(config);
	return yes;
}

static void knows_its_origin(void **state)
{
	(void)state;
	assert_true(ours("", "http://localhost:8123"));
	assert_true(ours("", "http://127.0.0.1:8123"));
	assert_true(ours("", "http://[::1]:8123"));
	assert_false(ours("", "http://localhost"));
	assert_false(ours("", "https://localhost:8123"));
	assert_false(ours("", "http://x.preview.localhost:8123"));
	assert_false(ours("", "http://localhost:8123.evil.example"));
	assert_false(ours("", "null"));
	assert_false(ours("", ""));
	assert_true(ours("https://build.example.com", "https://build.example.com"));
	assert_true(ours("https://build.example.com/", "https://build.example.com"));
	assert_true(ours("https://Build.example.com:443", "https://build.example.com"));
	assert_true(ours("http://build.example.com:80", "http://build.example.com"));
	assert_false(ours("https://build.example.com", "http://build.example.com"));
	assert_false(ours("https://build.example.com", "https://build.example.com.evil.example"));
	assert_false(ours("https://build.example.com", "https://build.example.com:8443"));
	assert_false(ours("https://build.example.com", "http://localhost:8123"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_segments),	  cmocka_unit_test(splits_targets),
		cmocka_unit_test(finds_query_parameters), cmocka_unit_test(finds_cookies),
		cmocka_unit_test(matches_rows),		  cmocka_unit_test(refuses_what_is_no_row),
		cmocka_unit_test(maps_every_kind),	  cmocka_unit_test(hides_internals),
		cmocka_unit_test(knows_its_origin),
	};

	return cmocka_run_group_tests_name("edge parsers", tests, NULL, NULL);
}
