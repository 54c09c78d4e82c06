#include "model/openai_stream.h"
#include "unit.h"

/* What came out of one stream. */
struct outcome {
	struct strbuf text;
	int rc;
	enum err_kind kind;
	char words[ERR_TEXT_MAX_BYTES];
	struct model_usage usage;
	bool retryable;
};

static int on_text(void *ctx, const char *text, size_t len, struct err *e)
{
	struct outcome *o = ctx;

	(void)e;
	return strbuf_add(&o->text, text, len);
}

/* Feeds text in two pieces split at `at`, or byte by byte when at is SIZE_MAX. */
static void run(const char *text, size_t at, struct outcome *ret)
{
	struct openai_stream s;
	struct err e = {0};
	size_t len = strlen(text);
	size_t step = at == SIZE_MAX || at == 0 ? 1 : at;

	*ret = (struct outcome){.rc = 0};
	strbuf_init(&ret->text, 1 << 20);
	openai_stream_init(&s, 1000, on_text, ret);
	for (size_t i = 0; i < len && ret->rc == 0; i += step) {
		if (i > 0 && at != SIZE_MAX && at != 0) {
			step = len - i;
		}
		ret->rc = openai_stream_feed(&s, text + i, len - i < step ? len - i : step, &e);
	}
	if (ret->rc == 0) {
		ret->rc = openai_stream_end(&s, &e);
	}
	ret->kind = e.kind;
	snprintf(ret->words, sizeof(ret->words), "%s", e.text);
	ret->usage = s.usage;
	ret->retryable = s.retryable;
	openai_stream_fini(&s);
}

/* The same whatever the split. `fail` is NULL for success, or some of the error's words. */
static void expect(const char *wire, const char *text, const char *fail, enum err_kind kind)
{
	size_t len = strlen(wire);

	for (size_t at = 1; at <= len + 1; at++) {
		struct outcome o;

		run(wire, at > len ? SIZE_MAX : at, &o);
		if ((o.rc < 0) != (fail != NULL)) {
			fail_msg("split at %zu: rc %d (%s)", at, o.rc, o.words);
		}
		assert_string_equal(o.text.data, text);
		if (fail) {
			assert_int_equal(o.kind, kind);
			if (!strstr(o.words, fail)) {
				fail_msg("\"%s\" lacks \"%s\"", o.words, fail);
			}
		}
		strbuf_fini(&o.text);
	}
}

#define CHUNK(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH(why) "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" why "\"}]}\n\n"
#define DONE	    "data: [DONE]\n\n"

static void test_text_in_pieces(void **state)
{
	(void)state;
	expect("data: "
	       "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n" CHUNK(
		       "Grüß ") CHUNK("\\ud83d\\ude00 <sl") CHUNK("ipway>") FINISH("stop") DONE,
	       "Grüß 😀 <slipway>", NULL, 0);
}

static void test_pings_comments_and_line_ends(void **state)
{
	(void)state;
	expect(": OPENROUTER PROCESSING\r\n\r\nevent: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n"
	       "data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n: keep-alive\r\n\r\n"
	       "id: 7\r\nretry: 10\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"},"
	       "\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
	       "ab", NULL, 0);
}

static void test_unknown_fields_and_odd_shapes(void **state)
{
	(void)state;
	expect("\n\ndata: {\"x\":[],\"choices\":[]}\n\n"
	       "data: {\"choices\":[{\"delta\":{\"content\":null,\"reasoning\":\"hm\"}}]}\n\n"
	       "data: {\"choices\":[{\"delta\":null}]}\n\ndata: {\"choices\":[null]}\n\n"
	       "data: {\"choices\":{}}\n\ndata: {\"choices\":[{\"delta\":{\"content\":[1]}}]}\n\n"
	       "data: "
	       "{\"error\":null,\"usage\":null,\"choices\":[{\"delta\":{\"content\":\"ok\"}}]}"
	       "\n\n" FINISH("stop") DONE "data: {\"error\":\"after the end\"}\n\n",
	       "ok", NULL, 0);
}

static void test_usage(void **state)
{
	struct outcome o;

	(void)state;
	run(CHUNK("a") FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
				      "\"completion_tokens\":3}}\n\n" DONE,
	    SIZE_MAX, &o);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.usage.prompt_tokens, 12);
	assert_int_equal(o.usage.completion_tokens, 3);
	strbuf_fini(&o.text);
	run(CHUNK("a") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-5,"
		       "\"completion_tokens\":1e9}}\n\n" DONE,
	    SIZE_MAX, &o);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.usage.prompt_tokens, -1);
	assert_int_equal(o.usage.completion_tokens, -1);
	strbuf_fini(&o.text);
}

