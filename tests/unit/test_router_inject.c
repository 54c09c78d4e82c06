/* Where our script enters a page, however the page's bytes arrive; and who may frame it. */

#include "framing.h"
#include "inject.h"
#include "inspect.h"
#include "unit.h"

#include "assets.h"
#include "config.h"

#define T INJECT_TAG

/* The page as it goes on, when it comes in pieces of `step`. */
static const char *passed(const char *page, size_t len, size_t step)
{
	static struct strbuf out;
	struct inject i;

	strbuf_fini(&out);
	strbuf_init(&out, 4096);
	inject_init(&i);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;

		if (i.active) {
			inject_pass(&i, page + at, n, &out);
		} else {
			(void)strbuf_add(&out, page + at, n);
		}
	}
	if (i.active) {
		inject_end(&i, &out);
	}
	assert_false(out.failed);
	return out.data;
}

static void the_script_comes_first_in_the_head(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"<!doctype html><html><head><title>", "<!doctype html><html><head>" T "<title>"},
		{"<HTML LANG=en>\n<HEAD\n>x", "<HTML LANG=en>\n<HEAD\n>" T "x"},
		{"<head a=\"1>2\" b='>' c=3/>x", "<head a=\"1>2\" b='>' c=3/>" T "x"},
		{"<html a=x\"y><head>", "<html a=x\"y><head>" T},
		{"<html \"a\"=\">\"><head>", "<html \"a\"=\">\"><head>" T},
		{"<html a = '>'b><head>", "<html a = '>'b><head>" T},
		{"<html ='><head>", "<html ='><head>" T},
		{"<html =a='><head>'><head>", "<html =a='><head>'><head>" T},
		{"<html a=><head>", "<html a=><head>" T},
		{"<html/><head/>", "<html/><head/>" T},
		{"\xEF\xBB\xBF<!doctype html>\n<head>", "\xEF\xBB\xBF<!doctype html>\n<head>" T},
		{"<!-- <head> --><head>", "<!-- <head> --><head>" T},
		{"<!--><head>", "<!--><head>" T},
		{"<!---><head>", "<!---><head>" T},
		{"<!----><head>", "<!----><head>" T},
		{"<!--a--!><head>", "<!--a--!><head>" T},
		{"<!--!><head>--><head>b", "<!--!><head>--><head>" T "b"},
		{"<!--a--!-><head>--><head>b", "<!--a--!-><head>--><head>" T "b"},
		{"<!-a><head>", "<!-a><head>" T},
		{"<!><?php ?><head>", "<!><?php ?><head>" T},
		{"<!doctype html public \"-//>\"><p>", "<!doctype html public \"-//>" T "\"><p>"},
		{"<html><html><head><head>", "<html><html><head>" T "<head>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= strlen(rows[i].in); step++) {
			assert_string_equal(passed(rows[i].in, strlen(rows[i].in), step),
					    rows[i].out);
		}
	}
}

static void or_before_what_begins_one(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"<p>x", T "<p>x"},
		{" \n text", " \n " T "text"},
		{"<html>\n<body>", "<html>\n" T "<body>"},
		{"<html><header>", "<html>" T "<header>"},
		{"<head-line>", T "<head-line>"},
		{"<hea>", T "<hea>"},
		{"<h1>", T "<h1>"},
		{"<htm", T "<htm"},
		{"<head", T "<head"},
		{"<", T "<"},
		{"< head>", T "< head>"},
		{"</head>", T "</head>"},
		{"<html></html>", "<html>" T "</html>"},
		{"<script>1</script>", T "<script>1</script>"},
		{"<!doctype html>\n", "<!doctype html>\n" T},
		{"", T},
		{"\xEF\xBB\xBF", "\xEF\xBB\xBF" T},
		{"\xEF\xBBx", T "\xEF\xBBx"},
		{"\xC3\xA4", T "\xC3\xA4"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= strlen(rows[i].in) + 1; step++) {
			assert_string_equal(passed(rows[i].in, strlen(rows[i].in), step),
					    rows[i].out);
		}
	}
}

static void other_encodings_and_unfinished_pages_stay_as_they_are(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{"\xFF\xFE<\0h\0", 6}, {"\xFE\xFF\0<\0h", 6}, {"<\0h\0e\0", 6}, {"\0<\0h", 4},
		{"<!-- no end", 11},   {"<html lang='", 12},  {"<!doctype", 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= rows[i].len; step++) {
			assert_memory_equal(passed(rows[i].bytes, rows[i].len, step), rows[i].bytes,
					    rows[i].len + 1);
		}
	}
}

