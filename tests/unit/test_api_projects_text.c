/* The parts of projects that need no database: slugs, cursors, entity tags, entries, change sets.
 */

#include "exchange_fake.h"
#include "projects/change_set.h"
#include "projects/content_type.h"
#include "projects/entry.h"
#include "projects/etag.h"
#include "projects/page.h"
#include "projects/slug.h"
#include "unit.h"

static void slug_is_a_dns_label(void **state)
{
	static const char *const names[] = {
		"Todo App",
		"  --  ",
		"",
		"Ünïcödé ☃",
		"a very long name that goes on and on and on until nobody can read it any more at "
		"all",
		"xn--trick",
		"-leading and trailing-",
		"x",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char slug[SLUG_BYTES + 1];
		size_t len;

		assert_ok(slug_make(names[i], slug, &e));
		len = strlen(slug);
		assert_in_range(len, SLUG_RANDOM_BYTES + 2, SLUG_BYTES);
		assert_int_equal(strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-"), len);
		assert_true(slug[0] != '-' && slug[len - 1] != '-');
		assert_null(strstr(slug, "--"));
		assert_null(memchr(slug + len - SLUG_RANDOM_BYTES, '-', SLUG_RANDOM_BYTES));
	}
}

static void slug_keeps_the_words(void **state)
{
	char a[SLUG_BYTES + 1], b[SLUG_BYTES + 1];
	struct err e;

	(void)state;
	assert_ok(slug_make("My Todo_App 2!", a, &e));
	assert_ok(slug_make("My Todo_App 2!", b, &e));
	assert_int_equal(strncmp(a, "my-todo-app-2-", 14), 0);
	assert_string_not_equal(a, b);
}

static void cursor_round_trip(void **state)
{
	static const char *const keys[] = {"2026-01-31 12:00:00.123456+00",
					   "5e1a2b3c-0000-4000-8000-000000000000", "ü"};
	struct err e;

	(void)state;
	for (size_t n = 1; n <= 3; n++) {
		char text[CURSOR_TEXT_MAX];
		struct cursor c;

		assert_ok(cursor_encode(keys, n, text, &e));
		assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789-_"),
				 strlen(text));
		assert_ok(cursor_decode(text, n, &c, &e));
		assert_true(c.set);
		for (size_t i = 0; i < n; i++) {
			assert_string_equal(c.keys[i], keys[i]);
		}
		assert_err(cursor_decode(text, n == 1 ? 2 : n - 1, &c, &e), ERR_INVALID);
	}
}

static void cursor_refuses_what_it_did_not_give(void **state)
{
	static const char *const bad[] = {"A",	"AA",	"!!!!", "YQ==", "YR",
					  "Hw", "AGEA", "_w",	"YWEf", "H2Fh"};
	struct cursor c;
	struct err e;
	char longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(cursor_decode(bad[i], 1, &c, &e), ERR_INVALID);
	}
	memset(longest, 'Y', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_err(cursor_decode(longest, 1, &c, &e), ERR_INVALID);
	assert_ok(cursor_decode("", 1, &c, &e));
	assert_false(c.set);
	assert_null(c.keys[0]);
}

static void etags_are_compared_as_rfc_9110_says(void **state)
{
	(void)state;
	assert_true(etag_list_has("\"v1\"", "\"v1\"", false));
	assert_true(etag_list_has("\"v0\", \"v1\"", "\"v1\"", false));
	assert_true(etag_list_has("\"a,b\" ,\t\"v1\"", "\"v1\"", false));
	assert_false(etag_list_has("W/\"v1\"", "\"v1\"", false));
	assert_true(etag_list_has("W/\"v1\"", "\"v1\"", true));
	assert_false(etag_list_has("\"v12\"", "\"v1\"", true));
	assert_false(etag_list_has("v1", "\"v1\"", true));
	assert_false(etag_list_has("\"v1", "\"v1\"", true));
	assert_false(etag_list_has("", "\"v1\"", true));
	assert_false(etag_list_has(",,,", "\"v1\"", true));
}

