#include "http/response.h"

#include "cleanup.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "json.h"

#include <string.h>

void response_init(struct response *rs, const struct transport *io, bool head_only)
{
	*rs = (struct response){.io = io, .head_only = head_only};
	strbuf_init(&rs->headers, RESPONSE_HEADERS_MAX_BYTES);
}

void response_fini(struct response *rs)
{
	strbuf_fini(&rs->headers);
}

void response_header(struct response *rs, const char *name, const char *value)
{
	/* A value that would split the answer is dropped: a handler may have made it of hostile
	 * text. */
	if (strpbrk(value, "\r\n") || strpbrk(name, "\r\n: ")) {
		return;
	}
	strbuf_addf(&rs->headers, "%s: %s\r\n", name, value);
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{499, "Client Closed Request"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status) {
			return reasons[i].reason;
		}
	}
	return "Unknown";
}

/* On a failed write the peer is gone: nobody is left to tell. */
static void put(struct response *rs, const void *bytes, size_t len)
{
	if (!rs->gone && len > 0 && rs->io->write(rs->io->ctx, bytes, len) < 0) {
		rs->gone = true;
	}
}

static int send_head(struct response *rs, int status, const char *content_type, const char *framing,
		     struct err *e)
{
	auto_strbuf head;

	strbuf_init(&head, 2 * RESPONSE_HEADERS_MAX_BYTES);
	if (rs->started) {
		return err_set(e, ERR_INTERNAL, "a second answer to one request");
	}
	strbuf_addf(&head, "Status: %d %s\r\n", status, reason_of(status));
	if (content_type) {
		strbuf_addf(&head, "Content-Type: %s\r\n", content_type);
	}
	if (!strstr(rs->headers.data, "Cache-Control: ")) {
		strbuf_adds(&head, "Cache-Control: no-store\r\n");
	}
	strbuf_adds(&head, "X-Content-Type-Options: nosniff\r\n");
	strbuf_add(&head, rs->headers.data, rs->headers.len);
	strbuf_addf(&head, "%s\r\n", framing);
	if (head.failed || rs->headers.failed) {
		return err_set(e, ERR_INTERNAL, "the answer's header does not fit");
	}
	rs->started = true;
	rs->status = status;
	put(rs, head.data, head.len);
	return 0;
}

int response_bytes(struct response *rs, int status, const char *content_type, const void *bytes,
		   size_t len, struct err *e)
{
	char framing[48];

	if (strpbrk(content_type, "\r\n")) {
		return err_set(e, ERR_INTERNAL, "a content type with a line break");
	}
	(void)snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", len);
	if (send_head(rs, status, content_type, framing, e) < 0) {
		return -1;
	}
	if (!rs->head_only) {
		put(rs, bytes, len);
		rs->body_bytes += len;
	}
	return 0;
}

int response_json_text(struct response *rs, int status, const char *text, struct err *e)
{
	return response_bytes(rs, status, "application/json", text, strlen(text), e);
}

int response_json(struct response *rs, int status, const json_t *value, struct err *e)
{
	auto_free char *text = json_text(value);

	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json_text(rs, status, text, e);
}

int response_empty(struct response *rs, int status, struct err *e)
{
	/* RFC 9110, 8.6: none in a 204; in a 304 it would be that of the representation. */
	bool without = status == 204 || status == 304;

	return send_head(rs, status, NULL, without ? "" : "Content-Length: 0\r\n", e);
}

int response_download_begin(struct response *rs, const char *content_type, struct err *e)
{
	if (send_head(rs, 200, content_type, "", e) < 0) {
		return -1;
	}
	rs->streaming = true;
	/* Of a HEAD nothing more is wanted: the handler may take it as a client that has gone. */
	if (rs->head_only || (!rs->gone && rs->io->flush(rs->io->ctx) < 0)) {
		rs->gone = true;
	}
	return 0;
}

int response_stream_begin(struct response *rs, const char *content_type, struct err *e)
{
	response_header(rs, "X-Accel-Buffering", "no");
	return response_download_begin(rs, content_type, e);
}

bool response_stream_write(struct response *rs, const void *bytes, size_t len)
{
	if (!rs->streaming || rs->gone) {
		return false;
	}
	put(rs, bytes, len);
	if (!rs->gone && rs->io->flush(rs->io->ctx) < 0) {
		rs->gone = true;
	}
	if (!rs->gone) {
		rs->body_bytes += len;
		return true;
	}
	/* What it did not take would be offered again at the end: cut it off, so that the worker
	 * never waits a second time. */
	rs->io->abort(rs->io->ctx);
	return false;
}

bool response_client_gone(const struct response *rs)
{
	return rs->gone || rs->io->peer_gone(rs->io->ctx);
}

bool response_started(const struct response *rs)
{
	return rs->started;
}

void response_error_headers(struct response *rs, int status)
{
	if (status == 401) {
		response_header(rs, "WWW-Authenticate", "Bearer realm=\"slipway\"");
	}
	if ((status == 429 || status == 503) && !strstr(rs->headers.data, "Retry-After: ")) {
		response_header(rs, "Retry-After", status == 429 ? "1" : "2");
	}
}

void response_problem(struct response *rs, const struct problem *p, const char *request_id)
{
	auto_json *body = problem_json(p, request_id);
	auto_free char *text = body ? json_text(body) : NULL;
	struct err ignored;
	int rc;

	response_error_headers(rs, p->status);
	rc = text ? response_bytes(rs, p->status, "application/problem+json", text, strlen(text),
				   &ignored)
		  : response_empty(rs, p->status, &ignored);
	if (rc < 0) {
		rs->status = p->status;
	}
}
