#include "body.h"

void body_init(struct body *b, enum body_kind kind, uint64_t length)
{
	*b = (struct body){.kind = kind, .left = length};
	if (kind == BODY_NONE || (kind == BODY_LENGTH && length == 0)) {
		b->done = true;
	}
	http_chunked_init(&b->chunks);
}

void body_of_request(struct body *b, const struct http_head *h)
{
	if (h->chunked) {
		body_init(b, BODY_CHUNKED, 0);
	} else {
		body_init(b, h->has_length ? BODY_LENGTH : BODY_NONE, h->content_length);
	}
}

void body_of_answer(struct body *b, const struct http_head *answer, bool to_head_method,
		    bool chunks_unknown)
{
	const int status = answer->status;

	if (to_head_method || status < 200 || status == 204 || status == 304) {
		body_init(b, BODY_NONE, 0);
	} else if (answer->chunked) {
		body_init(b, chunks_unknown ? BODY_DECHUNKED : BODY_CHUNKED, 0);
		b->chunks.trailers = true;
	} else if (answer->has_length) {
		body_init(b, BODY_LENGTH, answer->content_length);
	} else {
		body_init(b, BODY_TO_CLOSE, 0);
	}
}

/* All that is there and well-formed, framing and payload. */
static int look_chunked(struct body *b, struct buf *in, struct err *e)
{
	size_t at = 0, len = buf_len(in);
	int rc = 0;

	while (rc == 0 && at < len) {
		struct http_slice data;
		size_t used;

		rc = http_chunked_next(&b->chunks, in->data + in->start + at, len - at, &used,
				       &data, e);
		if (rc < 0) {
			return -1;
		}
		at += used;
	}
	b->ready = at;
	b->trailers = rc == 1 && b->chunks.trailers;
	b->done = rc == 1 && !b->trailers;
	return 0;
}

/* The next piece of payload; the framing before it is consumed. */
static int look_dechunked(struct body *b, struct buf *in, struct err *e)
{
	int rc = 0;

	while (rc == 0 && b->ready == 0 && buf_len(in) > 0) {
		struct http_slice data;
		size_t used;

		rc = http_chunked_next(&b->chunks, in->data + in->start, buf_len(in), &used, &data,
				       e);
		if (rc < 0) {
			return -1;
		}
		in->start += used - data.len;
		b->ready = data.len;
	}
	b->trailers = rc == 1;
	return 0;
}

int body_look(struct body *b, struct buf *in, struct err *e)
{
	size_t len = buf_len(in);

	if (b->ready > 0 || b->done || b->trailers) {
		return 0;
	}
	switch (b->kind) {
	case BODY_NONE:
		return 0;
	case BODY_LENGTH:
		b->ready = len < b->left ? len : (size_t)b->left;
		b->left -= b->ready;
		b->done = b->left == 0;
		return 0;
	case BODY_TO_CLOSE:
		b->ready = len;
		return 0;
	case BODY_CHUNKED:
		return look_chunked(b, in, e);
	case BODY_DECHUNKED:
		return look_dechunked(b, in, e);
	}
	return 0;
}

void body_took(struct body *b, struct buf *in, size_t n)
{
	in->start += n;
	b->ready -= n;
}
