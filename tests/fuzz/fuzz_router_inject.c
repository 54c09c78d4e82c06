/* Pages that our script enters: the page's own bytes in their order, the script at most once and in
 * the same place however they arrive; and policies of whose directives only one is changed. The
 * first byte is the size of the pieces. */

#include "framing.h"
#include "inject.h"

#include <stdlib.h>
#include <string.h>

#define EDITORS "http://editor:1"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void pass(const char *page, size_t len, size_t step, struct strbuf *out)
{
	struct inject i;

	inject_init(&i);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;

		if (i.active) {
			inject_pass(&i, page + at, n, out);
			must(i.scan.held <= HTML_SCAN_HELD_MAX);
			must(!i.active || out->len + i.scan.held == at + n);
		} else {
			(void)strbuf_add(out, page + at, n);
		}
	}
	if (i.active) {
		inject_end(&i, out);
	}
	must(!i.active && !out->failed);
}

static void check_page(const char *page, size_t len, size_t step)
{
	auto_strbuf whole = {0}, split = {0};
	size_t at = 0;

	strbuf_init(&whole, len + sizeof(INJECT_TAG));
	strbuf_init(&split, len + sizeof(INJECT_TAG));
	pass(page, len, len > 0 ? len : 1, &whole);
	pass(page, len, step, &split);
	must(whole.len == split.len && memcmp(whole.data, split.data, whole.len) == 0);
	while (at < len && whole.data[at] == page[at]) {
		at++;
	}
	if (whole.len != len) {
		/* What they have in common may be the beginning of the tag as well. */
		must(whole.len == len + strlen(INJECT_TAG));
		while (memcmp(whole.data + at, INJECT_TAG, strlen(INJECT_TAG)) != 0 && at > 0) {
			at--;
		}
		must(memcmp(whole.data + at, INJECT_TAG, strlen(INJECT_TAG)) == 0);
		must(memcmp(whole.data + at + strlen(INJECT_TAG), page + at, len - at) == 0);
	}
}

static void check_policy(const char *text, size_t len)
{
	const struct http_slice name = {"Content-Security-Policy", 23}, value = {text, len};
	auto_strbuf out = {0};

	if (memchr(text, '\r', len) || memchr(text, '\n', len)) {
		return;
	}
	strbuf_init(&out, len * 20 + 100);
	framing_add_policy(&out, name, value, EDITORS);
	must(!out.failed && memchr(out.data, '\n', out.len) == out.data + out.len - 1);
	if (!memmem(out.data, out.len, EDITORS, strlen(EDITORS))) {
		must(out.len == name.len + len + 4 && memcmp(out.data + 25, text, len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	if (len < 1) {
		return 0;
	}
	check_page((const char *)bytes + 1, len - 1, (size_t)bytes[0] % 16 + 1);
	check_policy((const char *)bytes + 1, len - 1);
	return 0;
}
