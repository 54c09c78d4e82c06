/* A model service's answer: the same text and the same verdict however the bytes are split. */

#include "model/openai_stream.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static int on_text(void *ctx, const char *text, size_t len, struct err *e)
{
	(void)e;
	return strbuf_add(ctx, text, len);
}

static int parse(const char *in, size_t len, size_t step, struct strbuf *ret_text)
{
	struct openai_stream s;
	struct err e;
	int rc = 0;

	strbuf_init(ret_text, TEXT_MAX_BYTES);
	openai_stream_init(&s, TEXT_MAX_BYTES, on_text, ret_text);
	for (size_t at = 0; at < len && rc == 0; at += step) {
		rc = openai_stream_feed(&s, in + at, len - at < step ? len - at : step, &e);
	}
	if (rc == 0) {
		rc = openai_stream_end(&s, &e);
	}
	if (ret_text->failed || s.text_bytes > TEXT_MAX_BYTES) {
		abort();
	}
	openai_stream_fini(&s);
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	struct strbuf whole, split;
	int rc_whole = parse((const char *)bytes, len, len ? len : 1, &whole);
	int rc_split = parse((const char *)bytes, len, 1, &split);
	char words[100];

	if (rc_whole != rc_split || whole.len != split.len ||
	    memcmp(whole.data, split.data, whole.len) != 0) {
		abort();
	}
	strbuf_fini(&whole);
	strbuf_fini(&split);
	openai_error_words((const char *)bytes, len, words, sizeof(words));
	return 0;
}
