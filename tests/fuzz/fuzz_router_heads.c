/* Heads that are passed on: what comes out is a head, strictly read, with nothing that must not
 * pass and no more lines than went in and we add. */

#include "grant.h"
#include "heads.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_request(const char *in, size_t len)
{
	static struct http_head h, out;
	struct head_facts f = {.inner_port = 3000, .client_address = "192.0.2.1"};
	auto_strbuf b = {0};
	struct err e;
	size_t used;

	if (http_head_parse_request(in, len, &h, &used, &e) != 1 || h.n_headers > 58) {
		return;
	}
	f.is_upgrade = heads_is_upgrade(&h);
	strbuf_init(&b, HEADS_MAX_BYTES);
	if (heads_to_app(&b, &h, &f, &e) < 0 || b.len >= HTTP_HEAD_MAX_BYTES) {
		return;
	}
	must(http_head_parse_request(b.data, b.len, &out, &used, &e) == 1 && used == b.len);
	must(out.chunked == h.chunked);
	must(f.is_upgrade ||
	     (out.has_length == h.has_length && out.content_length == h.content_length));
	must(http_slice_is(*http_head_get(&out, "Host"), "localhost:3000"));
	must(!http_head_get(&out, "X-Accel-Redirect") && !http_head_get(&out, "X-Real-IP"));
	for (size_t i = 0; i < out.n_headers; i++) {
		if (http_slice_is_nocase(out.headers[i].name, "Cookie")) {
			must(!memmem(out.headers[i].value.at, out.headers[i].value.len,
				     "; " GRANT_COOKIE "=", strlen(GRANT_COOKIE) + 3));
		}
	}
}

static void check_answer(const char *in, size_t len)
{
	static struct http_head h, out;
	const struct answer_facts f = {.inner_port = 3000, .framing = FRAMED_LENGTH};
	auto_strbuf b = {0};
	struct err e;
	size_t used;

	if (http_head_parse_response(in, len, &h, &used, &e) != 1) {
		return;
	}
	strbuf_init(&b, HEADS_MAX_BYTES);
	if (heads_to_client(&b, in, &h, &f, &e) < 0 || b.len >= HTTP_HEAD_MAX_BYTES) {
		return;
	}
	must(http_head_parse_response(b.data, b.len, &out, &used, &e) == 1 && used == b.len);
	must(out.status == h.status && out.n_headers <= h.n_headers && !out.chunked);
	must(!http_head_get(&out, "X-Accel-Redirect") && !http_head_get(&out, "Connection"));
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	check_request((const char *)bytes, len);
	check_answer((const char *)bytes, len);
	return 0;
}
