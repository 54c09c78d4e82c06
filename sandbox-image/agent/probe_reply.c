#include "probe_reply.h"

#include "frame.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

void probe_reply_init(struct probe_reply *r)
{
	*r = (struct probe_reply){0};
	strbuf_init(&r->head, HTTP_HEAD_MAX_BYTES + 1);
	strbuf_init(&r->body, PROBE_BODY_MAX_BYTES);
	http_chunked_init(&r->chunks);
}

void probe_reply_fini(struct probe_reply *r)
{
	strbuf_fini(&r->head);
	strbuf_fini(&r->body);
}

static void add_body(struct probe_reply *r, const char *bytes, size_t len)
{
	size_t room = r->body.max - r->body.len;

	if (len > room) {
		r->truncated = r->complete = true;
		len = room;
	}
	strbuf_add(&r->body, bytes, len);
}

static int feed_body(struct probe_reply *r, const char *bytes, size_t len, struct err *e)
{
	while (len > 0 && !r->complete) {
		struct http_slice data = {bytes, len};
		size_t used = len;
		bool last = false;

		if (r->chunked) {
			int n = http_chunked_next(&r->chunks, bytes, len, &used, &data, e);

			if (n < 0) {
				return -1;
			}
			last = n == 1;
		} else if (r->has_length) {
			used = data.len = len < r->body_left ? len : (size_t)r->body_left;
			r->body_left -= used;
			last = r->body_left == 0;
		}
		add_body(r, data.at, data.len);
		r->complete = r->complete || last;
		bytes += used;
		len -= used;
	}
	return r->complete;
}

static void take_head(struct probe_reply *r, const struct http_head *h)
{
	const struct http_slice *type = http_head_get(h, "Content-Type");

	r->status = h->status;
	r->chunked = h->chunked;
	r->has_length = h->has_length;
	r->body_left = h->content_length;
	/* RFC 9112, section 6.3. */
	r->complete =
		h->status == 204 || h->status == 304 || (h->has_length && h->content_length == 0);
	if (type) {
		(void)snprintf(r->content_type, sizeof(r->content_type), "%.*s",
			       (int)(type->len < 127 ? type->len : 127), type->at);
	}
}

/* Told at once, not only when a head should have ended: mail servers and the like speak first. */
static bool looks_like_http(const struct strbuf *head)
{
	static const char start[] = "HTTP/1.";
	size_t n = head->len < sizeof(start) - 1 ? head->len : sizeof(start) - 1;

	return memcmp(head->data, start, n) == 0;
}

/* 1: a final head is complete and what follows it lies in r->head; 0: more bytes; -1. */
static int parse_head(struct probe_reply *r, struct err *e)
{
	for (;;) {
		struct http_head h;
		size_t used;
		int n;

		if (!looks_like_http(&r->head)) {
			return err_set(e, ERR_UPSTREAM, "the answer is not HTTP/1");
		}
		n = http_head_parse_response(r->head.data, r->head.len, &h, &used, e);
		if (n != 1) {
			return n;
		}
		if (h.status >= 200) {
			take_head(r, &h);
			strbuf_consume(&r->head, used);
			return 1;
		}
		strbuf_consume(&r->head, used);
	}
}

int probe_reply_feed(struct probe_reply *r, const char *bytes, size_t len, struct err *e)
{
	if (r->status != 0) {
		return feed_body(r, bytes, len, e);
	}
	while (len > 0) {
		size_t room = r->head.max - r->head.len;
		size_t take = len < room ? len : room;
		int n;

		strbuf_add(&r->head, bytes, take);
		bytes += take;
		len -= take;
		n = parse_head(r, e);
		if (n < 0 || (n == 0 && take == 0)) {
			return -1;
		}
		if (n == 1) {
			n = r->complete ? 1 : feed_body(r, r->head.data, r->head.len, e);
			return n == 0 && len > 0 ? feed_body(r, bytes, len, e) : n;
		}
	}
	return 0;
}

/* As text that any JSON reader takes: what is no UTF-8, and NUL, which strict ones refuse, become
 * U+FFFD. */
static int add_text(struct strbuf *out, const char *bytes, size_t len)
{
	for (;;) {
		const char *nul = memchr(bytes, '\0', len);
		size_t run = nul ? (size_t)(nul - bytes) : len;

		if (utf8_add_replaced(out, bytes, run)) {
			return -1;
		}
		if (!nul) {
			return 0;
		}
		if (strbuf_adds(out, "\xef\xbf\xbd")) {
			return -1;
		}
		bytes += run + 1;
		len -= run + 1;
	}
}

static json_t *pack(const struct probe_reply *r, unsigned port, size_t body_len)
{
	size_t cut = body_len - utf8_incomplete_tail(r->body.data, body_len);
	struct strbuf body, type;
	json_t *object = NULL;

	/* U+FFFD takes three bytes for one. */
	strbuf_init(&body, 3 * (size_t)PROBE_BODY_MAX_BYTES);
	strbuf_init(&type, 3 * sizeof(r->content_type));
	if (add_text(&body, r->body.data, cut) == 0 &&
	    utf8_add_replaced(&type, r->content_type, strlen(r->content_type)) == 0) {
		object = json_pack("{s:i,s:i,s:s,s:s%,s:b}", "port", (int)port, "status", r->status,
				   "content_type", type.data, "body", body.data, body.len,
				   "truncated", r->truncated || cut < r->body.len || !r->complete);
	}
	strbuf_fini(&body);
	strbuf_fini(&type);
	return object;
}

json_t *probe_reply_json(const struct probe_reply *r, unsigned port)
{
	/* Control characters take six bytes each in JSON: a body of them does not fit whole. */
	for (size_t len = r->body.len;; len /= 2) {
		json_t *object = pack(r, port, len);
		size_t size = object ? json_dumpb(object, NULL, 0, JSON_COMPACT) : 0;

		if (!object || size <= FRAME_PAYLOAD_MAX) {
			return object;
		}
		json_decref(object);
	}
}