static void conditions_of_writes(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_init(&f, NULL, NULL);
	assert_ok(etag_check_write(&f.rq, NULL, &e));
	assert_ok(etag_check_write(&f.rq, "\"v1\"", &e));
	fake_header(&f, "HTTP_IF_MATCH", "\"v1\"");
	assert_ok(etag_check_write(&f.rq, "\"v1\"", &e));
	assert_err(etag_check_write(&f.rq, "\"v2\"", &e), ERR_PRECONDITION);
	assert_err(etag_check_write(&f.rq, NULL, &e), ERR_PRECONDITION);
	f.headers[0][1] = "*";
	assert_ok(etag_check_write(&f.rq, "\"v2\"", &e));
	assert_err(etag_check_write(&f.rq, NULL, &e), ERR_PRECONDITION);
	f.headers[0][0] = "HTTP_IF_NONE_MATCH";
	assert_ok(etag_check_write(&f.rq, NULL, &e));
	assert_err(etag_check_write(&f.rq, "\"v2\"", &e), ERR_PRECONDITION);
	fake_fini(&f);
}

static void main_of_package_json(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{"{\"main\":\"server.js\"}", "server.js"},
		{"{\"main\":\"./src/a.js\"}", "src/a.js"},
		{"{\"main\":\"../etc/passwd\"}", ""},
		{"{\"main\":\"/etc/passwd\"}", ""},
		{"{\"main\":\"\"}", ""},
		{"{\"main\":{\"a\":1}}", ""},
		{"{\"name\":\"x\"}", ""},
		{"[]", ""},
		{"not json", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[PATH_MAX_BYTES + 1];

		entry_of_package_json(cases[i].text, strlen(cases[i].text), path);
		assert_string_equal(path, cases[i].path);
	}
}

static void change_sets_are_checked(void **state)
{
	struct file_change c[2] = {
		{.path = "a", .bytes = "1", .len = 1, .mode = 0644},
		{.path = "b/c", .bytes = NULL},
	};
	struct change_set set = {0};
	struct err e;
	char *text;

	(void)state;
	assert_ok(change_set_init(&set, c, 2, &e));
	assert_string_equal(set.by_hash[0].change->path, "b/c"); /* deletions come first */
	assert_string_equal(set.by_hash[1].sha256,
			    "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
	text = change_set_json(&set);
	assert_non_null(strstr(text, "\"sha256\":null"));
	free(text);
	change_set_fini(&set);

	c[1].path = "a";
	assert_err(change_set_init(&set, c, 2, &e), ERR_INVALID);
	change_set_fini(&set);
	c[1].path = "../x";
	assert_err(change_set_init(&set, c, 2, &e), ERR_INVALID);
	change_set_fini(&set);
	c[0].mode = 04755;
	assert_err(change_set_init(&set, c, 1, &e), ERR_INVALID);
	change_set_fini(&set);
	c[0].mode = 0755;
	c[0].len = FILE_MAX_BYTES + 1;
	assert_err(change_set_init(&set, c, 1, &e), ERR_TOO_LARGE);
	change_set_fini(&set);
	assert_ok(change_set_init(&set, NULL, 0, &e));
	change_set_fini(&set);
	change_set_fini(&set);
}

static void content_types(void **state)
{
	(void)state;
	assert_string_equal(content_type_of("a/b.HTML"), "text/html; charset=utf-8");
	assert_string_equal(content_type_of("a.js/b"), "application/octet-stream");
	assert_string_equal(content_type_of("noext"), "application/octet-stream");
	assert_string_equal(content_type_of(".json"), "application/json");
	assert_string_equal(content_type_of("x."), "application/octet-stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slug_is_a_dns_label),
		cmocka_unit_test(slug_keeps_the_words),
		cmocka_unit_test(cursor_round_trip),
		cmocka_unit_test(cursor_refuses_what_it_did_not_give),
		cmocka_unit_test(etags_are_compared_as_rfc_9110_says),
		cmocka_unit_test(conditions_of_writes),
		cmocka_unit_test(main_of_package_json),
		cmocka_unit_test(change_sets_are_checked),
		cmocka_unit_test(content_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
