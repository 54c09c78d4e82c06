#include "conn_private.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status) {
			return reasons[i].reason;
		}
	}
	return "Error";
}

static int status_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_INVALID:
		return 400;
	case ERR_UNAUTHENTICATED:
		return 401;
	case ERR_FORBIDDEN:
		return 403;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
	case ERR_PRECONDITION:
		return 409;
	case ERR_TOO_LARGE:
		return 413;
	case ERR_UNSUPPORTED:
		return 415;
	case ERR_UNPROCESSABLE:
		return 422;
	case ERR_RATE_LIMITED:
		return 429;
	case ERR_UNAVAILABLE:
		return 503;
	case ERR_TIMEOUT:
		return 504;
	case ERR_NO_SPACE:
		return 507;
	case ERR_INTERNAL:
	case ERR_CANCELLED:
	case ERR_UPSTREAM:
		break;
	}
	return 500;
}

static struct evbuffer *output(const struct conn *c)
{
	return bufferevent_get_output(c->bev);
}

static void begin(struct conn *c, int status, const char *content_type, const char *framing)
{
	c->answer_begun = true;
	if (!c->body_read) {
		c->keep_alive = false;
	}
	evbuffer_add_printf(output(c), "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	if (content_type) {
		evbuffer_add_printf(output(c), "Content-Type: %s\r\n", content_type);
	}
	if (content_type && strcmp(content_type, "text/event-stream") == 0) {
		/* Not to be kept, nor held back by a proxy on the way. */
		evbuffer_add_printf(output(c),
				    "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
	}
	if (status == 429 || status == 503) {
		evbuffer_add_printf(output(c), "Retry-After: 1\r\n");
	}
	evbuffer_add_printf(output(c), "%s%s\r\n", framing,
			    c->keep_alive ? "" : "Connection: close\r\n");
}

void conn_reply(struct conn *c, int status, const char *content_type, const void *body, size_t len)
{
	char framing[64] = "";

	/* RFC 9110, section 8.6: no Content-Length with 204. */
	if (status != 204) {
		(void)snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", len);
	}
	begin(c, status, content_type, framing);
	evbuffer_add(output(c), body, len);
	c->chunked_out = false;
	conn_end(c);
}

void conn_reply_err(struct conn *c, const struct err *e)
{
	/* The text may quote what a stranger sent: jansson refuses what is not UTF-8. */
	json_t *body = json_pack("{s:s,s:s}", "kind", err_kind_name(e->kind), "detail", e->text);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const char *safe = text ? text
				: "{\"kind\":\"invalid\",\"detail\":\"bytes that are not "
				  "UTF-8\"}";

	conn_reply(c, status_of(e->kind), "application/json", safe, strlen(safe));
	free(text);
	json_decref(body);
}

void conn_begin_sized(struct conn *c, const char *content_type, uint64_t length)
{
	char framing[64];

	(void)snprintf(framing, sizeof(framing), "Content-Length: %llu\r\n",
		       (unsigned long long)length);
	c->chunked_out = false;
	begin(c, 200, content_type, framing);
}

void conn_begin_chunked(struct conn *c, const char *content_type)
{
	/* HTTP/1.0 knows no chunks: there the end of the connection is the end of the body. */
	c->chunked_out = c->minor > 0;
	if (!c->chunked_out) {
		c->keep_alive = false;
	}
	begin(c, 200, content_type, c->chunked_out ? "Transfer-Encoding: chunked\r\n" : "");
}

void conn_upgrade(struct conn *c, const char *fields)
{
	evbuffer_add_printf(output(c),
			    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n%s\r\n",
			    fields);
	c->answer_begun = true;
	/* There is always more to read: the end waits for the client's. */
	c->chunked_out = c->keep_alive = c->body_read = false;
	c->state = CONN_UPGRADED;
}

bool conn_answer_begun(const struct conn *c)
{
	return c->answer_begun;
}

void conn_add(struct conn *c, const struct conn_piece *pieces, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		total += pieces[i].len;
	}
	if (total == 0) {
		return;
	}
	if (c->chunked_out) {
		evbuffer_add_printf(output(c), "%zx\r\n", total);
	}
	for (size_t i = 0; i < n; i++) {
		evbuffer_add(output(c), pieces[i].bytes, pieces[i].len);
	}
	if (c->chunked_out) {
		evbuffer_add(output(c), "\r\n", 2);
	}
}

size_t conn_pending(const struct conn *c)
{
	return evbuffer_get_length(output(c));
}

void conn_end(struct conn *c)
{
	if (c->chunked_out) {
		evbuffer_add(output(c), "0\r\n\r\n", 5);
	}
	conn_next(c);
}

void conn_abort(struct conn *c)
{
	conn_close(c);
}
