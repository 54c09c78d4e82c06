/*
 * A reply in the format of model/reply.h: however it is split, the same prose, files and verdicts;
 * a file that is reported whole has a path that path_check takes; what is prose or data was in the
 * input.
 */

#include "model/placeholder.h"
#include "model/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

struct trace {
	struct strbuf text;
	enum reply_event_type last;
	bool any;
	bool open;
	size_t out_bytes;
};

static void check(const struct reply_event *event, struct trace *t)
{
	struct err e;

	switch (event->type) {
	case REPLY_FILE_BEGIN:
	case REPLY_DELETE:
		if (t->open || path_check(event->path, strlen(event->path), &e) < 0) {
			abort();
		}
		t->open = event->type == REPLY_FILE_BEGIN;
		break;
	case REPLY_FILE_END:
	case REPLY_FILE_CUT:
	case REPLY_FILE_DATA:
		if (!t->open) {
			abort();
		}
		t->open = event->type == REPLY_FILE_DATA;
		break;
	case REPLY_FILE_REFUSED:
		t->open = false;
		break;
	case REPLY_PROSE:
		if (t->open) {
			abort();
		}
		break;
	}
}

static int on_event(void *ctx, const struct reply_event *event, struct err *e)
{
	struct trace *t = ctx;
	bool joins = event->type == REPLY_PROSE || event->type == REPLY_FILE_DATA;

	(void)e;
	check(event, t);
	if (!joins || !t->any || t->last != event->type) {
		strbuf_addf(&t->text, "\n%d %s %s\n", (int)event->type, event->path, event->reason);
	}
	strbuf_add(&t->text, event->data, event->len);
	t->out_bytes += event->len;
	t->last = event->type;
	t->any = true;
	return 0;
}

static int parse(const char *in, size_t len, size_t step, struct trace *ret)
{
	struct reply_parser p;
	struct err e;
	int rc = 0;

	*ret = (struct trace){0};
	strbuf_init(&ret->text, 64 << 20);
	reply_parser_init(&p, on_event, ret);
	for (size_t at = 0; at < len && rc == 0; at += step) {
		rc = reply_parser_feed(&p, in + at, len - at < step ? len - at : step, &e);
	}
	if (rc == 0) {
		rc = reply_parser_end(&p, &e);
		if (ret->open) {
			abort();
		}
	}
	reply_parser_fini(&p);
	if (ret->out_bytes > len) {
		abort();
	}
	return rc;
}

static void look_for_holes(const char *in, size_t len)
{
	static const char *const paths[] = {"a.js", "a.html", "a.py", "a.md"};
	struct placeholder hole;
	const char *code = in;
	size_t code_len = len;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (placeholder_find(paths[i], in, len, &hole) &&
		    strlen(hole.text) >= sizeof(hole.text)) {
			abort();
		}
	}
	if (reply_fenced_code(in, len, &code, &code_len) &&
	    (code < in || code_len > len - (size_t)(code - in))) {
		abort();
	}
	code = in;
	code_len = len;
	reply_strip_fence("a.js", &code, &code_len);
	if (code < in || code_len > len - (size_t)(code - in)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	struct trace whole, split;
	int rc_whole = parse((const char *)bytes, len, len ? len : 1, &whole);
	int rc_split = parse((const char *)bytes, len, 1, &split);

	if (rc_whole != rc_split ||
	    (rc_whole == 0 && (whole.text.len != split.text.len ||
			       memcmp(whole.text.data, split.text.data, whole.text.len) != 0))) {
		abort();
	}
	strbuf_fini(&whole.text);
	strbuf_fini(&split.text);
	look_for_holes((const char *)bytes, len);
	return 0;
}
