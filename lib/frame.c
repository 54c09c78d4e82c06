#include "frame.h"

#include <string.h>

void frame_parser_init(struct frame_parser *p)
{
	strbuf_init(&p->pending, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX);
}

void frame_parser_fini(struct frame_parser *p)
{
	strbuf_fini(&p->pending);
}

bool frame_parser_idle(const struct frame_parser *p)
{
	return p->pending.len == 0;
}

/* Type and payload length of the header at `h`. */
static int read_header(const unsigned char *h, enum frame_type *ret_type, size_t *ret_len,
		       struct err *e)
{
	size_t len = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];

	if (h[0] < FRAME_STDOUT || h[0] > FRAME_QUEUED) {
		return err_set(e, ERR_UPSTREAM, "agent sent a frame of unknown type %u", h[0]);
	}
	if (len > FRAME_PAYLOAD_MAX) {
		return err_set(e, ERR_UPSTREAM, "agent sent a frame of %zu bytes", len);
	}
	*ret_type = (enum frame_type)h[0];
	*ret_len = len;
	return 0;
}

/* How many bytes the pending frame still wants: the rest of its header, or of its payload. */
static int wanted(const struct frame_parser *p, size_t *ret_bytes, struct err *e)
{
	enum frame_type type;
	size_t len;

	if (p->pending.len < FRAME_HEADER_BYTES) {
		*ret_bytes = FRAME_HEADER_BYTES - p->pending.len;
		return 0;
	}
	if (read_header((const unsigned char *)p->pending.data, &type, &len, e) < 0) {
		return -1;
	}
	*ret_bytes = FRAME_HEADER_BYTES + len - p->pending.len;
	return 0;
}

int frame_parser_feed(struct frame_parser *p, const char *bytes, size_t len, frame_fn *fn,
		      void *ctx, struct err *e)
{
	for (;;) {
		size_t want, payload;
		enum frame_type type;

		if (wanted(p, &want, e) < 0) {
			return -1;
		}
		if (want > 0) {
			size_t take = want < len ? want : len;

			if (take == 0) {
				return 0;
			}
			if (strbuf_add(&p->pending, bytes, take) < 0) {
				return err_set(e, ERR_INTERNAL, "out of memory");
			}
			bytes += take;
			len -= take;
			continue;
		}
		if (read_header((const unsigned char *)p->pending.data, &type, &payload, e) < 0 ||
		    fn(ctx, type, p->pending.data + FRAME_HEADER_BYTES, payload, e) < 0) {
			return -1;
		}
		strbuf_reset(&p->pending);
	}
}

int frame_write(struct strbuf *b, enum frame_type type, const void *payload, size_t len)
{
	const unsigned char header[FRAME_HEADER_BYTES] = {
		(unsigned char)type,	   (unsigned char)(len >> 24), (unsigned char)(len >> 16),
		(unsigned char)(len >> 8), (unsigned char)len,
	};

	if (len > FRAME_PAYLOAD_MAX || !strbuf_reserve(b, sizeof(header) + len)) {
		b->failed = true;
		return -1;
	}
	strbuf_add(b, header, sizeof(header));
	return strbuf_add(b, payload, len);
}
