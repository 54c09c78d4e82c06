#include "own_origin.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool skip(struct http_slice *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || strncasecmp(s->at, prefix, len) != 0) {
		return false;
	}
	s->at += len;
	s->len -= len;
	return true;
}

static bool skip_scheme(struct http_slice *s)
{
	return skip(s, "http://") || skip(s, "https://");
}

/* What is left begins a path, a query or a fragment, or is nothing. */
static bool at_path(struct http_slice s)
{
	return s.len == 0 || strchr("/\\?#", s.at[0]);
}

static void add(struct strbuf *out, struct http_slice s)
{
	(void)strbuf_add(out, s.at, s.len);
}

void own_origin_add(struct strbuf *out, struct http_slice name, struct http_slice value,
		    const struct http_slice *host, uint16_t inner_port)
{
	struct http_slice rest = value;
	bool own = host && host->len > 0 && skip_scheme(&rest) && rest.len >= host->len &&
		   strncasecmp(rest.at, host->at, host->len) == 0;

	if (own) {
		rest.at += host->len;
		rest.len -= host->len;
		own = at_path(rest);
	}
	add(out, name);
	(void)strbuf_add(out, ": ", 2);
	if (own) {
		(void)strbuf_addf(out, "http://localhost:%u", (unsigned)inner_port);
		add(out, rest);
	} else {
		add(out, value);
	}
	(void)strbuf_add(out, "\r\n", 2);
}

void own_location_add(struct strbuf *out, struct http_slice name, struct http_slice value,
		      uint16_t inner_port)
{
	struct http_slice rest = value;
	char port[8];
	bool own;

	(void)snprintf(port, sizeof(port), ":%u", (unsigned)inner_port);
	own = skip_scheme(&rest) && (skip(&rest, "localhost") || skip(&rest, "127.0.0.1")) &&
	      skip(&rest, port) && at_path(rest);
	add(out, name);
	(void)strbuf_add(out, ": ", 2);
	if (own) {
		/* "//" at the start would name another host; so would a backslash. */
		if (rest.len == 0 || rest.at[0] == '?' || rest.at[0] == '#') {
			(void)strbuf_addc(out, '/');
		} else if (rest.len > 1 && strchr("/\\", rest.at[1])) {
			(void)strbuf_add(out, "/.", 2);
		} else if (rest.at[0] == '\\') {
			(void)strbuf_addc(out, '/');
			rest.at++;
			rest.len--;
		}
		add(out, rest);
	} else {
		add(out, value);
	}
	(void)strbuf_add(out, "\r\n", 2);
}
