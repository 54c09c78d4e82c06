/* What an app says: lines out of bytes, the ring, and the line that tells why it failed. */

#include "app_error.h"
#include "app_log.h"
#include "cleanup.h"
#include "log_lines.h"
#include "unit.h"
#include "utf8.h"

struct got {
	char text[16][64];
	size_t len[16];
	size_t n;
};

static void take(void *ctx, const char *text, size_t len)
{
	struct got *g = ctx;

	assert_true(g->n < ARRAY_LEN(g->text));
	(void)snprintf(g->text[g->n], sizeof(g->text[0]), "%.*s", (int)len, text);
	g->len[g->n++] = len;
}

/* The same lines come out wherever the bytes are cut. */
static void check_lines(const char *bytes, size_t len, const char *const *expected, size_t n)
{
	for (size_t step = 1; step <= len; step++) {
		struct log_lines l;
		struct got g = {0};

		log_lines_init(&l);
		for (size_t at = 0; at < len; at += step) {
			log_lines_feed(&l, bytes + at, at + step > len ? len - at : step, take, &g);
		}
		log_lines_flush(&l, take, &g);
		log_lines_fini(&l);
		assert_int_equal(g.n, n);
		for (size_t i = 0; i < n; i++) {
			assert_string_equal(g.text[i], expected[i]);
		}
	}
}

