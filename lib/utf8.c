#include "utf8.h"

#include <stdint.h>
#include <string.h>

/*
 * Length of the valid character at s[0..len), 0 when it is not valid, -1 when it is a valid
 * beginning that the end of the input cuts. The ranges of the second byte are RFC 3629's table.
 */
static int char_len(const unsigned char *s, size_t len)
{
	unsigned char lo = 0x80, hi = 0xBF;
	int n;

	if (s[0] < 0x80) {
		return 1;
	}
	if (s[0] < 0xC2 || s[0] > 0xF4) {
		return 0;
	}
	if (s[0] < 0xE0) {
		n = 2;
	} else if (s[0] < 0xF0) {
		n = 3;
		lo = s[0] == 0xE0 ? 0xA0 : lo;
		hi = s[0] == 0xED ? 0x9F : hi;
	} else {
		n = 4;
		lo = s[0] == 0xF0 ? 0x90 : lo;
		hi = s[0] == 0xF4 ? 0x8F : hi;
	}
	for (int i = 1; i < n; i++) {
		if ((size_t)i >= len) {
			return -1;
		}
		if (s[i] < lo || s[i] > hi) {
			return 0;
		}
		lo = 0x80;
		hi = 0xBF;
	}
	return n;
}

bool utf8_valid(const char *s, size_t len)
{
	const unsigned char *at = (const unsigned char *)s;

	while (len > 0) {
		int n = char_len(at, len);

		if (n <= 0) {
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

size_t utf8_incomplete_tail(const char *s, size_t len)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t most = len < 3 ? len : 3;

	for (size_t tail = 1; tail <= most; tail++) {
		if (at[len - tail] >= 0xC0) {
			return char_len(at + len - tail, tail) == -1 ? tail : 0;
		}
		if (at[len - tail] < 0x80) {
			return 0;
		}
	}
	return 0;
}

int utf8_add_replaced(struct strbuf *b, const char *s, size_t len)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t start = 0, i = 0;

	while (i < len) {
		int n = char_len(at + i, len - i);

		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		strbuf_add(b, s + start, i - start);
		strbuf_adds(b, "\xEF\xBF\xBD");
		i++;
		start = i;
	}
	strbuf_add(b, s + start, len - start);
	return b->failed ? -1 : 0;
}

void utf8_copy(char *ret, size_t cap, const char *text)
{
	size_t len = strlen(text);

	if (len >= cap) {
		len = cap - 1;
		len -= utf8_incomplete_tail(text, len);
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
}
