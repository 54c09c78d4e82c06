/* Framing on its way through, however the bytes arrive; and the relay's greeting. */

#include "body.h"
#include "greeting.h"
#include "strbuf.h"
#include "unit.h"

/* Passes `text` on in pieces of `step`, into `out`. Returns what is left behind the body, or NULL
 * when it is malformed. */
static const char *pass(struct body *b, const char *text, size_t step, struct strbuf *out)
{
	struct buf *in = buf_get();
	size_t at = 0, len = strlen(text);
	struct err e;

	assert_non_null(in);
	while (!b->trailers && !(b->done && b->ready == 0)) {
		if (body_look(b, in, &e) < 0) {
			buf_put(in);
			return NULL;
		}
		if (b->ready > 0) {
			(void)strbuf_add(out, in->data + in->start, b->ready);
			body_took(b, in, b->ready);
		} else if (!b->done && !b->trailers) {
			size_t n = len - at < step ? len - at : step;

			assert_int_equal(buf_len(in), 0);
			if (n == 0) {
				break;
			}
			memcpy(in->data, text + at, n);
			in->start = 0;
			in->end = n;
			at += n;
		}
	}
	at -= buf_len(in);
	buf_put(in);
	return text + at;
}

static void chunks_pass_as_they_are(void **state)
{
	static const char text[] = "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\nGET /";
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1000);
	for (size_t step = 1; step < sizeof(text); step++) {
		struct body b;

		strbuf_reset(&out);
		body_init(&b, BODY_CHUNKED, 0);
		assert_string_equal(pass(&b, text, step, &out), "GET /");
		assert_true(b.done);
		assert_int_equal(out.len, strlen(text) - 5);
		assert_memory_equal(out.data, text, out.len);
	}
	strbuf_fini(&out);
}

static void chunks_are_taken_off(void **state)
{
	static const char text[] = "3\r\nabc\r\na\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1000);
	for (size_t step = 1; step < sizeof(text); step++) {
		struct body b;

		strbuf_reset(&out);
		body_init(&b, BODY_DECHUNKED, 0);
		b.chunks.trailers = true;
		assert_string_equal(pass(&b, text, step, &out), "X: y\r\n\r\n");
		assert_string_equal(out.data, "abc0123456789");
		assert_true(b.trailers && !b.done);
	}
	strbuf_fini(&out);
}

static void lengths_are_kept_to(void **state)
{
	struct strbuf out;
	struct body b;

	(void)state;
	strbuf_init(&out, 1000);
	body_init(&b, BODY_LENGTH, 4);
	assert_string_equal(pass(&b, "abcdefg", 3, &out), "efg");
	assert_string_equal(out.data, "abcd");
	body_init(&b, BODY_LENGTH, 0);
	assert_true(b.done);
	body_init(&b, BODY_CHUNKED, 0);
	assert_null(pass(&b, "3;x=y\r\nabc\r\n", 100, &out));
	strbuf_fini(&out);
}

static void greetings_are_read(void **state)
{
	static const char *const bad[] = {
		"OK \n", "OK 0\n",	  "OK 65536\n",		 "OK 1 2\n",
		"NO \n", "NO whatever\n", "HTTP/1.1 200 OK\r\n", "OK -1\n",
		"\n"};
	char line[GREETING_MAX_BYTES];
	struct greeting g;
	struct err e;
	size_t used;

	(void)state;
	assert_int_equal(greeting_write(line, "abc", 3000, 99999), 20);
	assert_memory_equal(line, "SLW1 abc 3000 60000\n", 20);
	assert_int_equal(greeting_parse("OK 300", 6, &g, &used, &e), 0);
	assert_int_equal(greeting_parse("OK 3000\nx", 9, &g, &used, &e), 1);
	assert_true(g.ok && g.port == 3000 && used == 8);
	assert_int_equal(greeting_parse("NO crashed it fell\n", 19, &g, &used, &e), 1);
	assert_true(!g.ok && g.why == REFUSED_CRASHED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(greeting_parse(bad[i], strlen(bad[i]), &g, &used, &e), ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_pass_as_they_are),
		cmocka_unit_test(chunks_are_taken_off),
		cmocka_unit_test(lengths_are_kept_to),
		cmocka_unit_test(greetings_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
