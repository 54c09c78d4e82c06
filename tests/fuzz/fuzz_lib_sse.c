/* SSE: the same events however the bytes are split. */

#include "sse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static int hash_event(void *ctx, const struct sse_event *ev, struct err *e)
{
	uint64_t *sum = ctx;
	const char *parts[] = {ev->type, ev->id, ev->data};
	size_t lens[] = {strlen(ev->type), strlen(ev->id), ev->data_len};

	(void)e;
	for (int p = 0; p < 3; p++) {
		for (size_t i = 0; i < lens[p]; i++) {
			*sum = (*sum ^ (unsigned char)parts[p][i]) * 1099511628211u;
		}
		*sum = (*sum ^ 0x100) * 1099511628211u;
	}
	return 0;
}

static uint64_t parse(const char *in, size_t len, size_t step, int *ret_rc)
{
	uint64_t sum = 1469598103934665603u;
	struct sse_parser p;
	struct err e;
	int rc = 0;

	sse_parser_init(&p);
	for (size_t at = 0; at < len && rc == 0; at += step) {
		rc = sse_parser_feed(&p, in + at, len - at < step ? len - at : step, hash_event,
				     &sum, &e);
	}
	sse_parser_fini(&p);
	*ret_rc = rc;
	return sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	int rc_whole, rc_split;
	uint64_t whole = parse((const char *)bytes, len, len ? len : 1, &rc_whole);
	uint64_t split = parse((const char *)bytes, len, 1, &rc_split);

	if (rc_whole != rc_split || (rc_whole == 0 && whole != split)) {
		abort();
	}
	return 0;
}
