#include "previews/visitor.h"

#include "cleanup.h"
#include "http/request.h"
#include "user_agent.h"

#include <stdbool.h>
#include <string.h>

static bool has_any(const char *text, const char *const *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasestr(text, pieces[i])) {
			return true;
		}
	}
	return false;
}

static bool is_prefetch(const struct request *rq)
{
	static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};
	static const char *const values[] = {"prefetch", "prerender", "preview"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = request_header(rq, names[i]);

		if (value && has_any(value, values, ARRAY_LEN(values))) {
			return true;
		}
	}
	return false;
}

enum visitor visitor_of(const struct request *rq)
{
	const char *agent = request_header(rq, "User-Agent");

	if (is_prefetch(rq)) {
		return VISITOR_PREFETCH;
	}
	return agent && user_agent_is_robot(agent, strlen(agent)) ? VISITOR_BOT : VISITOR_PERSON;
}
