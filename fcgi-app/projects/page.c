#include "projects/page.h"

#include "cleanup.h"
#include "strbuf.h"
#include "utf8.h"

#include <string.h>

#define SEPARATOR      '\x1f'
#define PAGE_MAX_BYTES (32 * 1024 * 1024) /* 100 prompts of 32 KiB, each byte escaped */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64url_encode(const char *raw, size_t len, char *out)
{
	size_t n = 0;
	unsigned int bits = 0, held = 0;

	for (size_t i = 0; i < len; i++) {
		held = (held << 8 | (unsigned char)raw[i]) & 0xffff;
		bits += 8;
		while (bits >= 6) {
			bits -= 6;
			out[n++] = alphabet[held >> bits & 63];
		}
	}
	if (bits > 0) {
		out[n++] = alphabet[held << (6 - bits) & 63];
	}
	out[n] = '\0';
	return n;
}

/* -1 when it is no canonical base64url, or longer than cap. */
static int base64url_decode(const char *text, char *out, size_t cap, size_t *ret_len)
{
	size_t n = 0;
	unsigned int bits = 0, held = 0;

	for (; *text; text++) {
		const char *at = strchr(alphabet, *text);

		if (!at) {
			return -1;
		}
		held = (held << 6 | (unsigned int)(at - alphabet)) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (n == cap) {
				return -1;
			}
			out[n++] = (char)(held >> bits & 0xff);
		}
	}
	if (bits >= 6 || (held & ((1u << bits) - 1)) != 0) {
		return -1;
	}
	*ret_len = n;
	return 0;
}

int cursor_encode(const char *const *keys, size_t n_keys, char ret_text[CURSOR_TEXT_MAX],
		  struct err *e)
{
	auto_strbuf raw;

	strbuf_init(&raw, CURSOR_RAW_MAX);
	for (size_t i = 0; i < n_keys; i++) {
		if (i > 0) {
			strbuf_addc(&raw, SEPARATOR);
		}
		strbuf_adds(&raw, keys[i]);
	}
	if (raw.failed) {
		return err_set(e, ERR_INTERNAL, "the sort keys are too long for a cursor");
	}
	base64url_encode(raw.data, raw.len, ret_text);
	return 0;
}

static int bad_cursor(struct err *e)
{
	return err_set(e, ERR_INVALID, "cursor is not one that this list gave; start without one");
}

int cursor_decode(const char *text, size_t n_keys, struct cursor *ret, struct err *e)
{
	struct cursor c = {0};
	size_t len, start = 0, n = 0;

	if (text[0] == '\0') {
		*ret = c;
		return 0;
	}
	if (base64url_decode(text, c.raw, CURSOR_RAW_MAX, &len) || !utf8_valid(c.raw, len) ||
	    memchr(c.raw, '\0', len)) {
		return bad_cursor(e);
	}
	*ret = c;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && c.raw[i] != SEPARATOR) {
			continue;
		}
		if (i == start || n == n_keys) {
			return bad_cursor(e);
		}
		ret->raw[i] = '\0';
		ret->keys[n++] = ret->raw + start;
		start = i + 1;
	}
	ret->set = true;
	return n == n_keys ? 0 : bad_cursor(e);
}

int page_of_request(const struct request *rq, size_t n_keys, struct page_query *ret, struct err *e)
{
	struct page page;

	if (request_page(rq, &page, e) || cursor_decode(page.cursor, n_keys, &ret->after, e)) {
		return -1;
	}
	ret->limit = page.limit;
	return 0;
}

/* The cursor after row `last`, as JSON. */
static int add_next(struct strbuf *out, const struct db_result *r, size_t last, size_t n_keys,
		    struct err *e)
{
	const char *keys[CURSOR_KEYS_MAX];
	char text[CURSOR_TEXT_MAX];

	for (size_t i = 0; i < n_keys; i++) {
		keys[i] = db_get(r, last, 1 + i);
	}
	if (cursor_encode(keys, n_keys, text, e)) {
		return -1;
	}
	strbuf_addf(out, "\"%s\"", text);
	return 0;
}

int page_respond_with(struct response *rs, const struct db_result *r, int64_t limit, size_t n_keys,
		      page_item_fn *item, void *ctx, struct err *e)
{
	auto_strbuf out;
	size_t rows = db_rows(r);
	bool more = rows > (size_t)limit;

	strbuf_init(&out, PAGE_MAX_BYTES);
	strbuf_adds(&out, "{\"items\":[");
	for (size_t i = 0; i < (more ? (size_t)limit : rows); i++) {
		strbuf_adds(&out, i > 0 ? "," : "");
		if (item(ctx, r, i, &out, e) < 0) {
			return -1;
		}
	}
	strbuf_adds(&out, "],\"next\":");
	if (!more) {
		strbuf_adds(&out, "null");
	} else if (add_next(&out, r, (size_t)limit - 1, n_keys, e)) {
		return -1;
	}
	strbuf_adds(&out, "}");
	if (strbuf_check(&out, "the page", e)) {
		return -1;
	}
	return response_json_text(rs, 200, out.data, e);
}

/* A failed add shows at the end (page_respond_with). */
static int add_text(void *ctx, const struct db_result *r, size_t row, struct strbuf *out,
		    struct err *e)
{
	(void)ctx, (void)e;
	strbuf_adds(out, db_get(r, row, 0));
	return 0;
}

int page_respond(struct response *rs, const struct db_result *r, int64_t limit, size_t n_keys,
		 struct err *e)
{
	return page_respond_with(rs, r, limit, n_keys, add_text, NULL, e);
}

int page_query_failed(const struct page_query *page, struct err *e)
{
	if (page->after.set && e->kind == ERR_INVALID) {
		return bad_cursor(e);
	}
	return -1;
}
