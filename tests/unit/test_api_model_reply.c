#include "model/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>

/* What a parse reported, as text: neighbouring prose and data joined. */
struct trace {
	struct strbuf text;
	enum reply_event_type last;
};

static int on_event(void *ctx, const struct reply_event *event, struct err *e)
{
	static const char *const names[] = {
		[REPLY_PROSE] = "prose",    [REPLY_FILE_BEGIN] = "begin",
		[REPLY_FILE_DATA] = "data", [REPLY_FILE_END] = "end",
		[REPLY_FILE_CUT] = "cut",   [REPLY_FILE_REFUSED] = "refused",
		[REPLY_DELETE] = "delete",
	};
	struct trace *t = ctx;
	bool joins = event->type == REPLY_PROSE || event->type == REPLY_FILE_DATA;

	(void)e;
	if (!joins || t->last != event->type || t->text.len == 0) {
		strbuf_addf(&t->text, "%s%s:%s:%s", t->text.len ? "|" : "", names[event->type],
			    event->path, event->type == REPLY_FILE_REFUSED ? event->reason : "");
	}
	strbuf_add(&t->text, event->data, event->len);
	t->last = event->type;
	return 0;
}

/* Feeds text in two pieces split at `at`, or byte by byte when at is SIZE_MAX. */
static char *parse_split(const char *text, size_t len, size_t at)
{
	struct trace t = {.last = REPLY_DELETE};
	struct reply_parser p;
	struct err e;

	strbuf_init(&t.text, 1 << 20);
	reply_parser_init(&p, on_event, &t);
	if (at == SIZE_MAX) {
		for (size_t i = 0; i < len; i++) {
			assert_int_equal(reply_parser_feed(&p, text + i, 1, &e), 0);
		}
	} else {
		assert_int_equal(reply_parser_feed(&p, text, at, &e), 0);
		assert_int_equal(reply_parser_feed(&p, text + at, len - at, &e), 0);
	}
	assert_int_equal(reply_parser_end(&p, &e), 0);
	reply_parser_fini(&p);
	assert_false(t.text.failed);
	return strbuf_steal(&t.text);
}

static void expect(const char *text, const char *want)
{
	size_t len = strlen(text);

	for (size_t at = 0; at <= len + 1; at++) {
		char *got = parse_split(text, len, at > len ? SIZE_MAX : at);

		if (strcmp(got, want) != 0) {
			print_error("split at %zu of: %s\n", at, text);
		}
		assert_string_equal(got, want);
		free(got);
	}
}

static void test_files_deletions_and_prose(void **state)
{
	(void)state;
	expect("Here it is: grün.\n\n<slipway-file path=\"index.js\">\nconst a = '<b>';\n\n"
	       "</slipway-file>\nAnd\n<slipway-delete path=\"old.js\"/>\nDone.",
	       "prose::Here it is: grün.\n\n|begin:index.js:|data:index.js:const a = '<b>';\n\n|"
	       "end:index.js:|prose::And\n|delete:old.js:|prose::\nDone.");
}

static void test_attributes_are_tolerated(void **state)
{
	(void)state;
	expect("<slipway-file  lang='js'  path = 'a b.js' >\nx\n</slipway-file>\n",
	       "begin:a b.js:|data:a b.js:x\n|end:a b.js:");
	expect("  <slipway-file path=src/a.js>\nx\n  </slipway-file >  \n",
	       "begin:src/a.js:|data:src/a.js:x\n|end:src/a.js:");
	expect("<slipway-delete path=src/a.js/>", "delete:src/a.js:");
	expect("<slipway-delete path=\"a>b\" >", "delete:a>b:");
}

static void test_carriage_returns(void **state)
{
	(void)state;
	expect("<slipway-file path=\"a\">\r\nx\r\n</slipway-file>\r\nend\r\n",
	       "begin:a:|data:a:x\r\n|end:a:|prose::end\r\n");
}

static void test_one_line_and_empty_files(void **state)
{
	(void)state;
	expect("<slipway-file path=\"a\">hi <b></slipway-file>\nbye",
	       "begin:a:|data:a:hi <b>|end:a:|prose::bye");
	expect("<slipway-file path=\"a\"></slipway-file>", "begin:a:|end:a:");
	expect("<slipway-file path=\"a\">\n</slipway-file>", "begin:a:|end:a:");
	expect("<slipway-file path=\"a\"/>\nrest", "begin:a:|end:a:|prose::\nrest");
}

