/* Searching: the lines of a text, and those of a project's files on a real PostgreSQL. */

#include "project_calls.h"
#include "projects/line_search.h"
#include "projects/versions.h"
#include "utf8.h"

struct wanted {
	int64_t line, column;
	const char *excerpt;
};

static void expect_lines(const char *text, const char *q, bool match_case,
			 const struct wanted *wanted, size_t n)
{
	struct line_search s;
	struct needle needle;
	struct line_hit hit;

	needle_init(&needle, q, match_case);
	line_search_init(&s, text, strlen(text));
	for (size_t i = 0; i < n; i++) {
		assert_true(line_search_next(&s, &needle, &hit));
		assert_int_equal(hit.line, wanted[i].line);
		assert_int_equal(hit.column, wanted[i].column);
		assert_int_equal(hit.excerpt_len, strlen(wanted[i].excerpt));
		assert_memory_equal(hit.excerpt, wanted[i].excerpt, hit.excerpt_len);
	}
	assert_false(line_search_next(&s, &needle, &hit));
}

#define LINES(text, q, match_case, ...)                                                            \
	expect_lines(text, q, match_case, (const struct wanted[]){__VA_ARGS__},                    \
		     sizeof((const struct wanted[]){__VA_ARGS__}) / sizeof(struct wanted))

static void lines_and_columns(void **state)
{
	(void)state;
	LINES("one\ntwo one one\r\n\r\none", "one", true, {1, 1, "one"}, {2, 5, "two one one"},
	      {4, 1, "one"});
	LINES("a\rb\rxb", "b", true, {2, 1, "b"}, {3, 2, "xb"}); /* old Mac */
	LINES("\xF0\x9F\x98\x80\xC3\xA9x", "x", true,
	      {1, 4, "\xF0\x9F\x98\x80\xC3\xA9x"}); /* 2 + 1 UTF-16 units before it */
	LINES("aaab", "aab", true, {1, 2, "aaab"});
	LINES("ababac abab", "abac", true, {1, 3, "ababac abab"});
	expect_lines("on\ne", "one", true, NULL, 0); /* not over the end of a line */
	expect_lines("", "x", true, NULL, 0);
}

static void case_aside(void **state)
{
	(void)state;
	LINES("Hello\nhELLO", "hello", false, {1, 1, "Hello"}, {2, 1, "hELLO"});
	LINES("Hello\nhello", "hello", true, {2, 1, "hello"});
	LINES("stra\xC3\x9F"
	      "E \xC3\x84RGER",
	      "\xC3\xA4rger", false,
	      {1, 8,
	       "stra\xC3\x9F"
	       "E \xC3\x84RGER"});
	/* The Kelvin sign is a k, and three bytes long. */
	LINES("\xE2\x84\xAA"
	      "elvin",
	      "kelvin", false,
	      {1, 1,
	       "\xE2\x84\xAA"
	       "elvin"});
}

/* Every excerpt is valid UTF-8, short, and holds the place. */
static void long_lines_are_cut_around_the_place(void **state)
{
	static char line[5000];
	struct line_search s;
	struct needle needle;
	struct line_hit hit;

	(void)state;
	needle_init(&needle, "here", true);
	for (size_t at = 0; at + 4 <= sizeof(line) - 1; at += 37) {
		for (size_t i = 0; i + 1 < sizeof(line); i += 2) {
			memcpy(line + i, "\xC3\xA9", 2);
		}
		line[sizeof(line) - 1] = '\0';
		memcpy(line + at - at % 2, "here", 4);
		line_search_init(&s, line, strlen(line) & ~1ul);
		assert_true(line_search_next(&s, &needle, &hit));
		assert_in_range(hit.excerpt_len, 200, LINE_EXCERPT_BYTES);
		assert_true(utf8_valid(hit.excerpt, hit.excerpt_len));
		assert_non_null(memmem(hit.excerpt, hit.excerpt_len, "here", 4));
		assert_int_equal(hit.column, at / 2 + 1);
	}
}

/* What takes a naive search the product of both lengths. */
static void hostile_texts_take_linear_time(void **state)
{
	static char text[8 << 20], q[NEEDLE_MAX_BYTES + 1];
	struct line_search s;
	struct needle needle;
	struct line_hit hit;
	int64_t start_ms = clock_mono_ms();

	(void)state;
	memset(text, 'a', sizeof(text));
	memset(q, 'a', sizeof(q) - 2);
	q[sizeof(q) - 2] = 'b';
	needle_init(&needle, q, false);
	line_search_init(&s, text, sizeof(text));
	assert_false(line_search_next(&s, &needle, &hit));
	assert_true(clock_mono_ms() - start_ms < 5000);
}

