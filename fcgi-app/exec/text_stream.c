#include "exec/text_stream.h"

#include "utf8.h"

#include <string.h>

int text_stream_add(struct text_stream *t, const char *bytes, size_t len, struct strbuf *out)
{
	auto_strbuf joined;
	size_t tail;
	int rc;

	strbuf_init(&joined, t->tail_len + len);
	if (t->tail_len > 0) {
		strbuf_add(&joined, t->tail, t->tail_len);
		if (strbuf_add(&joined, bytes, len)) {
			out->failed = true;
			return -1;
		}
		bytes = joined.data;
		len = joined.len;
	}
	tail = utf8_incomplete_tail(bytes, len);
	rc = utf8_add_replaced(out, bytes, len - tail);
	memcpy(t->tail, bytes + len - tail, tail);
	t->tail_len = tail;
	return rc;
}

int text_stream_end(struct text_stream *t, struct strbuf *out)
{
	size_t len = t->tail_len;

	t->tail_len = 0;
	return utf8_add_replaced(out, t->tail, len);
}
