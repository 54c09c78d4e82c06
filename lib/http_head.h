#pragma once

/*
 * HTTP/1.1 message heads and framing (RFC 9112), parsed strictly because what is on the other side
 * is hostile: CRLF only, no obs-fold, no space before a colon, tokens as RFC 9110 has them, one
 * Host, and no message whose length two readers could disagree about (CL with TE, two CLs, TE other
 * than exactly "chunked").
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX    64
#define HTTP_HEAD_MAX_BYTES (16 * 1024)

struct http_slice {
	const char *at; /* into the parsed bytes; not NUL-terminated */
	size_t len;
};

struct http_header {
	struct http_slice name;
	struct http_slice value; /* outer white space removed */
};

struct http_head {
	bool is_request;
	struct http_slice method, target; /* request only */
	int status;			  /* response only: 100..599 */
	int minor;			  /* HTTP/1.<minor>: 0 or 1 */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t n_headers;
	bool keep_alive;
	bool chunked;
	bool has_length;
	uint64_t content_length;
};

/*
 * Looks for a whole head at the start of bytes[0..len). Returns 1 and *ret_used (its length with
 * the empty line), 0 when more bytes are needed, -1 on ERR_INVALID or ERR_TOO_LARGE (no end within
 * HTTP_HEAD_MAX_BYTES, or too many headers). The slices point into `bytes`.
 */
NODISCARD int http_head_parse_request(const char *bytes, size_t len, struct http_head *ret_head,
				      size_t *ret_used, struct err *e);
NODISCARD int http_head_parse_response(const char *bytes, size_t len, struct http_head *ret_head,
				       size_t *ret_used, struct err *e);

/* First header of that name (case-insensitive), or NULL. */
const struct http_slice *http_head_get(const struct http_head *h, const char *name);

bool http_slice_is(struct http_slice s, const char *text);
bool http_slice_is_nocase(struct http_slice s, const char *text);

/* True when the comma-separated list has the token, in whatever case. */
bool http_list_has(struct http_slice list, struct http_slice token);

/* Incremental chunked decoding (RFC 9112, section 7.1). Chunk extensions are refused, and trailers
 * unless they are asked for. */
struct http_chunked {
	uint64_t left; /* bytes of the current chunk not seen yet */
	uint8_t state;
	uint8_t digits;
	bool trailers; /* set after http_chunked_init: the decoder ends before the trailer section,
			  which http_trailers_parse reads */
};

void http_chunked_init(struct http_chunked *c);

/*
 * Consumes some of bytes[0..len): *ret_used of them, of which ret_data (a slice into them, maybe
 * empty) is payload. Returns 1 when the last chunk has been read, 0 to go on, -1 on ERR_INVALID.
 */
NODISCARD int http_chunked_next(struct http_chunked *c, const char *bytes, size_t len,
				size_t *ret_used, struct http_slice *ret_data, struct err *e);

/*
 * The trailer section at the start of bytes[0..len), as strict as a head. Returns 1 with the fields
 * (HTTP_HEADERS_MAX at most; the slices point into `bytes`) and *ret_used, which counts the empty
 * line; 0 when more bytes are needed; -1 on ERR_INVALID or ERR_TOO_LARGE.
 */
NODISCARD int http_trailers_parse(const char *bytes, size_t len,
				  struct http_header ret_fields[HTTP_HEADERS_MAX], size_t *ret_n,
				  size_t *ret_used, struct err *e);