static void test_tags_that_end_a_line(void **state)
{
	(void)state;
	expect("Here: <slipway-file path=\"a\"> \r\nx\n</slipway-file>\nAnd <slipway-delete "
	       "path=b/>\n",
	       "prose::Here: |begin:a:|data:a:x\n|end:a:|prose::And |delete:b:|prose::\n");
	expect("a <<slipway-delete path=b/>\n", "prose::a <|delete:b:|prose::\n");
	expect("<<slipway-delete path=b/>\n", "prose::<|delete:b:|prose::\n");
	expect("a <slipway-delete path=b/> c\n<slipway-delete path=\"d\"/>",
	       "prose::a <slipway-delete path=b/> c\n|delete:d:");
	expect("a <slipway-file path=\"b\n<slipway-delete path=c/>\n",
	       "prose::a <slipway-file path=\"b\n|delete:c:|prose::\n");
	expect("a <slipway-file path=b>", "prose::a <slipway-file path=b>");
}

static void test_what_only_looks_like_a_tag(void **state)
{
	(void)state;
	expect("A `<slipway-file path=\"x\">` tag\n<slipway-files path=\"x\">\n<slip\n<p>\n<",
	       "prose::A `<slipway-file path=\"x\">` tag\n<slipway-files "
	       "path=\"x\">\n<slip\n<p>\n<");
	expect("<slipway-file path=\"a\">\nconst s = '</slipway-file>';\n </slipway-file> x\n"
	       "<slipway-file path=\"b\">\n</slipway-fil\n</slipway-file>\n",
	       "begin:a:|data:a:const s = '</slipway-file>';\n </slipway-file> x\n"
	       "<slipway-file path=\"b\">\n</slipway-fil\n|end:a:");
}

static void test_thoughts_are_prose(void **state)
{
	(void)state;
	expect("\n<think>\n<slipway-file path=\"a\">\nno\n</slipway-file>\n</think>\n"
	       "<slipway-file path=\"b\">\nyes\n</slipway-file>\n",
	       "prose::\n<think>\n<slipway-file path=\"a\">\nno\n</slipway-file>\n</think>\n|"
	       "begin:b:|data:b:yes\n|end:b:");
	expect("a\n<think>\n<slipway-delete path=\"a\"/>", "prose::a\n<think>\n|delete:a:");
}

static void test_bad_paths_are_refused_and_others_go_on(void **state)
{
	static const char *const bad[] = {"../x", "/etc/passwd", "a//b", "", "a\\b", "a/./b"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[200];
		char *got;

		snprintf(text, sizeof(text),
			 "<slipway-file path=\"%s\">\nx\n</slipway-file>\n"
			 "<slipway-file path=\"ok\">\ny\n</slipway-file>\n",
			 bad[i]);
		got = parse_split(text, strlen(text), SIZE_MAX);
		assert_memory_equal(got, "refused:", 8);
		assert_non_null(strstr(got, "|begin:ok:|data:ok:y\n|end:ok:"));
		free(got);
	}
	expect("<slipway-file>\nx\n</slipway-file>\n", "refused::the tag has no path");
	expect("<slipway-file path>\nx\n</slipway-file>\n", "refused::the tag has no path");
	expect("<slipway-file path=\"a.js>\nx\n</slipway-file>\nb",
	       "refused:a.js>:the tag does not end on its line|prose::b");
	expect("<slipway-delete path='a\n<slipway-delete path='b'>",
	       "refused:a:the tag does not end on its line|delete:b:");
}

static void test_cut_replies(void **state)
{
	(void)state;
	expect("<slipway-file path=\"a\">\nhalf", "begin:a:|data:a:half|cut:a:");
	expect("<slipway-file path=\"a\">\nhalf\n</slipway-fi", "begin:a:|data:a:half\n|cut:a:");
	expect("<slipway-file path=\"a\">\nwhole\n</slipway-file>",
	       "begin:a:|data:a:whole\n|end:a:");
	expect("<slipway-file path=\"a", "refused:a:the reply ended inside the tag");
	expect("<slipway-fi", "prose::<slipway-fi");
}

