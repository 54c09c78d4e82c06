#include "model/openai_stream.h"

#include "json.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define RAW_PER_TEXT_BYTE 64 /* a token of a few bytes comes in a chunk of a few hundred */
#define TOKENS_MAX	  INT32_MAX

void openai_stream_init(struct openai_stream *s, size_t max_bytes,
			int (*on_text)(void *, const char *, size_t, struct err *), void *ctx)
{
	*s = (struct openai_stream){
		.max_bytes = max_bytes,
		.usage = {-1, -1},
		.on_text = on_text,
		.ctx = ctx,
	};
	sse_parser_init(&s->sse);
	/* escaped, a byte of text takes six in JSON at most */
	strbuf_init(&s->json, max_bytes * 6 + 65536);
}

void openai_stream_fini(struct openai_stream *s)
{
	sse_parser_fini(&s->sse);
	strbuf_fini(&s->json);
}

/* Copies words for a person: control characters become spaces, cut at a character's border. */
static void copy_words(const char *words, char *buf, size_t cap)
{
	size_t len = strlen(words) < cap ? strlen(words) : cap - 1;

	len -= utf8_incomplete_tail(words, len);
	for (size_t i = 0; i < len; i++) {
		buf[i] = (unsigned char)words[i] < ' ' || words[i] == 0x7f ? ' ' : words[i];
	}
	buf[len] = '\0';
}

/* {"error": {"message"}}, {"error": text}, {"message": text}, {"detail": text}, or [one of these].
 */
static const char *error_words_of(const json_t *value)
{
	const json_t *body = json_is_array(value) ? json_array_get(value, 0) : value;
	const json_t *error = json_object_get(body, "error");
	const json_t *words = json_is_string(error) ? error : json_object_get(error, "message");

	if (!words) {
		words = json_object_get(body, "message");
	}
	if (!words) {
		words = json_object_get(body, "detail");
	}
	return json_is_string(words) ? json_string_value(words) : "";
}

void openai_error_words(const char *body, size_t len, char *buf, size_t cap)
{
	auto_json *value = NULL;
	struct err ignored;

	buf[0] = '\0';
	if (json_parse(body, len, len, &value, &ignored) == 0) {
		copy_words(error_words_of(value), buf, cap);
	}
}

/* Rate limits and the service's own faults pass; a wrong request stays wrong. */
static bool is_retryable(const json_t *error)
{
	const json_t *code = json_object_get(error, "code");
	const char *type = json_string_value(json_object_get(error, "type"));
	json_int_t status = json_integer_value(code);

	if (json_is_string(code)) {
		long long n = 0;

		status = sscanf(json_string_value(code), "%5lld", &n) == 1 ? n : 0;
	}
	return status == 429 || (status >= 500 && status <= 599) ||
	       (type && (strstr(type, "server_error") || strstr(type, "overloaded") ||
			 strstr(type, "rate_limit")));
}

static int take_error(struct openai_stream *s, const json_t *chunk, struct err *e)
{
	char words[300];

	s->retryable = is_retryable(json_object_get(chunk, "error"));
	copy_words(error_words_of(chunk), words, sizeof(words));
	return err_set(e, ERR_UPSTREAM, "the model service reported an error%s%s",
		       words[0] ? ": " : "", words);
}

static int64_t token_count(const json_t *usage, const char *name, int64_t old)
{
	const json_t *n = json_object_get(usage, name);

	if (!json_is_integer(n) || json_integer_value(n) < 0 ||
	    json_integer_value(n) > TOKENS_MAX) {
		return old;
	}
	return json_integer_value(n);
}

static int take_text(struct openai_stream *s, const json_t *content, struct err *e)
{
	size_t len = json_string_length(content);

	if (!json_is_string(content) || len == 0) {
		return 0;
	}
	if (len > s->max_bytes - s->text_bytes) {
		return err_set(e, ERR_TOO_LARGE, "the model's reply is larger than %zu bytes",
			       s->max_bytes);
	}
	s->text_bytes += len;
	return s->on_text(s->ctx, json_string_value(content), len, e);
}

