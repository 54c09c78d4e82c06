/* The two stream formats, fed in every possible split. */

#include "frame.h"
#include "sse.h"
#include "unit.h"

static int collect_event(void *ctx, const struct sse_event *ev, struct err *e)
{
	struct strbuf *out = ctx;

	(void)e;
	return strbuf_addf(out, "[%s|%s|%.*s]", ev->type, ev->id, (int)ev->data_len, ev->data);
}

static void sse_survives_any_split(void **state)
{
	const char *text = "\xEF\xBB\xBF: a comment\r\n"
			   "data: one\r\n\r\n"
			   "id: 7\revent: delta\rdata: tw\xC3\xB6\rdata:  lines\r\r"
			   "event: lost\n\n" /* no data: nothing is dispatched */
			   "data\n\n"
			   "retry: 10\nunknown: x\ndata:{\"a\":1}\n\n"
			   "data: cut off";
	const char *want =
		"[message||one][delta|7|tw\xC3\xB6\n lines][message|7|][message|7|{\"a\":1}]";

	(void)state;
	for (size_t step = 1; step <= strlen(text); step++) {
		struct sse_parser p;
		struct strbuf out;
		struct err e;

		sse_parser_init(&p);
		strbuf_init(&out, 1000);
		for (size_t at = 0; at < strlen(text); at += step) {
			size_t n = strlen(text) - at < step ? strlen(text) - at : step;

			assert_ok(sse_parser_feed(&p, text + at, n, collect_event, &out, &e));
		}
		assert_string_equal(out.data, want);
		strbuf_fini(&out);
		sse_parser_fini(&p);
	}
}

static void sse_events_have_a_maximum(void **state)
{
	struct sse_parser p;
	struct strbuf out;
	char line[1024];
	struct err e;
	int rc = 0;

	(void)state;
	sse_parser_init(&p);
	strbuf_init(&out, 10);
	memset(line, 'x', sizeof(line));
	for (size_t n = 0; rc == 0 && n < 2 * SSE_EVENT_MAX_BYTES; n += sizeof(line)) {
		rc = sse_parser_feed(&p, line, sizeof(line), collect_event, &out, &e);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	strbuf_fini(&out);
	sse_parser_fini(&p);
}

static void sse_writes_what_it_reads(void **state)
{
	struct sse_parser p;
	struct strbuf text, out;
	struct err e;

	(void)state;
	sse_parser_init(&p);
	strbuf_init(&text, 1000);
	strbuf_init(&out, 1000);
	sse_write(&text, 12, "output", "a\nb\r\nc");
	assert_string_equal(text.data, "id: 12\nevent: output\ndata: a\ndata: b\ndata: c\n\n");
	assert_ok(sse_parser_feed(&p, text.data, text.len, collect_event, &out, &e));
	assert_string_equal(out.data, "[output|12|a\nb\nc]");
	strbuf_fini(&out);
	strbuf_fini(&text);
	sse_parser_fini(&p);
}

static int collect_frame(void *ctx, enum frame_type type, const char *payload, size_t len,
			 struct err *e)
{
	struct strbuf *out = ctx;

	(void)e;
	return strbuf_addf(out, "[%d:%.*s]", (int)type, (int)len, payload);
}

static void frames_survive_any_split(void **state)
{
	struct strbuf wire;

	(void)state;
	strbuf_init(&wire, 1000);
	frame_write(&wire, FRAME_STARTED, "{}", 2);
	frame_write(&wire, FRAME_STDOUT, "hello", 5);
	frame_write(&wire, FRAME_STDERR, "", 0);
	frame_write(&wire, FRAME_EXIT, "{\"exit_code\":0}", 15);
	for (size_t step = 1; step <= wire.len; step++) {
		struct frame_parser p;
		struct strbuf out;
		struct err e;

		frame_parser_init(&p);
		strbuf_init(&out, 1000);
		for (size_t at = 0; at < wire.len; at += step) {
			size_t n = wire.len - at < step ? wire.len - at : step;

			assert_ok(
				frame_parser_feed(&p, wire.data + at, n, collect_frame, &out, &e));
		}
		assert_string_equal(out.data, "[3:{}][1:hello][2:][5:{\"exit_code\":0}]");
		assert_true(frame_parser_idle(&p));
		strbuf_fini(&out);
		frame_parser_fini(&p);
	}
	strbuf_fini(&wire);
}

static void bad_frames_are_refused(void **state)
{
	struct frame_parser p;
	struct strbuf out;
	struct err e;

	(void)state;
	strbuf_init(&out, 100);
	frame_parser_init(&p);
	assert_err(frame_parser_feed(&p, "\x09\0\0\0\0", 5, collect_frame, &out, &e), ERR_UPSTREAM);
	frame_parser_fini(&p);
	frame_parser_init(&p);
	assert_err(frame_parser_feed(&p, "\x01\xFF\xFF\xFF\xFF", 5, collect_frame, &out, &e),
		   ERR_UPSTREAM);
	frame_parser_fini(&p);
	strbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sse_survives_any_split),
		cmocka_unit_test(sse_events_have_a_maximum),
		cmocka_unit_test(sse_writes_what_it_reads),
		cmocka_unit_test(frames_survive_any_split),
		cmocka_unit_test(bad_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
