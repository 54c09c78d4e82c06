#include "heads.h"

#include "cookies.h"
#include "framing.h"
#include "own_origin.h"

#include <string.h>
#include <strings.h>

/* What a header means to us; 0 passes. */
enum field {
	F_PASS,
	F_DROP,
	F_CONNECTION,
	F_HOST,
	F_ORIGIN,
	F_REFERER,
	F_COOKIE,
	F_SET_COOKIE,
	F_LOCATION,
	F_LENGTH,
	F_POLICY,
};

struct known {
	const char *name;
	enum field field;
};

/* Hop-by-hop (RFC 9110, section 7.6.1) and what is ours to say, in both directions. */
static const struct known common[] = {
	{"Connection", F_CONNECTION},  {"Keep-Alive", F_DROP},
	{"Proxy-Connection", F_DROP},  {"TE", F_DROP},
	{"Transfer-Encoding", F_DROP}, {"Upgrade", F_DROP},
	{"Content-Length", F_LENGTH},
};
static const struct known to_app[] = {
	{"Host", F_HOST},
	{"Origin", F_ORIGIN},
	{"Referer", F_REFERER},
	{"Cookie", F_COOKIE},
	{"Forwarded", F_DROP},
	{"X-Real-IP", F_DROP},
	{"Trailer", F_DROP},
	{"Proxy-Authorization", F_DROP},
	{"Proxy-Authenticate", F_DROP},
};
static const struct known to_client[] = {
	{"Set-Cookie", F_SET_COOKIE},
	{"Location", F_LOCATION},
	{"Alt-Svc", F_DROP},
	{"Clear-Site-Data", F_DROP},
	{"Strict-Transport-Security", F_DROP},
};

/* What an answer that is not the app's own bytes must not depend on, nor say of itself. */
static const struct known to_app_inspected[] = {
	{"Accept-Encoding", F_DROP}, {"If-None-Match", F_DROP}, {"If-Modified-Since", F_DROP},
	{"Range", F_DROP},	     {"If-Range", F_DROP},
};
static const struct known to_client_inspected[] = {
	{"ETag", F_DROP},
	{"Last-Modified", F_DROP},
	{"Cache-Control", F_DROP},
	{"Expires", F_DROP},
	{"Accept-Ranges", F_DROP},
	{"Content-MD5", F_DROP},
	{"Digest", F_DROP},
	{"Content-Digest", F_DROP},
	{"Repr-Digest", F_DROP},
	{"X-Frame-Options", F_DROP},
	{"Content-Security-Policy", F_POLICY},
	{"Content-Security-Policy-Report-Only", F_POLICY},
};

static struct http_slice slice(const char *s)
{
	return (struct http_slice){s, strlen(s)};
}

static bool has_prefix(struct http_slice s, const char *prefix, size_t len)
{
	return s.len >= len && strncasecmp(s.at, prefix, len) == 0;
}

static bool is_internal(struct http_slice name)
{
	return (name.at[0] | 0x20) == 'x' &&
	       (has_prefix(name, "X-Slipway-", 10) || has_prefix(name, "X-Accel-", 8));
}

static enum field look_up(const struct known *table, size_t n, struct http_slice name)
{
	for (size_t i = 0; i < n; i++) {
		const char *k = table[i].name;

		if ((k[0] | 0x20) == (name.at[0] | 0x20) && http_slice_is_nocase(name, k)) {
			return table[i].field;
		}
	}
	return F_PASS;
}

#define LOOK_UP(table, name) look_up(table, sizeof(table) / sizeof((table)[0]), name)

/* What Connection names beyond the words everybody uses is hop-by-hop as well. */
static bool names_more(struct http_slice connection)
{
	return !http_slice_is_nocase(connection, "keep-alive") &&
	       !http_slice_is_nocase(connection, "close") &&
	       !http_slice_is_nocase(connection, "upgrade");
}

static bool is_named_by_connection(const struct http_head *h, struct http_slice name)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (http_slice_is_nocase(h->headers[i].name, "Connection") &&
		    http_list_has(h->headers[i].value, name)) {
			return true;
		}
	}
	return false;
}

