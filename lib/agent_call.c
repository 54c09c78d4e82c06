#include "agent_call.h"

#include "cleanup.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 2000
#define FILE_TIMEOUT_MS	   20000
#define ANSWER_MAX_BYTES   4096
#define URL_MAX_BYTES	   (3 * 1024 + 64) /* a path, every byte percent-encoded */

/* What an agent says about an error is shown to people, so only plain printable text of it is. */
static void printable(const char *text, char *ret_text, size_t cap)
{
	size_t n = 0;

	for (; text[n] && n + 1 < cap; n++) {
		unsigned char c = (unsigned char)text[n];

		ret_text[n] = c >= 0x20 && c < 0x7f ? text[n] : '?';
	}
	ret_text[n] = '\0';
}

static int answer_error(const struct http_response *r, struct err *e)
{
	char detail[160] = "no detail";
	auto_json *body = NULL;
	struct err ignored;

	switch (r->status) {
	case 429:
		return err_set(e, ERR_RATE_LIMITED,
			       "this sandbox has as many runs waiting as it may; try again soon");
	case 507:
		return err_set(e, ERR_NO_SPACE, "the sandbox's disk is full; delete some files");
	case 404:
		return err_set(e, ERR_NOT_FOUND, "no such file in the sandbox");
	default:
		break;
	}
	if (!json_parse(r->body.data, r->body.len, ANSWER_MAX_BYTES, &body, &ignored)) {
		const char *said = json_string_value(json_object_get(body, "detail"));

		printable(said ? said : "", detail, sizeof(detail));
	}
	return err_set(e, ERR_UPSTREAM, "the sandbox's agent answered %d (%s)", r->status, detail);
}

/* Says whose fault it was, unless a callback of ours did so already. */
static int no_answer(const struct http_response *r, struct err *e)
{
	if (r->callback_failed) {
		return -1;
	}
	if (e->kind == ERR_UNAVAILABLE) {
		return err_set(e, ERR_UNAVAILABLE,
			       "the sandbox's agent does not answer; try again");
	}
	return err_prefix(e, "the sandbox's agent");
}

int agent_call(struct http_client *http, const char *socket, struct http_request *rq,
	       struct http_response *ret, struct err *e)
{
	static const char *const json_headers[] = {"Content-Type: application/json", NULL};

	rq->unix_socket = socket;
	rq->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	rq->response_max_bytes = ANSWER_MAX_BYTES;
	if (!rq->headers) {
		rq->headers = json_headers;
	}
	if (http_client_perform(http, rq, ret, e)) {
		return no_answer(ret, e);
	}
	return ret->status / 100 == 2 ? 0 : answer_error(ret, e);
}

/* RFC 3986: unreserved characters and slashes as they are, all others percent-encoded. */
static void url_of_path(const char *prefix, const char *path, char ret_url[URL_MAX_BYTES])
{
	size_t n = (size_t)snprintf(ret_url, URL_MAX_BYTES, "%s", prefix);

	for (const unsigned char *p = (const unsigned char *)path; *p && n + 4 < URL_MAX_BYTES;
	     p++) {
		if (strchr("-._~/", *p) || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z')) {
			ret_url[n++] = (char)*p;
		} else {
			n += (size_t)snprintf(ret_url + n, 4, "%%%02X", *p);
		}
	}
	ret_url[n] = '\0';
}

int agent_delete(struct http_client *http, const char *socket, const char *path, struct err *e)
{
	char url[URL_MAX_BYTES];
	auto_http_response response = {0};
	struct http_request rq = {
		.method = "DELETE",
		.url = url,
		.total_timeout_ms = FILE_TIMEOUT_MS,
	};

	url_of_path("http://agent/v1/files/", path, url);
	return agent_call(http, socket, &rq, &response, e);
}

int agent_put_tar(struct http_client *http, const char *socket, const void *tar, size_t len,
		  struct err *e)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	auto_http_response response = {0};
	struct http_request rq = {
		.method = "PUT",
		.url = "http://agent/v1/tar",
		.headers = headers,
		.body = tar,
		.body_len = len,
		.total_timeout_ms = FILE_TIMEOUT_MS,
	};

	return agent_call(http, socket, &rq, &response, e);
}
