/* Heads and chunks: no slice outside the input, and the same result however the bytes are split. */

#include "http_head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void check_slice(struct http_slice s, const char *in, size_t len)
{
	if (s.len > 0 && (s.at < in || s.at + s.len > in + len)) {
		abort();
	}
}

static void check_head(const char *in, size_t len,
		       int (*parse)(const char *, size_t, struct http_head *, size_t *,
				    struct err *))
{
	struct http_head h;
	struct err e;
	size_t used;

	if (parse(in, len, &h, &used, &e) != 1) {
		return;
	}
	if (used > len || h.n_headers > HTTP_HEADERS_MAX || (h.chunked && h.has_length)) {
		abort();
	}
	for (size_t i = 0; i < h.n_headers; i++) {
		check_slice(h.headers[i].name, in, len);
		check_slice(h.headers[i].value, in, len);
	}
}

/* Payload bytes and the end, read in pieces of `step`. */
static int decode(const char *in, size_t len, size_t step, uint64_t *ret_sum, size_t *ret_used)
{
	struct http_chunked c;
	uint64_t sum = 1469598103934665603u;
	size_t at = 0;
	int rc = 0;

	http_chunked_init(&c);
	while (at < len && rc == 0) {
		struct http_slice data;
		struct err e;
		size_t used, give = len - at < step ? len - at : step;

		rc = http_chunked_next(&c, in + at, give, &used, &data, &e);
		if (rc < 0) {
			break;
		}
		check_slice(data, in, len);
		for (size_t i = 0; i < data.len; i++) {
			sum = (sum ^ (unsigned char)data.at[i]) * 1099511628211u;
		}
		at += used;
	}
	*ret_sum = sum;
	*ret_used = at;
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	const char *in = (const char *)bytes;
	uint64_t whole, split;
	size_t used_whole, used_split;

	check_head(in, len, http_head_parse_request);
	check_head(in, len, http_head_parse_response);
	if (decode(in, len, len, &whole, &used_whole) == 1) {
		if (decode(in, len, 1, &split, &used_split) != 1 || whole != split ||
		    used_whole != used_split) {
			abort();
		}
	}
	return 0;
}
