/* Searching lines: what is found is what a plain search finds, and lies where it says. */

#include "projects/line_search.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* How many lines hold q, counted the slow way. */
static int64_t count_lines(const char *text, size_t len, const char *q)
{
	int64_t n = 0;
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i == len || text[i] == '\n' || text[i] == '\r') {
			n += memmem(text + start, i - start, q, strlen(q)) != NULL;
			start = i + 1;
		}
	}
	return n;
}

static int64_t search(const char *text, size_t len, const char *q, bool match_case)
{
	struct needle needle;
	struct line_search s;
	struct line_hit hit;
	int64_t n = 0, line = 0;

	needle_init(&needle, q, match_case);
	line_search_init(&s, text, len);
	while (line_search_next(&s, &needle, &hit)) {
		check(hit.line > line && hit.column >= 1);
		check(hit.excerpt >= text && hit.excerpt + hit.excerpt_len <= text + len);
		check(hit.excerpt_len <= LINE_EXCERPT_BYTES);
		check(utf8_valid(hit.excerpt, hit.excerpt_len));
		check(!match_case || memmem(hit.excerpt, hit.excerpt_len, q, strlen(q)));
		line = hit.line;
		n++;
	}
	return n;
}

/* The needle up to the first line's end, and the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = memchr(text, '\n', size);
	size_t q_len = end ? (size_t)(end - text) : 0;
	char q[NEEDLE_MAX_BYTES + 1];
	int64_t exact;

	if (q_len == 0 || q_len > NEEDLE_MAX_BYTES || memchr(text, '\0', size) ||
	    memchr(text, '\r', q_len) || !utf8_valid(text, q_len)) {
		return 0;
	}
	memcpy(q, text, q_len);
	q[q_len] = '\0';
	text += q_len + 1;
	size -= q_len + 1;
	if (!utf8_valid(text, size)) {
		return 0;
	}
	exact = search(text, size, q, true);
	check(exact == count_lines(text, size, q));
	check(search(text, size, q, false) >= exact);
	return 0;
}
