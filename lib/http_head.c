#include "http_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* tchar of RFC 9110, section 5.6.2 */
static bool is_tchar(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_tchar((unsigned char)at[i])) {
			return false;
		}
	}
	return len > 0;
}

bool http_slice_is(struct http_slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

bool http_slice_is_nocase(struct http_slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

const struct http_slice *http_head_get(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (http_slice_is_nocase(h->headers[i].name, name)) {
			return &h->headers[i].value;
		}
	}
	return NULL;
}

/* The next line, without its CRLF; a bare CR or LF is refused. *at moves behind it. */
static int next_line(const char **at, const char *end, struct http_slice *ret, struct err *e)
{
	const char *cr = *at;

	while (cr < end && *cr != '\r' && *cr != '\n') {
		cr++;
	}
	if (cr + 1 >= end || cr[0] != '\r' || cr[1] != '\n') {
		return err_set(e, ERR_INVALID, "line of the HTTP head does not end in CRLF");
	}
	*ret = (struct http_slice){*at, (size_t)(cr - *at)};
	*at = cr + 2;
	return 0;
}

static int parse_version(struct http_slice s, int *ret_minor, struct err *e)
{
	if (http_slice_is(s, "HTTP/1.1")) {
		*ret_minor = 1;
	} else if (http_slice_is(s, "HTTP/1.0")) {
		*ret_minor = 0;
	} else {
		return err_set(e, ERR_INVALID, "not HTTP/1.0 or HTTP/1.1");
	}
	return 0;
}

/* method SP request-target SP HTTP-version; the target is visible ASCII without '#'. */
static int parse_request_line(struct http_slice line, struct http_head *h, struct err *e)
{
	const char *sp1 = memchr(line.at, ' ', line.len), *sp2;
	const char *end = line.at + line.len;

	if (!sp1 || !(sp2 = memchr(sp1 + 1, ' ', (size_t)(end - sp1 - 1)))) {
		return err_set(e, ERR_INVALID, "malformed request line");
	}
	h->method = (struct http_slice){line.at, (size_t)(sp1 - line.at)};
	h->target = (struct http_slice){sp1 + 1, (size_t)(sp2 - sp1 - 1)};
	if (!is_token(h->method.at, h->method.len) || h->target.len == 0) {
		return err_set(e, ERR_INVALID, "malformed request line");
	}
	for (size_t i = 0; i < h->target.len; i++) {
		unsigned char c = (unsigned char)h->target.at[i];

		if (c <= 0x20 || c >= 0x7F || c == '#') {
			return err_set(e, ERR_INVALID, "malformed request target");
		}
	}
	return parse_version((struct http_slice){sp2 + 1, (size_t)(end - sp2 - 1)}, &h->minor, e);
}

/* HTTP-version SP 3DIGIT SP [reason] */
static int parse_status_line(struct http_slice line, struct http_head *h, struct err *e)
{
	const char *d = line.at + 9;

	if (line.len < 12 || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' ')) {
		return err_set(e, ERR_INVALID, "malformed status line");
	}
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)d[i])) {
			return err_set(e, ERR_INVALID, "malformed status line");
		}
	}
	h->status = (d[0] - '0') * 100 + (d[1] - '0') * 10 + (d[2] - '0');
	if (h->status < 100 || h->status > 599) {
		return err_set(e, ERR_INVALID, "status %d is not one", h->status);
	}
	return parse_version((struct http_slice){line.at, 8}, &h->minor, e);
}

static int parse_header(struct http_slice line, struct http_header *ret, struct err *e)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct http_slice v;

	if (!colon || !is_token(line.at, (size_t)(colon - line.at))) {
		return err_set(e, ERR_INVALID, "malformed header line");
	}
	v = (struct http_slice){colon + 1, line.len - (size_t)(colon - line.at) - 1};
	while (v.len > 0 && (v.at[0] == ' ' || v.at[0] == '\t')) {
		v.at++;
		v.len--;
	}
	while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t')) {
		v.len--;
	}
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F) {
			return err_set(e, ERR_INVALID, "control character in a header");
		}
	}
	*ret = (struct http_header){{line.at, (size_t)(colon - line.at)}, v};
	return 0;
}

static int parse_length(struct http_slice v, uint64_t *ret, struct err *e)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 19) {
		return err_set(e, ERR_INVALID, "malformed Content-Length");
	}
	for (size_t i = 0; i < v.len; i++) {
		if (!isdigit((unsigned char)v.at[i])) {
			return err_set(e, ERR_INVALID, "malformed Content-Length");
		}
		n = n * 10 + (uint64_t)(v.at[i] - '0');
	}
	*ret = n;
	return 0;
}

