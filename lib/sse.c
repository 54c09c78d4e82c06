#include "sse.h"

#include <string.h>

#define FIELD_MAX_BYTES 1024
#define BOM		"\xEF\xBB\xBF"

void sse_parser_init(struct sse_parser *p)
{
	*p = (struct sse_parser){0};
	strbuf_init(&p->line, SSE_EVENT_MAX_BYTES);
	strbuf_init(&p->data, SSE_EVENT_MAX_BYTES);
	strbuf_init(&p->type, FIELD_MAX_BYTES);
	strbuf_init(&p->id, FIELD_MAX_BYTES);
}

void sse_parser_fini(struct sse_parser *p)
{
	strbuf_fini(&p->line);
	strbuf_fini(&p->data);
	strbuf_fini(&p->type);
	strbuf_fini(&p->id);
}

static int dispatch(struct sse_parser *p, sse_event_fn *fn, void *ctx, struct err *e)
{
	const struct sse_event event = {
		.type = p->type.len > 0 ? p->type.data : "message",
		.id = p->id.data,
		.data = p->data.data,
		.data_len = p->data.len,
	};
	int rc = p->has_data ? fn(ctx, &event, e) : 0;

	p->has_data = false;
	strbuf_reset(&p->data);
	strbuf_reset(&p->type);
	return rc;
}

static int is_field(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(name, want, len) == 0;
}

static int set_field(struct strbuf *b, const char *value, size_t len, const char *what,
		     struct err *e)
{
	strbuf_reset(b);
	strbuf_add(b, value, len);
	return strbuf_check(b, what, e);
}

/* "Interpret the line" of the standard: p->line holds it without its end. */
static int take_line(struct sse_parser *p, sse_event_fn *fn, void *ctx, struct err *e)
{
	const char *line = p->line.data, *colon, *value;
	size_t len = p->line.len, name_len, value_len;

	if (!p->bom_done) {
		p->bom_done = true;
		if (len >= 3 && memcmp(line, BOM, 3) == 0) {
			line += 3;
			len -= 3;
		}
	}
	if (len == 0) {
		return dispatch(p, fn, ctx, e);
	}
	colon = memchr(line, ':', len);
	if (colon == line) {
		return 0; /* a comment */
	}
	name_len = colon ? (size_t)(colon - line) : len;
	value = colon ? colon + 1 : line + len;
	value_len = len - (size_t)(value - line);
	if (value_len > 0 && value[0] == ' ') {
		value++;
		value_len--;
	}
	if (is_field(line, name_len, "data")) {
		if (p->has_data) {
			strbuf_addc(&p->data, '\n');
		}
		p->has_data = true;
		strbuf_add(&p->data, value, value_len);
		return strbuf_check(&p->data, "an event of the stream", e);
	}
	if (is_field(line, name_len, "event")) {
		return set_field(&p->type, value, value_len, "an event's name", e);
	}
	if (is_field(line, name_len, "id") && !memchr(value, '\0', value_len)) {
		return set_field(&p->id, value, value_len, "an event's id", e);
	}
	return 0;
}

int sse_parser_feed(struct sse_parser *p, const char *bytes, size_t len, sse_event_fn *fn,
		    void *ctx, struct err *e)
{
	const char *end = bytes + len;

	while (bytes < end) {
		size_t left = (size_t)(end - bytes), run;

		if (p->skip_lf) {
			p->skip_lf = false;
			if (*bytes == '\n') {
				bytes++;
				continue;
			}
		}
		for (run = 0; run < left && bytes[run] != '\n' && bytes[run] != '\r'; run++) {
		}
		strbuf_add(&p->line, bytes, run);
		if (strbuf_check(&p->line, "a line of the stream", e) < 0) {
			return -1;
		}
		bytes += run;
		if (bytes == end) {
			break;
		}
		p->skip_lf = *bytes == '\r';
		bytes++;
		if (take_line(p, fn, ctx, e) < 0) {
			return -1;
		}
		strbuf_reset(&p->line);
	}
	return 0;
}

int sse_write(struct strbuf *b, int64_t id, const char *type, const char *data)
{
	if (id >= 0) {
		strbuf_addf(b, "id: %lld\n", (long long)id);
	}
	strbuf_addf(b, "event: %s\n", type);
	for (;;) {
		size_t run = strcspn(data, "\r\n");

		strbuf_adds(b, "data: ");
		strbuf_add(b, data, run);
		strbuf_addc(b, '\n');
		data += run;
		if (*data == '\0') {
			break;
		}
		data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
	}
	strbuf_addc(b, '\n');
	return b->failed ? -1 : 0;
}
