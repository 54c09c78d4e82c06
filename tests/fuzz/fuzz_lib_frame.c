/* Agent frames: the same frames however the bytes are split, and none above the maximum. */

#include "frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static int hash_frame(void *ctx, enum frame_type type, const char *payload, size_t len,
		      struct err *e)
{
	uint64_t *sum = ctx;

	(void)e;
	if (len > FRAME_PAYLOAD_MAX) {
		abort();
	}
	*sum = (*sum ^ (uint64_t)type) * 1099511628211u;
	for (size_t i = 0; i < len; i++) {
		*sum = (*sum ^ (unsigned char)payload[i]) * 1099511628211u;
	}
	return 0;
}

static uint64_t parse(const char *in, size_t len, size_t step, int *ret_rc)
{
	uint64_t sum = 1469598103934665603u;
	struct frame_parser p;
	struct err e;
	int rc = 0;

	frame_parser_init(&p);
	for (size_t at = 0; at < len && rc == 0; at += step) {
		rc = frame_parser_feed(&p, in + at, len - at < step ? len - at : step, hash_frame,
				       &sum, &e);
	}
	frame_parser_fini(&p);
	*ret_rc = rc;
	return sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	int rc_whole, rc_split;
	uint64_t whole = parse((const char *)bytes, len, len ? len : 1, &rc_whole);
	uint64_t split = parse((const char *)bytes, len, 1, &rc_split);

	if (rc_whole != rc_split || whole != split) {
		abort();
	}
	return 0;
}
