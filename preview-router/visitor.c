#include "visitor.h"

#include "cleanup.h"
#include "user_agent.h"

#include <string.h>
#include <strings.h>

static bool contains(struct http_slice text, const char *part)
{
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= text.len; i++) {
		if (strncasecmp(text.at + i, part, len) == 0) {
			return true;
		}
	}
	return false;
}

static bool header_contains(const struct http_head *head, const char *name, const char *part)
{
	for (size_t i = 0; i < head->n_headers; i++) {
		if (http_slice_is_nocase(head->headers[i].name, name) &&
		    contains(head->headers[i].value, part)) {
			return true;
		}
	}
	return false;
}

static bool is_robot(const struct http_head *head)
{
	const struct http_slice *agent = http_head_get(head, "user-agent");

	return agent && user_agent_is_robot(agent->at, agent->len);
}

/* Before somebody looks at it, if ever. */
static bool is_prefetch(const struct http_head *head)
{
	static const char *const names[] = {"sec-purpose", "purpose", "x-purpose", "x-moz"};
	static const char *const values[] = {"prefetch", "prerender", "preview"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			if (header_contains(head, names[i], values[j])) {
				return true;
			}
		}
	}
	return false;
}

bool visitor_navigates(const struct http_head *head)
{
	const struct http_slice *mode = http_head_get(head, "sec-fetch-mode");

	if (http_head_get(head, "upgrade")) {
		return false;
	}
	if (mode) {
		return http_slice_is_nocase(*mode, "navigate");
	}
	return (http_slice_is(head->method, "GET") || http_slice_is(head->method, "HEAD")) &&
	       header_contains(head, "accept", "text/html");
}

bool visitor_in_frame(const struct http_head *head)
{
	static const char *const frames[] = {"iframe", "frame", "embed", "object"};
	const struct http_slice *dest = http_head_get(head, "sec-fetch-dest");

	for (size_t i = 0; dest && i < ARRAY_LEN(frames); i++) {
		if (http_slice_is_nocase(*dest, frames[i])) {
			return true;
		}
	}
	return false;
}

bool visitor_fills_iframe(const struct http_head *head)
{
	const struct http_slice *dest = http_head_get(head, "sec-fetch-dest");

	return dest && http_slice_is_nocase(*dest, "iframe") && visitor_navigates(head) &&
	       !http_slice_is(head->method, "HEAD");
}

bool visitor_may_wake(const struct http_head *head)
{
	return !http_slice_is(head->method, "HEAD") && !http_slice_is(head->method, "OPTIONS") &&
	       !is_prefetch(head) && !is_robot(head);
}