static bool wants(const char *fields)
{
	static struct http_head h;
	char head[512];
	struct err e;
	size_t used;

	(void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n\r\n", fields);
	assert_int_equal(http_head_parse_response(head, strlen(head), &h, &used, &e), 1);
	return inject_wants(&h);
}

static void only_pages_are_wanted(void **state)
{
	(void)state;
	assert_true(wants("200 OK\r\nContent-Type: text/html"));
	assert_true(wants("200 OK\r\nContent-Type: TEXT/HTML;charset=utf-8"));
	assert_true(wants("500 x\r\nContent-Type: text/html ; charset=latin1"));
	assert_true(wants("200 OK\r\nContent-Type: text/html\r\nContent-Encoding: Identity"));
	assert_true(wants("200 OK\r\nContent-Type: text/html\r\nContent-Disposition: inline"));
	assert_false(wants("200 OK"));
	assert_false(wants("200 OK\r\nContent-Type: text/htmlx"));
	assert_false(wants("200 OK\r\nContent-Type: application/xhtml+xml"));
	assert_false(wants("200 OK\r\nContent-Type: text/html; charset=\"UTF-16le\""));
	assert_false(wants("200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br"));
	assert_false(wants("206 x\r\nContent-Type: text/html"));
	assert_false(wants("200 OK\r\nContent-Type: text/html\r\n"
			   "Content-Disposition: Attachment; filename=a.html"));
}

#define EDITORS "http://a:1 http://b"

static const char *framing_of(const char *fields)
{
	static struct http_head h;
	static struct strbuf out;
	char head[512];
	struct err e;
	size_t used;

	(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s\r\n", fields);
	assert_int_equal(http_head_parse_response(head, strlen(head), &h, &used, &e), 1);
	strbuf_fini(&out);
	strbuf_init(&out, 4096);
	for (size_t i = 0; i < h.n_headers; i++) {
		if (http_slice_is_nocase(h.headers[i].name, "Content-Security-Policy")) {
			framing_add_policy(&out, h.headers[i].name, h.headers[i].value, EDITORS);
		}
	}
	framing_add_options(&out, &h, EDITORS);
	return out.data;
}

#define CSP "Content-Security-Policy: "

static void the_editor_may_frame_too(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"X-Frame-Options: DENY\r\n", CSP "frame-ancestors " EDITORS "\r\n"},
		{"X-Frame-Options: sameorigin\r\n", CSP "frame-ancestors 'self' " EDITORS "\r\n"},
		{"X-Frame-Options: SAMEORIGIN, DENY\r\n", CSP "frame-ancestors " EDITORS "\r\n"},
		{"X-Frame-Options: ALLOW-FROM http://c\r\n", ""},
		{CSP "default-src 'self';;  script-src x \r\n",
		 CSP "default-src 'self';;  script-src x\r\n"},
		{CSP "a b; frame-ancestors 'none'; c\r\n",
		 CSP "a b; frame-ancestors " EDITORS "; c\r\n"},
		{CSP "Frame-Ancestors  'self'\thttps://c\r\n",
		 CSP " frame-ancestors 'self' https://c " EDITORS "\r\n"},
		{CSP "frame-ancestors\r\n", CSP " frame-ancestors " EDITORS "\r\n"},
		{CSP "frame-ancestorsx 'none'\r\n", CSP "frame-ancestorsx 'none'\r\n"},
		{CSP "a,frame-ancestors 'none' , b;frame-ancestors c\r\n",
		 CSP "a, frame-ancestors " EDITORS ", b; frame-ancestors c " EDITORS "\r\n"},
		{CSP "frame-ancestors c\r\nX-Frame-Options: DENY\r\n",
		 CSP " frame-ancestors c " EDITORS "\r\n"},
		{CSP "a\r\nX-Frame-Options: DENY\r\n",
		 CSP "a\r\n" CSP "frame-ancestors " EDITORS "\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(framing_of(rows[i].in), rows[i].out);
	}
}

static void the_script_knows_the_editors_origins(void **state)
{
	static const struct {
		const char *setting, *origins, *sources;
	} rows[] = {
		{"SLIPWAY_PORT=81",
		 "const EDITORS = ['http://localhost:81', 'http://127.0.0.1:81', "
		 "'http://[::1]:81'];",
		 "http://localhost:81 http://127.0.0.1:81"},
		{"SLIPWAY_PUBLIC_URL=https://Build.Example.com:443/",
		 "const EDITORS = ['https://build.example.com'];", "https://build.example.com"},
		{"SLIPWAY_PUBLIC_URL=http://build.example.com:8000",
		 "const EDITORS = ['http://build.example.com:8000'];",
		 "http://build.example.com:8000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *c;
		char *setting = strdup(rows[i].setting), *value = strchr(setting, '=');
		struct err e;

		*value++ = '\0';
		assert_int_equal(setenv(setting, value, 1), 0);
		assert_ok(config_load(NULL, &c, &e));
		assert_ok(inspect_init(c, &e));
		assert_non_null(strstr(inspect_script()->bytes, rows[i].origins));
		assert_int_equal(strlen(inspect_script()->bytes), inspect_script()->len);
		assert_string_equal(inspect_editors(), rows[i].sources);
		inspect_fini();
		config_destroy(c);
		assert_int_equal(unsetenv(setting), 0);
		free(setting);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_comes_first_in_the_head),
		cmocka_unit_test(or_before_what_begins_one),
		cmocka_unit_test(other_encodings_and_unfinished_pages_stay_as_they_are),
		cmocka_unit_test(only_pages_are_wanted),
		cmocka_unit_test(the_editor_may_frame_too),
		cmocka_unit_test(the_script_knows_the_editors_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
