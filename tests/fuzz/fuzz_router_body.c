/* Bodies that are passed on: the same bytes and the same end however they arrive, and what passes
 * as chunks is what a strict reader takes for chunks. The first byte chooses the kind. */

#include "body.h"
#include "greeting.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

struct passed {
	int rc; /* -1: malformed */
	bool done;
	size_t in, out;
	uint64_t sum;
};

static void take(struct passed *p, const char *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->sum = (p->sum ^ (unsigned char)at[i]) * 1099511628211u;
	}
	p->out += n;
}

static struct passed pass(enum body_kind kind, const char *in, size_t len, size_t step)
{
	struct passed p = {.sum = 1469598103934665603u};
	struct buf *b = buf_get();
	struct body body;
	struct err e;

	must(b != NULL);
	body_init(&body, kind, 100);
	body.chunks.trailers = kind == BODY_DECHUNKED;
	while (p.rc == 0 && !body.trailers && !(body.done && body.ready == 0)) {
		size_t n = len - p.in < step ? len - p.in : step;

		p.rc = body_look(&body, b, &e);
		must(p.rc < 0 || body.ready <= buf_len(b));
		if (p.rc < 0) {
			break;
		}
		if (body.ready > 0) {
			take(&p, b->data + b->start, body.ready);
			body_took(&body, b, body.ready);
		} else if (!body.done && !body.trailers) {
			must(buf_len(b) == 0);
			if (n == 0) {
				break;
			}
			memcpy(b->data, in + p.in, n);
			b->start = 0;
			b->end = n;
			p.in += n;
		}
	}
	p.in -= buf_len(b);
	p.done = body.done || body.trailers;
	buf_put(b);
	return p;
}

static void check_greeting(const char *in, size_t len)
{
	struct greeting g;
	struct err e;
	size_t used;

	if (greeting_parse(in, len, &g, &used, &e) == 1) {
		must(used <= len && in[used - 1] == '\n' && (!g.ok || g.port > 0));
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	static const enum body_kind kinds[] = {BODY_CHUNKED, BODY_DECHUNKED, BODY_LENGTH};
	const char *in = (const char *)bytes;
	struct passed whole, split;

	if (len < 1) {
		return 0;
	}
	check_greeting(in + 1, len - 1);
	whole = pass(kinds[bytes[0] % 3], in + 1, len - 1, len);
	split = pass(kinds[bytes[0] % 3], in + 1, len - 1, 1);
	must((whole.rc < 0) == (split.rc < 0));
	if (whole.rc == 0) {
		must(whole.done == split.done && whole.out == split.out && whole.sum == split.sum &&
		     whole.in == split.in);
	}
	return 0;
}
