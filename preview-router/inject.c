#include "inject.h"

#include <string.h>
#include <strings.h>

static bool begins(const struct http_slice *value, const char *word)
{
	size_t len = strlen(word);

	return value && value->len >= len && strncasecmp(value->at, word, len) == 0 &&
	       (value->len == len || strchr("; \t,", value->at[len]));
}

/* Those bytes are not ASCII's. */
static bool is_utf16(const struct http_slice *type)
{
	for (size_t i = 0; i + 6 <= type->len; i++) {
		if (strncasecmp(type->at + i, "utf-16", 6) == 0) {
			return true;
		}
	}
	return false;
}

bool inject_wants(const struct http_head *h)
{
	const struct http_slice *type = http_head_get(h, "Content-Type");
	const struct http_slice *coding = http_head_get(h, "Content-Encoding");

	return h->status >= 200 && h->status != 206 && begins(type, "text/html") &&
	       !is_utf16(type) && (!coding || http_slice_is_nocase(*coding, "identity")) &&
	       !begins(http_head_get(h, "Content-Disposition"), "attachment");
}

void inject_init(struct inject *i)
{
	i->active = true;
	html_scan_init(&i->scan);
}

/* `out` ends with the last `held` bytes that were read. */
static void decide(struct inject *i, struct strbuf *out, size_t held)
{
	char behind[HTML_SCAN_HELD_MAX];

	i->active = false;
	if (i->scan.verdict == HTML_HERE) {
		out->len -= held;
		memcpy(behind, out->data + out->len, held);
		(void)strbuf_adds(out, INJECT_TAG);
		(void)strbuf_add(out, behind, held);
	}
}

void inject_pass(struct inject *i, const char *bytes, size_t len, struct strbuf *out)
{
	const size_t before = i->scan.held;
	const size_t used = html_scan(&i->scan, bytes, len);
	const size_t held = i->scan.held;

	if (strbuf_add(out, i->held, before) < 0 || strbuf_add(out, bytes, used) < 0) {
		return;
	}
	if (i->scan.verdict != HTML_MORE) {
		decide(i, out, held);
		(void)strbuf_add(out, bytes + used, len - used);
		return;
	}
	out->len -= held;
	memcpy(i->held, out->data + out->len, held);
}

void inject_end(struct inject *i, struct strbuf *out)
{
	html_scan_end(&i->scan);
	if (strbuf_add(out, i->held, i->scan.held) == 0) {
		decide(i, out, i->scan.held);
	}
}
