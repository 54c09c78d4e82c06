/* strbuf, utf8, path, err: what every other part builds its texts with. */

#include "path.h"
#include "strbuf.h"
#include "unit.h"
#include "utf8.h"

static void err_prefix_puts_words_before(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_NOT_FOUND, "no such %s", "row");
	err_prefix(&e, "project %d", 7);
	assert_string_equal(e.text, "project 7: no such row");
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	err_set(&e, ERR_INVALID, "again: %s", e.text); /* its own text as an argument */
	assert_string_equal(e.text, "again: project 7: no such row");
}

static void err_cuts_long_texts(void **state)
{
	char big[2 * ERR_TEXT_MAX_BYTES];
	struct err e;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_INTERNAL, "%s", big);
	err_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX_BYTES - 1);
}

static void strbuf_stops_at_its_maximum(void **state)
{
	struct strbuf b;
	struct err e;

	(void)state;
	strbuf_init(&b, 10);
	assert_int_equal(strbuf_adds(&b, "12345"), 0);
	assert_int_equal(strbuf_adds(&b, "678901"), -1);
	assert_string_equal(b.data, "12345"); /* a failed add changes nothing */
	assert_err(strbuf_check(&b, "thing", &e), ERR_TOO_LARGE);
	assert_int_equal(strbuf_adds(&b, "67890"), 0);
	assert_true(b.failed); /* stays set, so a run of adds can be checked at its end */
	assert_string_equal(b.data, "1234567890");
	strbuf_reset(&b);
	assert_false(b.failed);
	assert_int_equal(strbuf_addf(&b, "%s-%d", "ab", 42), 0);
	assert_string_equal(b.data, "ab-42");
	assert_int_equal(strbuf_addf(&b, "%s", "too long for it"), -1);
	assert_string_equal(b.data, "ab-42");
	strbuf_fini(&b);
}

static void strbuf_consume_and_steal(void **state)
{
	struct strbuf b;
	char *s;

	(void)state;
	strbuf_init(&b, 1000);
	strbuf_adds(&b, "hello world");
	strbuf_consume(&b, 6);
	assert_string_equal(b.data, "world");
	strbuf_consume(&b, 100);
	assert_string_equal(b.data, "");
	strbuf_adds(&b, "kept");
	s = strbuf_steal(&b);
	assert_string_equal(s, "kept");
	assert_int_equal(b.len, 0);
	free(s);
	s = strbuf_steal(&b); /* of an empty one: still a string */
	assert_string_equal(s, "");
	free(s);
	strbuf_fini(&b);
}

static void utf8_knows_what_is_valid(void **state)
{
	static const struct {
		const char *s;
		bool ok;
	} rows[] = {
		{"", true},
		{"plain", true},
		{"\xC3\xA9", true},
		{"\xE2\x82\xAC", true},
		{"\xF0\x9F\x98\x80", true},
		{"\xF4\x8F\xBF\xBF", true},
		{"\xF4\x90\x80\x80", false}, /* above U+10FFFF */
		{"\xED\xA0\x80", false},     /* a surrogate */
		{"\xC0\xAF", false},	     /* overlong */
		{"\xE0\x80\xAF", false},     /* overlong */
		{"\x80", false},
		{"\xC3", false},
		{"\xC3(", false},
		{"\xFF", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(utf8_valid(rows[i].s, strlen(rows[i].s)), rows[i].ok);
	}
}

static void utf8_copies_whole_characters(void **state)
{
	char buf[6];

	(void)state;
	utf8_copy(buf, sizeof(buf), "abcde");
	assert_string_equal(buf, "abcde");
	utf8_copy(buf, sizeof(buf), "abcdef");
	assert_string_equal(buf, "abcde");
	utf8_copy(buf, sizeof(buf), "abcd\xC3\xA9");
	assert_string_equal(buf, "abcd");
	utf8_copy(buf, 1, "x");
	assert_string_equal(buf, "");
}

static void utf8_finds_the_cut_character(void **state)
{
	(void)state;
	assert_int_equal(utf8_incomplete_tail("ab\xE2\x82", 4), 2);
	assert_int_equal(utf8_incomplete_tail("ab\xF0\x9F\x98", 5), 3);
	assert_int_equal(utf8_incomplete_tail("ab\xC3", 3), 1);
	assert_int_equal(utf8_incomplete_tail("ab\xC3\xA9", 4), 0);
	assert_int_equal(utf8_incomplete_tail("ab", 2), 0);
	assert_int_equal(utf8_incomplete_tail("\x82\x82\x82", 3), 0); /* never a beginning */
	assert_int_equal(utf8_incomplete_tail("", 0), 0);
}

static void utf8_replaces_bad_bytes(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b, 100);
	utf8_add_replaced(&b, "a\xFFz\xC3", 4);
	assert_string_equal(b.data, "a\xEF\xBF\xBDz\xEF\xBF\xBD");
	strbuf_fini(&b);
}

static void path_refuses_what_could_lead_out(void **state)
{
	static const char *const bad[] = {
		"",
		"/etc/passwd",
		"..",
		"../x",
		"a/../b",
		"a/..",
		"./a",
		"a/./b",
		"a//b",
		"a/",
		"a\\b",
		"a\nb",
		"a\x7F"
		"b",
		"\xFF",
		"a/.",
	};
	static const char *const good[] = {
		"index.js", "src/app.tsx", ".env", "a/.b/..c", "...", "a b/ü.js", "node_modules/x",
	};
	char longest[PATH_MAX_BYTES + 2];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(path_check(bad[i], strlen(bad[i]), &e), ERR_INVALID);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(path_check(good[i], strlen(good[i]), &e));
	}
	assert_err(path_check("a\0b", 3, &e), ERR_INVALID);
	memset(longest, 'a', sizeof(longest));
	assert_err(path_check(longest, sizeof(longest) - 1, &e), ERR_INVALID);
	assert_err(path_check(longest, PATH_COMPONENT_MAX + 1, &e), ERR_INVALID);
	assert_ok(path_check(longest, PATH_COMPONENT_MAX, &e));
	for (size_t i = 1; i < PATH_COMPONENTS_MAX * 2 + 2; i += 2) {
		longest[i] = '/';
	}
	assert_ok(path_check(longest, PATH_COMPONENTS_MAX * 2 - 1, &e));
	assert_err(path_check(longest, PATH_COMPONENTS_MAX * 2 + 1, &e), ERR_INVALID);
}

static void path_has_only_whole_components(void **state)
{
	static const char *const with[] = {"x", "x/a", "a/x", "a/x/b", "xx/x", "x/x"};
	static const char *const without[] = {"", "a", "xx", "ax", "xa/b", "a/xb", "a/bx/c", "X"};

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		assert_true(path_has_component(with[i], "x"));
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		assert_false(path_has_component(without[i], "x"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_prefix_puts_words_before),
		cmocka_unit_test(err_cuts_long_texts),
		cmocka_unit_test(strbuf_stops_at_its_maximum),
		cmocka_unit_test(strbuf_consume_and_steal),
		cmocka_unit_test(utf8_knows_what_is_valid),
		cmocka_unit_test(utf8_finds_the_cut_character),
		cmocka_unit_test(utf8_copies_whole_characters),
		cmocka_unit_test(utf8_replaces_bad_bytes),
		cmocka_unit_test(path_refuses_what_could_lead_out),
		cmocka_unit_test(path_has_only_whole_components),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