static void test_ends(void **state)
{
	(void)state;
	expect(CHUNK("a") FINISH("stop"), "a", NULL, 0); /* no [DONE] */
	expect(CHUNK("a") DONE, "a", NULL, 0);		 /* no finish reason */
	expect(CHUNK("a") "data: [DONE]", "a", NULL, 0); /* no empty line behind it */
	expect("\n \n" CHUNK("a") DONE, "a", NULL, 0);	 /* fuzzing found the space kept or not */
	expect(CHUNK("a"), "a", "broke off", ERR_UPSTREAM);
	expect(CHUNK("a") "data: {\"choi", "a", "broke off", ERR_UPSTREAM);
	expect(CHUNK("a") FINISH("length") DONE, "a", "cut by the model's length limit",
	       ERR_UNPROCESSABLE);
	expect(CHUNK("a") FINISH("content_filter") DONE, "a", "content filter", ERR_UNPROCESSABLE);
}

static void test_errors_in_the_stream(void **state)
{
	struct outcome o;

	(void)state;
	expect(CHUNK("a") "data: {\"error\":{\"message\":\"over\\u0007loaded\",\"code\":503}}\n\n",
	       "a", "reported an error: over loaded", ERR_UPSTREAM);
	expect("data: {\"error\":\"no such model\"}\n\n", "", "no such model", ERR_UPSTREAM);
	run("data: {\"error\":{\"message\":\"x\",\"code\":\"429\"}}\n\n", SIZE_MAX, &o);
	assert_true(o.retryable);
	strbuf_fini(&o.text);
	run("data: {\"error\":{\"message\":\"x\",\"code\":400}}\n\n", SIZE_MAX, &o);
	assert_false(o.retryable);
	strbuf_fini(&o.text);
}

static void test_garbage(void **state)
{
	(void)state;
	expect("<html>\n<body>It works</body>\n", "", "not a chat completion", ERR_UPSTREAM);
	expect("", "", "not a chat completion", ERR_UPSTREAM);
	expect("\r\n \r\n", "", "not a chat completion", ERR_UPSTREAM);
	expect("data: hello\n\n", "", "not a chat completion", ERR_UPSTREAM);
	expect("data: [1]\n\n", "", "not a chat completion", ERR_UPSTREAM);
	expect("data: {\"a\":1,\"a\":2}\n\n", "", "not a chat completion", ERR_UPSTREAM);
}

static void test_servers_that_do_not_stream(void **state)
{
	(void)state;
	expect(" {\"choices\":[{\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}],\n"
	       "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
	       "whole", NULL, 0);
	expect("{\"error\":{\"message\":\"nope\"}}", "", "nope", ERR_UPSTREAM);
	expect("{\"choices\":[{\"message\":{\"content\":\"cut\"},\"finish_reason\":\"length\"}]}",
	       "cut", "length limit", ERR_UNPROCESSABLE);
	expect("{\"choices\":[", "", "not a chat completion", ERR_UPSTREAM);
	expect("{\"hello\":1}", "", "not a chat completion", ERR_UPSTREAM);
}

static void test_limits(void **state)
{
	struct strbuf wire;
	struct outcome o;

	(void)state;
	strbuf_init(&wire, 1 << 20);
	for (int i = 0; i < 101; i++) {
		strbuf_adds(&wire, CHUNK("0123456789"));
	}
	run(wire.data, SIZE_MAX, &o);
	assert_int_equal(o.rc, -1);
	assert_int_equal(o.kind, ERR_TOO_LARGE);
	assert_int_equal(o.text.len, 1000);
	strbuf_fini(&o.text);
	strbuf_reset(&wire);
	while (wire.len < 70000) {
		strbuf_adds(&wire, ": ping ping ping\n\n");
	}
	run(wire.data, wire.len, &o);
	assert_int_equal(o.kind, ERR_TOO_LARGE);
	strbuf_fini(&o.text);
	strbuf_fini(&wire);
}

static void test_words_of_error_bodies(void **state)
{
	char buf[40];

	(void)state;
#define WORDS(body) (openai_error_words(body, strlen(body), buf, sizeof(buf)), buf)
	assert_string_equal(WORDS("{\"error\":{\"message\":\"m\"}}"), "m");
	assert_string_equal(WORDS("{\"error\":\"e\"}"), "e");
	assert_string_equal(WORDS("{\"detail\":\"d\"}"), "d");
	assert_string_equal(WORDS("[{\"error\":{\"message\":\"list\"}}]"), "list");
	assert_string_equal(WORDS("<html>"), "");
	assert_string_equal(WORDS(""), "");
	/* cut in front of a character that does not fit whole */
	assert_string_equal(WORDS("{\"detail\":\"a\\n345678901234567890123456789012345678ä\"}"),
			    "a 345678901234567890123456789012345678");
#undef WORDS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_in_pieces),
		cmocka_unit_test(test_pings_comments_and_line_ends),
		cmocka_unit_test(test_unknown_fields_and_odd_shapes),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_errors_in_the_stream),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_servers_that_do_not_stream),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_words_of_error_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
