#include "http/uri.h"

#include "hex.h"
#include "utf8.h"

#include <string.h>

/* The byte at *at, decoded; moves *at behind it. -1: a broken escape. */
static int next_byte(enum uri_part part, const char *in, size_t len, size_t *at)
{
	char c = in[*at];
	int high, low;

	if (c != '%') {
		*at += 1;
		return part == URI_QUERY && c == '+' ? ' ' : (unsigned char)c;
	}
	if (len - *at < 3) {
		return -1;
	}
	high = hex_value(in[*at + 1]);
	low = hex_value(in[*at + 2]);
	*at += 3;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

int uri_decode(enum uri_part part, const char *in, size_t len, char *buf, size_t cap, struct err *e)
{
	size_t used = 0;

	for (size_t at = 0; at < len;) {
		int c = next_byte(part, in, len, &at);

		if (c < 0) {
			return err_set(e, ERR_INVALID, "the address has a broken %% escape");
		}
		if (c < 0x20 || c == 0x7f) {
			return err_set(e, ERR_INVALID, "the address holds a control character");
		}
		if (c == '/' && part == URI_SEGMENT) {
			return err_set(e, ERR_INVALID, "the address holds an escaped slash");
		}
		if (used + 1 >= cap) {
			return err_set(e, ERR_INVALID, "a part of the address is too long");
		}
		buf[used++] = (char)c;
	}
	if (cap == 0) {
		return err_set(e, ERR_INVALID, "a part of the address is too long");
	}
	buf[used] = '\0';
	if (!utf8_valid(buf, used)) {
		return err_set(e, ERR_INVALID, "the address is not valid UTF-8");
	}
	return 0;
}

int uri_split(const char *target, size_t *ret_path_len, const char **ret_query, struct err *e)
{
	size_t len = strnlen(target, URI_MAX_BYTES + 1);
	const char *mark;

	if (len > URI_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "the address is longer than %d bytes",
			       URI_MAX_BYTES);
	}
	if (target[0] != '/') {
		return err_set(e, ERR_INVALID, "the address does not begin with a slash");
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)target[i];

		if (c <= 0x20 || c == 0x7f || c == '#') {
			return err_set(e, ERR_INVALID, "the address holds a character it must not");
		}
	}
	mark = memchr(target, '?', len);
	*ret_path_len = mark ? (size_t)(mark - target) : len;
	*ret_query = mark ? mark + 1 : target + len;
	return 0;
}

int uri_query_get(const char *query, const char *name, char *buf, size_t cap, struct err *e)
{
	size_t name_len = strlen(name);

	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");
		const char *equals = memchr(at, '=', len);
		size_t key_len = equals ? (size_t)(equals - at) : len;

		if (key_len == name_len && memcmp(at, name, name_len) == 0) {
			const char *value = equals ? equals + 1 : at + len;

			if (uri_decode(URI_QUERY, value, (size_t)(at + len - value), buf, cap, e) <
			    0) {
				return err_prefix(e, "query parameter %s", name);
			}
			return 1;
		}
		at += len + (at[len] == '&');
	}
	return 0;
}
