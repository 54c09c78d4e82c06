#include "generate/page_check.h"

#include "cleanup.h"
#include "exec/agent_client.h"
#include "json.h"
#include "strbuf.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM		 "/usr/local/lib/slipway/page.mjs"
#define OUTPUT_MAX_BYTES (256 * 1024)
#define CHECKED_MAX	 100000
#define TIMEOUT_MS	 30000 /* a first page may be compiled for it */

struct check {
	struct turn *turn;
	struct strbuf out;
	bool turn_failed;
};

void page_result_fini(struct page_result *r)
{
	json_decref(r->failures);
	r->failures = NULL;
}

/* New reference: as much of the text as is shown, or null. */
static json_t *text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text) {
		return json_null();
	}
	if (len > PAGE_TEXT_MAX_BYTES) {
		len = PAGE_TEXT_MAX_BYTES - utf8_incomplete_tail(text, PAGE_TEXT_MAX_BYTES);
	}
	return json_stringn(text, len);
}

static int64_t status_of(const json_t *object)
{
	json_int_t status = json_integer_value(json_object_get(object, "status"));

	return status >= 100 && status < 1000 ? (int64_t)status : 0;
}

static json_t *failures_of(const json_t *object)
{
	const json_t *said = json_object_get(object, "failures");
	json_t *failures = json_array();

	for (size_t i = 0; i < json_array_size(said) && i < PAGE_FAILURES_MAX; i++) {
		const json_t *one = json_array_get(said, i);
		int64_t status = status_of(one);

		json_array_append_new(
			failures, json_pack("{s:o,s:o,s:o}", "url", text_of(one, "url"), "status",
					    status ? json_integer(status) : json_null(), "error",
					    text_of(one, "error")));
	}
	return failures;
}

/* The last line that holds something. */
static const char *last_line(const char *text, size_t *len)
{
	const char *begin;

	while (*len > 0 && strchr("\r\n \t", text[*len - 1])) {
		(*len)--;
	}
	begin = memrchr(text, '\n', *len);
	begin = begin ? begin + 1 : text;
	*len -= (size_t)(begin - text);
	return begin;
}

int page_result_parse(const char *text, size_t len, struct page_result *ret, struct err *e)
{
	const char *line = last_line(text, &len);
	auto_json *object = NULL;
	const char *type;
	json_int_t checked;

	if (json_parse(line, len, OUTPUT_MAX_BYTES, &object, e) < 0 ||
	    !json_is_boolean(json_object_get(object, "ok"))) {
		return err_set(e, ERR_UPSTREAM, "the page could not be looked at");
	}
	type = json_string_value(json_object_get(object, "content_type"));
	checked = json_integer_value(json_object_get(object, "checked"));
	*ret = (struct page_result){
		.ok = json_is_true(json_object_get(object, "ok")),
		.status = status_of(object),
		.checked = checked < 0 || checked > CHECKED_MAX ? 0 : (int64_t)checked,
		.failures = failures_of(object),
	};
	if (type && strlen(type) < sizeof(ret->content_type)) {
		snprintf(ret->content_type, sizeof(ret->content_type), "%s", type);
	}
	return 0;
}

static int on_tick(void *ctx, struct err *e)
{
	struct check *c = ctx;

	if (turn_tick(c->turn, e) < 0) {
		c->turn_failed = true;
		return -1;
	}
	return 0;
}

static int on_frame(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct check *c = ctx;

	if (type == FRAME_STDOUT) {
		strbuf_add(&c->out, payload, len);
	}
	return strbuf_check(&c->out, "the page's description", e);
}

int page_check(struct turn *t, const struct sandbox *sb, int64_t port, struct page_result *ret,
	       bool *ret_turn_failed, struct err *e)
{
	struct check c = {.turn = t};
	char run_id[UUID_TEXT_BYTES], port_text[24];
	const char *const argv[] = {"node", PROGRAM, port_text, NULL};
	const struct run_request rq = {
		.id = run_id,
		.argv = argv,
		.timeout_ms = TIMEOUT_MS,
		.output_max_bytes = OUTPUT_MAX_BYTES,
	};
	const struct run_callbacks cb = {.on_frame = on_frame, .on_tick = on_tick, .ctx = &c};
	struct run_result result;
	int rc;

	uuid_new(run_id);
	snprintf(port_text, sizeof(port_text), "%" PRId64, port);
	strbuf_init(&c.out, 2 * OUTPUT_MAX_BYTES);
	rc = agent_run(t->app, sb->agent_socket, &rq, &cb, &result, e);
	if (rc == 0 && result.timed_out) {
		rc = err_set(e, ERR_TIMEOUT, "the page and what it loads did not answer in time");
	} else if (rc == 0) {
		rc = page_result_parse(c.out.data, c.out.len, ret, e);
	}
	strbuf_fini(&c.out);
	*ret_turn_failed = c.turn_failed;
	return rc;
}
