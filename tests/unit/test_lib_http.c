/* http_head and chunked: strictness is the point, so most rows are refusals. */

#include "http_head.h"
#include "unit.h"

static int parse(const char *text, struct http_head *h, size_t *used, struct err *e)
{
	return http_head_parse_request(text, strlen(text), h, used, e);
}

static void requests_are_read(void **state)
{
	const char *text = "POST /v1/runs?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12 \r\n"
			   "X-A:\t b c \r\n\r\nbody";
	struct http_head h;
	struct err e;
	size_t used;

	(void)state;
	for (size_t cut = 0; cut < strlen(text) - 4; cut++) {
		assert_int_equal(http_head_parse_request(text, cut, &h, &used, &e), 0);
	}
	assert_int_equal(parse(text, &h, &used, &e), 1);
	assert_string_equal(text + used, "body");
	assert_true(http_slice_is(h.method, "POST"));
	assert_true(http_slice_is(h.target, "/v1/runs?x=1"));
	assert_true(h.has_length && h.content_length == 12 && !h.chunked && h.keep_alive);
	assert_true(http_slice_is(*http_head_get(&h, "x-a"), "b c"));
	assert_null(http_head_get(&h, "X-B"));
}

static void ambiguous_requests_are_refused(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n", /* no Host */
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
		"GET /#frag HTTP/1.1\r\nHost: a\r\n\r\n",
		"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
		" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\r\n\r\n",
		"GET / HTTP/1.1\r\n: a\r\n\r\n",
	};
	struct http_head h;
	struct err e;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(parse(bad[i], &h, &used, &e), ERR_INVALID);
	}
}

static void heads_have_a_maximum(void **state)
{
	char *big = malloc(HTTP_HEAD_MAX_BYTES + 1);
	struct http_head h;
	struct err e;
	size_t used;

	(void)state;
	memset(big, 'a', HTTP_HEAD_MAX_BYTES + 1);
	assert_int_equal(http_head_parse_request(big, HTTP_HEAD_MAX_BYTES - 1, &h, &used, &e), 0);
	assert_err(http_head_parse_request(big, HTTP_HEAD_MAX_BYTES, &h, &used, &e), ERR_TOO_LARGE);
	free(big);
}

static void responses_are_read(void **state)
{
	const char *text = "HTTP/1.1 204 No Content\r\nConnection: x, Close\r\n\r\n";
	struct http_head h;
	struct err e;
	size_t used;

	(void)state;
	assert_int_equal(http_head_parse_response(text, strlen(text), &h, &used, &e), 1);
	assert_int_equal(h.status, 204);
	assert_false(h.keep_alive);
	text = "HTTP/1.1 99 X\r\n\r\n";
	assert_err(http_head_parse_response(text, strlen(text), &h, &used, &e), ERR_INVALID);
	text = "HTTP/1.1 200\r\n\r\n";
	assert_int_equal(http_head_parse_response(text, strlen(text), &h, &used, &e), 1);
	text = "HTTP/1.1 2000 X\r\n\r\n";
	assert_err(http_head_parse_response(text, strlen(text), &h, &used, &e), ERR_INVALID);
}

/* Decodes `text` in pieces of `step`; the payload goes to `out`. */
static int decode(const char *text, size_t step, char *out, struct err *e)
{
	struct http_chunked c;
	size_t len = strlen(text), at = 0, n = 0;

	http_chunked_init(&c);
	while (at < len) {
		size_t give = len - at < step ? len - at : step, used;
		struct http_slice data;
		int rc = http_chunked_next(&c, text + at, give, &used, &data, e);

		if (rc < 0) {
			return -1;
		}
		memcpy(out + n, data.at, data.len);
		n += data.len;
		out[n] = '\0';
		at += used;
		if (rc == 1) {
			return (int)(len - at);
		}
	}
	return -2;
}

static void chunks_survive_any_split(void **state)
{
	const char *text = "5\r\nhello\r\n00A\r\n, wörld!!\r\n0\r\n\r\nNEXT";
	char out[100];
	struct err e;

	(void)state;
	for (size_t step = 1; step < strlen(text); step++) {
		assert_int_equal(decode(text, step, out, &e), 4);
		assert_string_equal(out, "hello, wörld!!");
	}
}

static void odd_chunks_are_refused(void **state)
{
	static const char *const bad[] = {
		"5;ext=1\r\nhello\r\n", "\r\nhello", "5\nhello", "5\r\nhelloX",
		"0\r\nTrailer: x\r\n",	"-5\r\n",    "0x5\r\n",	 "1111111111111111\r\n",
		"5\r\nhello\rX",	" 5\r\n",
	};
	char out[100];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(decode(bad[i], 1, out, &e), ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(ambiguous_requests_are_refused),
		cmocka_unit_test(heads_have_a_maximum),
		cmocka_unit_test(responses_are_read),
		cmocka_unit_test(chunks_survive_any_split),
		cmocka_unit_test(odd_chunks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