static bool connection_names_more(const struct http_head *h)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (http_slice_is_nocase(h->headers[i].name, "Connection") &&
		    names_more(h->headers[i].value)) {
			return true;
		}
	}
	return false;
}

static void add_slice(struct strbuf *out, struct http_slice s)
{
	(void)strbuf_add(out, s.at, s.len);
}

static void add_field(struct strbuf *out, struct http_slice name, struct http_slice value)
{
	char *at = strbuf_reserve(out, name.len + value.len + 4);

	if (!at) {
		return;
	}
	memcpy(at, name.at, name.len);
	memcpy(at + name.len, ": ", 2);
	memcpy(at + name.len + 2, value.at, value.len);
	memcpy(at + name.len + 2 + value.len, "\r\n", 2);
	strbuf_commit(out, name.len + value.len + 4);
}

bool heads_is_upgrade(const struct http_head *h)
{
	const struct http_slice *upgrade = http_head_get(h, "Upgrade");

	return upgrade && h->minor == 1 && !h->chunked && h->content_length == 0 &&
	       http_slice_is(h->method, "GET") && http_list_has(*upgrade, slice("websocket")) &&
	       is_named_by_connection(h, slice("upgrade"));
}

static void add_request_field(struct strbuf *out, const struct http_head *h, size_t i,
			      const struct head_facts *f)
{
	const struct http_slice name = h->headers[i].name, value = h->headers[i].value;
	enum field field = LOOK_UP(common, name);

	if (field == F_PASS) {
		field = LOOK_UP(to_app, name);
	}
	if (field == F_PASS && f->is_inspected) {
		field = LOOK_UP(to_app_inspected, name);
	}
	switch (field) {
	case F_PASS:
		if (!is_internal(name) && !has_prefix(name, "X-Forwarded-", 12)) {
			add_field(out, name, value);
		}
		break;
	case F_ORIGIN:
	case F_REFERER:
		own_origin_add(out, name, value, http_head_get(h, "Host"), f->inner_port);
		break;
	case F_COOKIE:
		cookies_add_to_app(out, name, value);
		break;
	case F_DROP:
	case F_CONNECTION:
	case F_HOST:
	case F_SET_COOKIE:
	case F_LOCATION:
	case F_LENGTH:
	case F_POLICY:
		break;
	}
}

static int too_large(const struct strbuf *out, struct err *e)
{
	return out->failed ? err_set(e, ERR_TOO_LARGE, "the head becomes too large") : 0;
}

int heads_to_app(struct strbuf *out, const struct http_head *h, const struct head_facts *f,
		 struct err *e)
{
	const bool more = connection_names_more(h);

	add_slice(out, h->method);
	(void)strbuf_addc(out, ' ');
	add_slice(out, h->target);
	(void)strbuf_addf(out, " HTTP/1.1\r\nHost: localhost:%u\r\n", (unsigned)f->inner_port);
	for (size_t i = 0; i < h->n_headers; i++) {
		if (!more || !is_named_by_connection(h, h->headers[i].name)) {
			add_request_field(out, h, i, f);
		}
	}
	if (f->is_inspected) {
		(void)strbuf_adds(out, "Accept-Encoding: identity\r\n");
	}
	if (f->client_address[0] != '\0') {
		add_field(out, slice("X-Forwarded-For"), slice(f->client_address));
	}
	(void)strbuf_adds(out, f->is_https ? "X-Forwarded-Proto: https\r\n"
					   : "X-Forwarded-Proto: http\r\n");
	if (f->is_upgrade) {
		(void)strbuf_adds(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	} else if (h->chunked) {
		(void)strbuf_adds(out, "Transfer-Encoding: chunked\r\n");
	} else if (h->has_length) {
		(void)strbuf_addf(out, "Content-Length: %llu\r\n",
				  (unsigned long long)h->content_length);
	}
	(void)strbuf_adds(out, "\r\n");
	return too_large(out, e);
}

/* " 200 OK": what stands behind the version, unless the reason has what does not belong there. */
static void add_status(struct strbuf *out, const char *bytes, int status)
{
	const char *at = bytes + 8, *end = rawmemchr(at, '\r');

	for (const char *p = at; p < end; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7F) {
			(void)strbuf_addf(out, "HTTP/1.1 %d \r\n", status);
			return;
		}
	}
	(void)strbuf_adds(out, "HTTP/1.1");
	(void)strbuf_add(out, at, (size_t)(end - at));
	(void)strbuf_adds(out, "\r\n");
}