static json_t *search(const char *id, const char *query)
{
	json_t *answer = NULL;

	assert_int_equal(CALL(&answer, .handler = project_search, .user = ann, .params = {id},
			      .query = query),
			 200);
	return answer;
}

static void the_files_of_a_version_are_searched(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *a = NULL;
	auto_json *old = NULL;
	auto_json *none = NULL;
	const json_t *items;

	(void)state;
	new_project(ann, "Search", id);
	none = search(id, "q=x");
	assert_int_equal(number(none, "version"), 0);
	assert_int_equal(json_array_size(json_object_get(none, "items")), 0);
	assert_int_equal(put(id, "src/b.js", "const Title = 1;\n", NULL), 201);
	assert_int_equal(put(id, "a.txt", "no\n\n  the title\n", NULL), 201);
	assert_int_equal(CALL(NULL, .handler = file_put, .user = ann, .params = {id, "c.dat"},
			      .bytes = "title\0", .len = 6),
			 201);
	assert_int_equal(put(id, "icon.png", "title", NULL), 201); /* by its name no text */
	a = search(id, "q=title");
	items = json_object_get(a, "items");
	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(text(json_array_get(items, 0), "path"), "a.txt");
	assert_int_equal(number(json_array_get(items, 0), "line"), 3);
	assert_int_equal(number(json_array_get(items, 0), "column"), 7);
	assert_string_equal(text(json_array_get(items, 0), "text"), "  the title");
	assert_string_equal(text(json_array_get(items, 1), "path"), "src/b.js");
	assert_true(json_is_false(json_object_get(a, "truncated")));
	assert_true(json_is_null(json_object_get(a, "next")));
	old = search(id, "q=title&version=1&case=true");
	assert_int_equal(json_array_size(json_object_get(old, "items")), 0);
}

static void what_is_found_is_bounded(void **state)
{
	static char lines[61 * 2];
	static struct file_change changes[41];
	static char names[41][8];
	static char big[1024 * 1024];
	const struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	char id[UUID_TEXT_BYTES];
	auto_json *found = NULL;
	auto_json *far = NULL;
	struct err e;
	int64_t n;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(lines); i += 2) {
		memcpy(lines + i, "x\n", 2);
	}
	memset(big, 'y', sizeof(big));
	for (size_t i = 0; i < 41; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%02zu", i);
		changes[i] = (struct file_change){
			.path = names[i], .bytes = lines, .len = sizeof(lines), .mode = 0644};
		if (i >= 21) {
			changes[i].bytes = big;
			changes[i].len = sizeof(big);
		}
	}
	new_project(ann, "Bounds", id);
	assert_ok(version_create(&app, id, 0, changes, 41, &meta, &n, &e));
	found = search(id, "q=x"); /* 21 files of 61 lines */
	assert_int_equal(json_array_size(json_object_get(found, "items")), 1000);
	assert_true(json_is_true(json_object_get(found, "truncated")));
	far = search(id, "q=y"); /* 20 files of 1 MiB */
	assert_int_equal(json_array_size(json_object_get(far, "items")), 15);
	assert_true(json_is_true(json_object_get(far, "truncated")));
}

static void bad_searches(void **state)
{
	static const char *const queries[] = {
		"",	 "q=",	       "q=%00",		"q=%ff",     "q=a%0ab",
		"q=%zz", "q=x&case=1", "q=x&case=TRUE", "q=x&case=", "version=1"};
	char id[UUID_TEXT_BYTES], query[300] = "q=";

	(void)state;
	new_project(ann, "Bad", id);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		assert_int_equal(CALL(NULL, .handler = project_search, .user = ann, .params = {id},
				      .query = queries[i]),
				 400);
	}
	memset(query + 2, 'q', NEEDLE_MAX_BYTES);
	assert_int_equal(
		CALL(NULL, .handler = project_search, .user = ann, .params = {id}, .query = query),
		200);
	query[2 + NEEDLE_MAX_BYTES] = 'q';
	assert_int_equal(
		CALL(NULL, .handler = project_search, .user = ann, .params = {id}, .query = query),
		400);
	assert_int_equal(CALL(NULL, .handler = project_search, .user = ann, .params = {id},
			      .query = "q=x&version=1"),
			 404);
	assert_int_equal(
		CALL(NULL, .handler = project_search, .user = bob, .params = {id}, .query = "q=x"),
		404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_columns),
		cmocka_unit_test(case_aside),
		cmocka_unit_test(long_lines_are_cut_around_the_place),
		cmocka_unit_test(hostile_texts_take_linear_time),
		cmocka_unit_test(the_files_of_a_version_are_searched),
		cmocka_unit_test(what_is_found_is_bounded),
		cmocka_unit_test(bad_searches),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
