#include "relay_line.h"

#include <string.h>

#define MAGIC "SLW1 "

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0) {
		return false;
	}
	c->at += len;
	return true;
}

static bool take_number(struct cursor *c, int max, int *ret)
{
	const char *from = c->at;
	int v = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
		v = v * 10 + (*c->at++ - '0');
		if (v > max) {
			return false;
		}
	}
	if (c->at == from || (*from == '0' && c->at - from > 1)) {
		return false;
	}
	*ret = v;
	return true;
}

/* Both are RELAY_SECRET_CHARS long. */
static bool same_secret(const char *given, const char *secret)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < RELAY_SECRET_CHARS; i++) {
		differs |= (unsigned char)(given[i] ^ secret[i]);
	}
	return differs == 0;
}

enum relay_line_result relay_line_parse(const char *line, size_t len, const char *secret,
					struct relay_request *ret)
{
	struct cursor c = {line, line + len};
	struct relay_request rq = {0};
	const char *given;
	int port = 0;

	if (!take(&c, MAGIC) || c.end - c.at < RELAY_SECRET_CHARS) {
		return RELAY_LINE_SYNTAX;
	}
	given = c.at;
	c.at += RELAY_SECRET_CHARS;
	if (take(&c, " status ")) {
		rq.status = true;
	} else if (!take(&c, " ") || !take_number(&c, UINT16_MAX, &port) || !take(&c, " ")) {
		return RELAY_LINE_SYNTAX;
	}
	if (!take_number(&c, rq.status ? 0 : RELAY_WAIT_MAX_MS, &rq.wait_ms) || c.at != c.end) {
		return RELAY_LINE_SYNTAX;
	}
	if (strlen(secret) != RELAY_SECRET_CHARS || !same_secret(given, secret)) {
		return RELAY_LINE_SECRET;
	}
	rq.port = (in_port_t)port;
	*ret = rq;
	return RELAY_LINE_OK;
}
