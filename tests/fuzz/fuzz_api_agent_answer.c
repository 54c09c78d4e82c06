/* A whole answer of an agent to a run: what comes out never depends on how the bytes were split,
 * stays within the caps, and is a result only when the exit frame was the last thing said. */

#include "exec/agent_answer.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 64

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

struct seen {
	int64_t output[2];
	uint64_t sum;
};

static int see(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	if (type == FRAME_EXIT) {
		abort();
	}
	if (type == FRAME_STDOUT || type == FRAME_STDERR) {
		s->output[type == FRAME_STDERR] += (int64_t)len;
	}
	s->sum = (s->sum ^ (uint64_t)type) * 1099511628211u;
	for (size_t i = 0; i < len; i++) {
		s->sum = (s->sum ^ (unsigned char)payload[i]) * 1099511628211u;
	}
	return 0;
}

static void check(const struct run_result *r, const struct seen *s)
{
	if (r->exit_code < -1 || r->exit_code > 255 || r->duration_ms < 0 ||
	    strlen(r->signal) >= sizeof(r->signal) || strpbrk(r->signal, "<>&\"'\n") ||
	    r->output_bytes != s->output[0] + s->output[1]) {
		abort();
	}
}

static int answer(const char *in, size_t len, size_t step, struct seen *ret)
{
	struct agent_answer a;
	struct run_result result;
	struct err e;
	int rc = 0;

	*ret = (struct seen){.sum = 14695981039346656037u};
	agent_answer_init(&a, OUTPUT_MAX, see, ret);
	for (size_t at = 0; at < len && rc == 0; at += step) {
		rc = agent_answer_feed(&a, in + at, len - at < step ? len - at : step, &e);
	}
	if (rc == 0) {
		rc = agent_answer_end(&a, &result, &e);
		if (rc == 0) {
			check(&result, ret);
		}
	}
	agent_answer_fini(&a);
	if (ret->output[0] > OUTPUT_MAX + AGENT_OUTPUT_SLACK ||
	    ret->output[1] > OUTPUT_MAX + AGENT_OUTPUT_SLACK) {
		abort();
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	struct seen whole, split;
	int rc_whole = answer((const char *)bytes, len, len ? len : 1, &whole);
	int rc_split = answer((const char *)bytes, len, 1, &split);

	if (rc_whole != rc_split || whole.sum != split.sum) {
		abort();
	}
	return 0;
}