#define check(bytes, ...)                                                                          \
	check_lines(bytes, sizeof(bytes) - 1, (const char *const[]){__VA_ARGS__},                  \
		    ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static void lines_end_at_newlines(void **state)
{
	(void)state;
	check("a\nb\r\n\nlast", "a", "b", "", "last");
	check("10%\r20%\rdone\n", "done");
	check("shown\r", "shown");
}

static void escape_sequences_are_left_out(void **state)
{
	(void)state;
	check("\x1b[1;32mgreen\x1b[0m\n", "green");
	check("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b]0;title\x07.\n", "link .");
	check("\x1b(Bplain\x1b"
	      "7\n",
	      "plain");
	check("\x1b[2K\x1b[1G\nnext\n", "next");
	check("bell\x07 tab\there\x7f\n", "bell tab\there");
	check("cut \x1b[31", "cut ");
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
	(void)state;
	check("a\xff"
	      "b \xc3\xa9 \xe2\x82\n",
	      "a\xef\xbf\xbd"
	      "b \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd");
}

static void a_long_line_comes_in_pieces_of_whole_characters(void **state)
{
	struct log_lines l;
	struct got g = {0};

	(void)state;
	log_lines_init(&l);
	log_lines_feed(&l, "x", 1, take, &g);
	for (int i = 0; i < LOG_LINE_MAX_BYTES; i++) {
		log_lines_feed(&l, "\xc3\xa9", 2, take, &g);
	}
	log_lines_feed(&l, "\n", 1, take, &g);
	log_lines_fini(&l);
	assert_int_equal(g.n, 3);
	assert_int_equal(g.len[0], LOG_LINE_MAX_BYTES - 1);
	assert_int_equal(g.len[0] + g.len[1] + g.len[2], 1 + 2 * LOG_LINE_MAX_BYTES);
}

static void add(struct app_log *log, const char *text)
{
	app_log_add(log, APP_LOG_STDERR, APP_LOG_APP, text, strlen(text));
}

static void the_ring_keeps_the_newest(void **state)
{
	const struct app_log_entry *entry;
	struct app_log log;
	int64_t missed, first;

	(void)state;
	app_log_init(&log);
	first = app_log_last_id(&log) + 1;
	assert_null(app_log_after(&log, 0, &missed));
	for (int i = 0; i < APP_LOG_LINES_MAX + 5; i++) {
		add(&log, "x");
	}
	assert_int_equal(log.n, APP_LOG_LINES_MAX);
	entry = app_log_after(&log, first, &missed);
	assert_int_equal(entry->id, first + 5);
	assert_int_equal(missed, 4);
	/* New readers, and those of an agent before this one, miss nothing of it. */
	assert_int_equal(app_log_after(&log, 0, &missed)->id, first + 5);
	assert_int_equal(missed, 0);
	assert_int_equal(app_log_after(&log, first - 1000, &missed)->id, first + 5);
	assert_int_equal(missed, 0);
	assert_null(app_log_after(&log, app_log_last_id(&log), &missed));
	assert_null(app_log_after(&log, INT64_MAX, &missed));
	app_log_fini(&log);
}

static void the_ring_keeps_a_number_of_bytes(void **state)
{
	static char line[8192];
	struct app_log log;

	(void)state;
	memset(line, 'y', sizeof(line));
	app_log_init(&log);
	for (int i = 0; i < 500; i++) {
		app_log_add(&log, APP_LOG_STDOUT, APP_LOG_APP, line, sizeof(line));
	}
	assert_int_equal(log.n, APP_LOG_BYTES_MAX / sizeof(line));
	assert_true(log.bytes <= APP_LOG_BYTES_MAX);
	app_log_fini(&log);
}

static void check_error(const char *const *list, size_t n, enum app_log_source source,
			const char *expected)
{
	auto_strbuf text = {0};
	struct app_log log;

	app_log_init(&log);
	for (size_t i = 0; i < n; i++) {
		app_log_add(&log, APP_LOG_STDERR, source, list[i], strlen(list[i]));
	}
	strbuf_init(&text, 4096);
	app_error_find(&log, source, 0, &text);
	assert_string_equal(text.data, expected);
	app_log_fini(&log);
}

#define check_found(source, expected, ...)                                                         \
	check_error((const char *const[]){__VA_ARGS__},                                            \
		    ARRAY_LEN(((const char *const[]){__VA_ARGS__})), source, expected)

static void the_telling_line_is_found(void **state)
{
	(void)state;
	check_found(APP_LOG_APP, "TypeError: x is not a function", "/workspace/a.js:3", "x();", "^",
		    "TypeError: x is not a function", "    at Object.<anonymous> (/w/a.js:3:1)", "",
		    "Node.js v22.0.0", "npm error Lifecycle script `dev` failed with error:");
	check_found(APP_LOG_APP, "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'",
		    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'", "  code: 'ERR'", "}");
	check_found(APP_LOG_APP, "sh: 1: vite: not found", "sh: 1: vite: not found");
	check_found(APP_LOG_APP, "failed to load config: some error",
		    "failed to load config: some error", "bye");
}

static void a_package_managers_error_is_summarised(void **state)
{
	(void)state;
	check_found(APP_LOG_INSTALL,
		    "code E404: 404 Not Found - GET http://10.0.0.1/nopkg - Not found; "
		    "404  The requested resource 'nopkg@*' could not be found",
		    "npm warn deprecated x@1: old", "npm error code E404",
		    "npm error 404 Not Found - GET http://10.0.0.1/nopkg - Not found",
		    "npm error 404",
		    "npm error 404  The requested resource 'nopkg@*' could not be found",
		    "npm error A complete log of this run can be found in: /home/app/x");
	check_found(APP_LOG_INSTALL, "ERR_PNPM_FETCH_404  GET http://r/nopkg: Not Found - 404",
		    " ERR_PNPM_FETCH_404  GET http://r/nopkg: Not Found - 404", "", "more");
}

static void an_error_is_bounded_and_whole(void **state)
{
	static char line[8000];
	auto_strbuf text = {0};
	struct app_log log;

	(void)state;
	strcpy(line, "Error: ");
	for (size_t i = 7; i + 2 < sizeof(line); i += 2) {
		memcpy(line + i, "\xc3\xa9", 2);
	}
	app_log_init(&log);
	add(&log, line);
	strbuf_init(&text, 4096);
	app_error_find(&log, APP_LOG_APP, 0, &text);
	assert_true(text.len <= APP_ERROR_MAX_BYTES);
	assert_true(utf8_valid(text.data, text.len));
	app_log_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_at_newlines),
		cmocka_unit_test(escape_sequences_are_left_out),
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(a_long_line_comes_in_pieces_of_whole_characters),
		cmocka_unit_test(the_ring_keeps_the_newest),
		cmocka_unit_test(the_ring_keeps_a_number_of_bytes),
		cmocka_unit_test(the_telling_line_is_found),
		cmocka_unit_test(a_package_managers_error_is_summarised),
		cmocka_unit_test(an_error_is_bounded_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