static void test_too_large_and_too_many(void **state)
{
	struct trace t = {.last = REPLY_DELETE};
	struct reply_parser p;
	struct err e;
	size_t chunk = 1 << 20;
	char *x = malloc(chunk);

	(void)state;
	assert_non_null(x);
	memset(x, 'x', chunk);
	strbuf_init(&t.text, 64 << 20);
	reply_parser_init(&p, on_event, &t);
	assert_int_equal(reply_parser_feed(&p, "<slipway-file path=\"a\">\n", 24, &e), 0);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(reply_parser_feed(&p, x, chunk, &e), 0);
	}
	assert_int_equal(reply_parser_feed(&p, "\n</slipway-file>\n", 17, &e), 0);
	assert_non_null(strstr(t.text.data, "|refused:a:the file is larger than 10 MiB"));
	assert_null(strstr(t.text.data, "end:a"));
	for (int i = 0; i < REPLY_FILES_MAX; i++) {
		assert_int_equal(reply_parser_feed(&p, "<slipway-delete path=\"b\"/>\n", 27, &e),
				 0);
	}
	assert_non_null(strstr(t.text.data, "refused:b:a reply may hold at most 500 files"));
	reply_parser_fini(&p);
	strbuf_fini(&t.text);
	free(x);
}

static void test_endless_tag_is_refused(void **state)
{
	struct strbuf b;
	char *got;

	(void)state;
	strbuf_init(&b, 1 << 20);
	strbuf_adds(&b, "<slipway-file path=\"");
	for (int i = 0; i < 10000; i++) {
		strbuf_addc(&b, 'a');
	}
	strbuf_adds(&b, "\">\nx\n</slipway-file>\nafter");
	got = parse_split(b.data, b.len, SIZE_MAX);
	assert_memory_equal(got, "refused:aaaa", 12);
	assert_non_null(strstr(got, "|prose::after"));
	free(got);
	strbuf_fini(&b);
}

static void test_nul_is_an_error(void **state)
{
	struct trace t = {.last = REPLY_DELETE};
	struct reply_parser p;
	struct err e;

	(void)state;
	strbuf_init(&t.text, 1000);
	reply_parser_init(&p, on_event, &t);
	assert_int_equal(reply_parser_feed(&p, "a\0b", 3, &e), -1);
	assert_int_equal(e.kind, ERR_UPSTREAM);
	reply_parser_fini(&p);
	strbuf_fini(&t.text);
}

static void test_fenced_code(void **state)
{
	const char *code;
	size_t len;

	(void)state;
#define FENCED(s) reply_fenced_code(s, strlen(s), &code, &len)
	assert_true(FENCED("Here:\n```js\nconsole.log(1)\n```\nRun it."));
	assert_int_equal(len, strlen("console.log(1)\n"));
	assert_memory_equal(code, "console.log(1)\n", len);
	assert_true(FENCED("```JavaScript\r\nx\r\n```\r\n"));
	assert_true(FENCED("```\nx\n```"));
	assert_true(FENCED("````js\n```\n````"));
	assert_false(FENCED("```python\nx\n```"));
	assert_false(FENCED("```js\nx\n```\n```sh\nnode index.js\n```"));
	assert_false(FENCED("```js\nx\n"));
	assert_false(FENCED("```js\n```"));
	assert_false(FENCED("no code"));
	assert_false(FENCED(""));
#undef FENCED
}

static void expect_stripped(const char *path, const char *text, const char *want)
{
	size_t len = strlen(text);

	reply_strip_fence(path, &text, &len);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(text, want, len);
}

static void test_fence_inside_a_file(void **state)
{
	(void)state;
	expect_stripped("a.js", "```js\nx\n```\n", "x\n");
	expect_stripped("a.js", "```js\nx\n```\n\n", "x\n");
	expect_stripped("a.js", "x\n```\n", "x\n```\n");
	expect_stripped("a.js", "```js\nx\n", "```js\nx\n");
	expect_stripped("a.js", "```js\nx\n```\ny\n```\n", "```js\nx\n```\ny\n```\n");
	expect_stripped("README.md", "```js\nx\n```\n", "```js\nx\n```\n");
	expect_stripped("a.js", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_deletions_and_prose),
		cmocka_unit_test(test_attributes_are_tolerated),
		cmocka_unit_test(test_carriage_returns),
		cmocka_unit_test(test_one_line_and_empty_files),
		cmocka_unit_test(test_tags_that_end_a_line),
		cmocka_unit_test(test_what_only_looks_like_a_tag),
		cmocka_unit_test(test_thoughts_are_prose),
		cmocka_unit_test(test_bad_paths_are_refused_and_others_go_on),
		cmocka_unit_test(test_cut_replies),
		cmocka_unit_test(test_too_large_and_too_many),
		cmocka_unit_test(test_endless_tag_is_refused),
		cmocka_unit_test(test_nul_is_an_error),
		cmocka_unit_test(test_fenced_code),
		cmocka_unit_test(test_fence_inside_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