/* One chunk of a stream (choices[0].delta) or a whole completion (choices[0].message). */
static int take_chunk(struct openai_stream *s, const json_t *chunk, struct err *e)
{
	const json_t *error = json_object_get(chunk, "error");
	const json_t *choices = json_object_get(chunk, "choices");
	const json_t *choice = json_array_get(choices, 0);
	const json_t *part = json_object_get(choice, "delta");
	const char *finish = json_string_value(json_object_get(choice, "finish_reason"));
	const json_t *usage = json_object_get(chunk, "usage");

	if (error && !json_is_null(error)) {
		return take_error(s, chunk, e);
	}
	s->usage.prompt_tokens = token_count(usage, "prompt_tokens", s->usage.prompt_tokens);
	s->usage.completion_tokens =
		token_count(usage, "completion_tokens", s->usage.completion_tokens);
	if (!json_is_array(choices)) {
		return 0;
	}
	s->seen_chunk = true;
	if (finish && finish[0]) {
		snprintf(s->finish, sizeof(s->finish), "%s", finish);
	}
	if (!json_is_object(part)) {
		part = json_object_get(choice, "message");
	}
	return take_text(s, json_object_get(part, "content"), e);
}

static int take_json(struct openai_stream *s, const char *text, size_t len, struct err *e)
{
	auto_json *chunk = NULL;
	struct err why;

	if (json_parse(text, len, len, &chunk, &why) < 0 || !json_is_object(chunk)) {
		s->garbled = true;
		return err_set(e, ERR_UPSTREAM,
			       "the model service sent something that is not a chat completion");
	}
	return take_chunk(s, chunk, e);
}

static int on_sse(void *ctx, const struct sse_event *event, struct err *e)
{
	struct openai_stream *s = ctx;

	if (s->done || event->data_len == 0) {
		return 0;
	}
	if (strcmp(event->data, "[DONE]") == 0) {
		s->done = true;
		return 0;
	}
	return take_json(s, event->data, event->data_len, e);
}

/* What kind of body this is shows in its first byte: no line of an event stream begins with '{'.
 * Returns how much white space comes before it. */
static size_t detect(struct openai_stream *s, const char *bytes, size_t len)
{
	size_t i = 0;

	while (s->body == OPENAI_BODY_UNKNOWN && i < len) {
		if (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n') {
			i++;
		} else {
			s->body = bytes[i] == '{' ? OPENAI_BODY_JSON : OPENAI_BODY_EVENTS;
		}
	}
	return i;
}

static int too_much(const struct openai_stream *s, struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the model service's answer is larger than %zu bytes",
		       s->max_bytes);
}

int openai_stream_feed(struct openai_stream *s, const char *bytes, size_t len, struct err *e)
{
	size_t skip;

	if (__builtin_add_overflow(s->raw_bytes, len, &s->raw_bytes) ||
	    s->raw_bytes / RAW_PER_TEXT_BYTE > s->max_bytes) {
		return too_much(s, e);
	}
	skip = detect(s, bytes, len);
	bytes += skip;
	len -= skip;
	switch (s->body) {
	case OPENAI_BODY_UNKNOWN:
		return 0;
	case OPENAI_BODY_JSON:
		return strbuf_add(&s->json, bytes, len) < 0 ? too_much(s, e) : 0;
	case OPENAI_BODY_EVENTS:
		break;
	}
	return sse_parser_feed(&s->sse, bytes, len, on_sse, s, e);
}

static int broke_off(const struct openai_stream *s, struct err *e)
{
	if (s->seen_chunk) {
		return err_set(e, ERR_UPSTREAM, "the model's reply broke off: ask again");
	}
	return err_set(e, ERR_UPSTREAM,
		       "the model service answered with something that is not a chat completion: "
		       "check OPENAI_BASE_URL");
}

int openai_stream_end(struct openai_stream *s, struct err *e)
{
	/* A last event without the empty line behind it, or half of one: that is a broken stream.
	 */
	if (s->body == OPENAI_BODY_EVENTS && !s->done && !s->finish[0]) {
		if (sse_parser_feed(&s->sse, "\n\n", 2, on_sse, s, e) < 0) {
			return s->garbled ? broke_off(s, e) : -1;
		}
	}
	if (s->body == OPENAI_BODY_JSON && take_json(s, s->json.data, s->json.len, e) < 0) {
		return -1;
	}
	if (strcmp(s->finish, "length") == 0) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "the reply was cut by the model's length limit: ask for less at "
			       "once, or use a model with a longer limit");
	}
	if (strcmp(s->finish, "content_filter") == 0) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "the model service's content filter stopped the reply");
	}
	if (s->done || s->finish[0] || (s->body == OPENAI_BODY_JSON && s->text_bytes > 0)) {
		return 0;
	}
	return broke_off(s, e);
}
