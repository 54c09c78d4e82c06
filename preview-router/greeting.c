#include "greeting.h"

#include "http_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MAX_MS 60000

static const struct {
	const char *word;
	enum refusal why;
} reasons[] = {
	{"secret", REFUSED_SECRET},	    {"refused", REFUSED_PORT},
	{"installing", REFUSED_INSTALLING}, {"starting", REFUSED_STARTING},
	{"crashed", REFUSED_CRASHED},	    {"stopped", REFUSED_STOPPED},
	{"exited", REFUSED_CRASHED},	    {"limit", REFUSED_LIMIT},
	{"syntax", REFUSED_MALFORMED},
};

size_t greeting_write(char *buf, const char *secret, uint16_t inner_port, int64_t wait_ms)
{
	int n;

	if (wait_ms < 0) {
		wait_ms = 0;
	} else if (wait_ms > WAIT_MAX_MS) {
		wait_ms = WAIT_MAX_MS;
	}
	n = snprintf(buf, GREETING_MAX_BYTES, "SLW1 %s %u %" PRId64 "\n", secret,
		     (unsigned)inner_port, wait_ms);
	return n > 0 && n < GREETING_MAX_BYTES ? (size_t)n : 0;
}

static int parse_port(struct http_slice s, uint16_t *ret, struct err *e)
{
	unsigned port = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9' || port > UINT16_MAX) {
			return err_set(e, ERR_INVALID, "the relay named no port");
		}
		port = port * 10 + (unsigned)(s.at[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX) {
		return err_set(e, ERR_INVALID, "the relay named no port");
	}
	*ret = (uint16_t)port;
	return 0;
}

static int parse_reason(struct http_slice s, enum refusal *ret, struct err *e)
{
	const char *space = memchr(s.at, ' ', s.len);

	if (space) {
		s.len = (size_t)(space - s.at);
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (http_slice_is(s, reasons[i].word)) {
			*ret = reasons[i].why;
			return 0;
		}
	}
	return err_set(e, ERR_INVALID, "the relay gave no known reason");
}

int greeting_parse(const char *bytes, size_t len, struct greeting *ret, size_t *ret_used,
		   struct err *e)
{
	size_t max = len < GREETING_ANSWER_MAX_BYTES ? len : GREETING_ANSWER_MAX_BYTES;
	const char *lf = memchr(bytes, '\n', max);
	struct greeting g = {0};
	int rc;

	if (!lf) {
		return len < GREETING_ANSWER_MAX_BYTES
			       ? 0
			       : err_set(e, ERR_INVALID, "the relay's answer has no end");
	}
	if (lf - bytes > 3 && memcmp(bytes, "OK ", 3) == 0) {
		g.ok = true;
		rc = parse_port((struct http_slice){bytes + 3, (size_t)(lf - bytes - 3)}, &g.port,
				e);
	} else if (lf - bytes > 3 && memcmp(bytes, "NO ", 3) == 0) {
		rc = parse_reason((struct http_slice){bytes + 3, (size_t)(lf - bytes - 3)}, &g.why,
				  e);
	} else {
		return err_set(e, ERR_INVALID, "this is not the relay");
	}
	if (rc < 0) {
		return -1;
	}
	*ret = g;
	*ret_used = (size_t)(lf - bytes) + 1;
	return 1;
}