static void add_answer_field(struct strbuf *out, const struct http_header *h,
			     const struct answer_facts *f)
{
	enum field field = LOOK_UP(common, h->name);

	if (field == F_PASS) {
		field = LOOK_UP(to_client, h->name);
	}
	if (field == F_PASS && f->editors) {
		field = LOOK_UP(to_client_inspected, h->name);
	}
	switch (field) {
	case F_PASS:
		if (!is_internal(h->name)) {
			add_field(out, h->name, h->value);
		}
		break;
	case F_LENGTH:
		if (f->framing == FRAMED_LENGTH) {
			add_field(out, h->name, h->value);
		}
		break;
	case F_SET_COOKIE:
		cookies_add_to_client(out, h->name, h->value);
		break;
	case F_LOCATION:
		own_location_add(out, h->name, h->value, f->inner_port);
		break;
	case F_POLICY:
		framing_add_policy(out, h->name, h->value, f->editors);
		break;
	case F_DROP:
	case F_CONNECTION:
	case F_HOST:
	case F_ORIGIN:
	case F_REFERER:
	case F_COOKIE:
		break;
	}
}

int heads_to_client(struct strbuf *out, const char *bytes, const struct http_head *h,
		    const struct answer_facts *f, struct err *e)
{
	const bool more = connection_names_more(h);

	add_status(out, bytes, h->status);
	for (size_t i = 0; i < h->n_headers; i++) {
		if (!more || !is_named_by_connection(h, h->headers[i].name)) {
			add_answer_field(out, &h->headers[i], f);
		}
	}
	if (f->editors) {
		framing_add_options(out, h, f->editors);
		(void)strbuf_adds(out, "Cache-Control: no-store\r\n");
	}
	if (f->framing == FRAMED_CHUNKED) {
		(void)strbuf_adds(out, "Transfer-Encoding: chunked\r\n");
	}
	if (f->is_upgrade) {
		(void)strbuf_adds(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	} else if (f->connection) {
		(void)strbuf_addf(out, "Connection: %s\r\n", f->connection);
	}
	(void)strbuf_adds(out, "\r\n");
	return too_large(out, e);
}

int64_t heads_keep_ms(const struct http_head *answer, int64_t most_ms)
{
	const struct http_slice *v = http_head_get(answer, "Keep-Alive");
	const char *at = v ? memmem(v->at, v->len, "timeout=", 8) : NULL;
	int64_t s = 0;

	if (!at) {
		return most_ms;
	}
	for (at += 8; at < v->at + v->len && *at >= '0' && *at <= '9' && s < 100; at++) {
		s = s * 10 + (*at - '0');
	}
	return s * 1000 - 500 < most_ms ? s * 1000 - 500 : most_ms;
}

bool heads_is_event_stream(const struct http_head *answer)
{
	const struct http_slice *type = http_head_get(answer, "Content-Type");

	return type && has_prefix(*type, "text/event-stream", 17);
}

int heads_trailers(struct strbuf *out, const struct http_header *fields, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		/* Fields that mean something before the body are not taken behind it (RFC 9110,
		 * section 6.5.1). */
		if (LOOK_UP(common, fields[i].name) == F_PASS &&
		    LOOK_UP(to_client, fields[i].name) == F_PASS && !is_internal(fields[i].name)) {
			add_field(out, fields[i].name, fields[i].value);
		}
	}
	return too_large(out, e);
}
