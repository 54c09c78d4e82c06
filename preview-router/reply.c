#include "reply.h"

#include "evloop.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{204, "No Content"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{413, "Content Too Large"},
	{421, "Misdirected Request"},
	{425, "Too Early"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

const char *reply_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status) {
			return reasons[i].reason;
		}
	}
	return "";
}

void reply_write_head(struct strbuf *out, const struct reply *r, const char *connection)
{
	(void)strbuf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, reply_reason(r->status),
			  evloop_date());
	if (r->content_type) {
		(void)strbuf_addf(out, "Content-Type: %s\r\n", r->content_type);
	}
	if (r->status != 204 && r->status != 304) {
		(void)strbuf_addf(out, "Content-Length: %zu\r\n", r->content_type ? r->len : 0);
	}
	if (connection) {
		(void)strbuf_addf(out, "Connection: %s\r\n", connection);
	}
	if (r->extra) {
		(void)strbuf_adds(out, r->extra);
	}
	(void)strbuf_adds(out, "\r\n");
}

void reply_write_error(struct strbuf *out, int status, const char *detail)
{
	json_auto_t *problem = json_pack("{s:s,s:s,s:i,s:s}", "type", "about:blank", "title",
					 reply_reason(status), "status", status, "detail", detail);
	char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
	const struct reply r = {.status = status,
				.content_type = "application/problem+json",
				.extra = "Cache-Control: no-store\r\n",
				.len = text ? strlen(text) : 0};

	strbuf_reset(out);
	reply_write_head(out, &r, "close");
	if (text) {
		(void)strbuf_add(out, text, r.len);
	}
	free(text);
}