static bool same_nocase(struct http_slice a, struct http_slice b)
{
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

bool http_list_has(struct http_slice v, struct http_slice token)
{
	while (v.len > 0) {
		const char *comma = memchr(v.at, ',', v.len);
		size_t len = comma ? (size_t)(comma - v.at) : v.len;
		struct http_slice item = {v.at, len};

		while (item.len > 0 && (item.at[0] == ' ' || item.at[0] == '\t')) {
			item.at++;
			item.len--;
		}
		while (item.len > 0 &&
		       (item.at[item.len - 1] == ' ' || item.at[item.len - 1] == '\t')) {
			item.len--;
		}
		if (same_nocase(item, token)) {
			return true;
		}
		v.at += len + (comma ? 1 : 0);
		v.len -= len + (comma ? 1 : 0);
	}
	return false;
}

static bool list_has(struct http_slice v, const char *token)
{
	return http_list_has(v, (struct http_slice){token, strlen(token)});
}

/* Body length (RFC 9112, section 6.3), refusing whatever two readers could see differently. */
static int parse_framing(struct http_head *h, struct err *e)
{
	bool close_asked = false, keep_asked = false;
	int hosts = 0;

	for (size_t i = 0; i < h->n_headers; i++) {
		struct http_slice name = h->headers[i].name, value = h->headers[i].value;

		if (http_slice_is_nocase(name, "Content-Length")) {
			if (h->has_length) {
				return err_set(e, ERR_INVALID, "more than one Content-Length");
			}
			h->has_length = true;
			if (parse_length(value, &h->content_length, e) < 0) {
				return -1;
			}
		} else if (http_slice_is_nocase(name, "Transfer-Encoding")) {
			if (h->chunked || !http_slice_is_nocase(value, "chunked")) {
				return err_set(e, ERR_INVALID, "unsupported Transfer-Encoding");
			}
			h->chunked = true;
		} else if (http_slice_is_nocase(name, "Connection")) {
			close_asked = close_asked || list_has(value, "close");
			keep_asked = keep_asked || list_has(value, "keep-alive");
		} else if (http_slice_is_nocase(name, "Host")) {
			hosts++;
		}
	}
	if (h->chunked && (h->has_length || h->minor == 0)) {
		return err_set(e, ERR_INVALID,
			       "Transfer-Encoding beside Content-Length or in HTTP/1.0");
	}
	if (h->is_request && (hosts > 1 || (hosts == 0 && h->minor == 1))) {
		return err_set(e, ERR_INVALID, "an HTTP/1.1 request needs exactly one Host");
	}
	h->keep_alive = !close_asked && (h->minor == 1 || keep_asked);
	return 0;
}

/* Length of the head with its empty line; 0 when it is not whole yet. */
static size_t head_length(const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);

	return end ? (size_t)(end - bytes) + 4 : 0;
}

/* The lines up to the empty one. */
static int parse_fields(const char **at, const char *end, struct http_header *ret, size_t *ret_n,
			struct err *e)
{
	struct http_slice line;
	size_t n = 0;

	for (;;) {
		if (next_line(at, end, &line, e) < 0) {
			return -1;
		}
		if (line.len == 0) {
			*ret_n = n;
			return 0;
		}
		if (n == HTTP_HEADERS_MAX) {
			return err_set(e, ERR_TOO_LARGE, "more than %d headers", HTTP_HEADERS_MAX);
		}
		if (parse_header(line, &ret[n], e) < 0) {
			return -1;
		}
		n++;
	}
}

int http_trailers_parse(const char *bytes, size_t len,
			struct http_header ret_fields[HTTP_HEADERS_MAX], size_t *ret_n,
			size_t *ret_used, struct err *e)
{
	size_t max = len < HTTP_HEAD_MAX_BYTES ? len : HTTP_HEAD_MAX_BYTES;
	size_t used = max >= 2 && memcmp(bytes, "\r\n", 2) == 0 ? 2 : head_length(bytes, max);
	const char *at = bytes;

	if (used == 0) {
		return len < HTTP_HEAD_MAX_BYTES
			       ? 0
			       : err_set(e, ERR_TOO_LARGE, "trailers are larger than %d bytes",
					 HTTP_HEAD_MAX_BYTES);
	}
	if (parse_fields(&at, bytes + used, ret_fields, ret_n, e) < 0) {
		return -1;
	}
	*ret_used = used;
	return 1;
}

static int parse(const char *bytes, size_t len, bool is_request, struct http_head *ret_head,
		 size_t *ret_used, struct err *e)
{
	size_t used = head_length(bytes, len < HTTP_HEAD_MAX_BYTES ? len : HTTP_HEAD_MAX_BYTES);
	const char *at = bytes, *end = bytes + used;
	struct http_head h = {.is_request = is_request};
	struct http_slice line;

	if (used == 0) {
		if (len >= HTTP_HEAD_MAX_BYTES) {
			return err_set(e, ERR_TOO_LARGE, "HTTP head is larger than %d bytes",
				       HTTP_HEAD_MAX_BYTES);
		}
		return 0;
	}
	if (next_line(&at, end, &line, e) < 0 ||
	    (is_request ? parse_request_line : parse_status_line)(line, &h, e) < 0) {
		return -1;
	}
	if (parse_fields(&at, end, h.headers, &h.n_headers, e) < 0 || parse_framing(&h, e) < 0) {
		return -1;
	}
	*ret_head = h;
	*ret_used = used;
	return 1;
}

int http_head_parse_request(const char *bytes, size_t len, struct http_head *ret_head,
			    size_t *ret_used, struct err *e)
{
	return parse(bytes, len, true, ret_head, ret_used, e);
}

int http_head_parse_response(const char *bytes, size_t len, struct http_head *ret_head,
			     size_t *ret_used, struct err *e)
{
	return parse(bytes, len, false, ret_head, ret_used, e);
}
