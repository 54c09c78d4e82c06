#include "http/request.h"

#include "http/exchange.h"
#include "http/uri.h"
#include "json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARAM_NAME_MAX	   64
#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX	   100

const char *request_header(const struct request *rq, const char *name)
{
	const struct transport *io = rq->edge;
	char param[PARAM_NAME_MAX] = "HTTP_";
	size_t at = strlen(param);

	if (strcasecmp(name, "Content-Type") == 0) {
		return io->param(io->ctx, "CONTENT_TYPE");
	}
	for (const char *c = name; *c && at < sizeof(param) - 1; c++) {
		param[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	}
	param[at] = '\0';
	return io->param(io->ctx, param);
}

/* True when the media type at `at` is `type`; it ends at a comma, a semicolon or white space. */
static bool media_type_is(const char *at, const char *type)
{
	size_t len = strcspn(at, ",; \t");

	return len == strlen(type) && strncasecmp(at, type, len) == 0;
}

static bool accepts(const struct request *rq, const char *type)
{
	const char *accept = request_header(rq, "Accept");

	while (accept && *accept) {
		accept += strspn(accept, " \t,");
		if (media_type_is(accept, type)) {
			return true;
		}
		accept += strcspn(accept, ",");
	}
	return false;
}

bool request_wants_events(const struct request *rq)
{
	return accepts(rq, "text/event-stream");
}

bool request_wants_html(const struct request *rq)
{
	return accepts(rq, "text/html");
}

int request_json(const struct request *rq, json_t **ret_object, struct err *e)
{
	const char *type = request_header(rq, "Content-Type");
	auto_json *value = NULL;

	if (!type || !media_type_is(type, "application/json")) {
		return err_set(e, ERR_UNSUPPORTED,
			       "send the body as Content-Type: application/json");
	}
	if (rq->body_len == 0) {
		value = json_object();
		if (!value) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	} else if (json_parse(rq->body, rq->body_len, rq->body_len, &value, e) < 0) {
		return -1;
	}
	if (!json_is_object(value)) {
		return err_set(e, ERR_INVALID, "the body must be one JSON object");
	}
	*ret_object = json_incref(value);
	return 0;
}

int request_query(const struct request *rq, const char *name, char *buf, size_t cap, struct err *e)
{
	return uri_query_get(rq->query, name, buf, cap, e);
}

int request_page(const struct request *rq, struct page *ret_page, struct err *e)
{
	struct page page = {.limit = PAGE_LIMIT_DEFAULT};
	char text[8];
	int found = request_query(rq, "limit", text, sizeof(text), e);

	if (found < 0) {
		return -1;
	}
	if (found) {
		char *end;
		long limit = strtol(text, &end, 10);

		if (text[0] < '0' || text[0] > '9' || *end != '\0' || limit < 1 ||
		    limit > PAGE_LIMIT_MAX) {
			return err_set(e, ERR_INVALID, "query parameter limit must be 1 to %d",
				       PAGE_LIMIT_MAX);
		}
		page.limit = limit;
	}
	if (request_query(rq, "cursor", page.cursor, sizeof(page.cursor), e) < 0) {
		return -1;
	}
	*ret_page = page;
	return 0;
}

int request_uuid(const struct request *rq, size_t i, const char **ret_id, struct err *e)
{
	if (i >= REQUEST_PARAMS_MAX || !rq->params[i] || !uuid_valid(rq->params[i])) {
		return err_set(e, ERR_NOT_FOUND, "there is no such thing");
	}
	*ret_id = rq->params[i];
	return 0;
}
