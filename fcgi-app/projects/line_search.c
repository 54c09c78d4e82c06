#include "projects/line_search.h"

#include <locale.h>
#include <string.h>
#include <wctype.h>

/* Length of the character that begins with this byte, in valid UTF-8. */
static size_t char_len(const char *at)
{
	unsigned char c = (unsigned char)*at;

	return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static uint32_t decode(const char *at, size_t len)
{
	uint32_t c = (unsigned char)at[0];

	if (len == 1) {
		return c;
	}
	c &= 0x7Fu >> len;
	for (size_t i = 1; i < len; i++) {
		c = c << 6 | ((unsigned char)at[i] & 0x3F);
	}
	return c;
}

/* Simple case folding, one character to one: what glibc's own C.UTF-8 knows. Without it (never on
 * Debian) only ASCII is folded. */
static uint32_t fold(uint32_t c)
{
	static locale_t utf8;

	if (c < 0x80) {
		return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	}
	if (!utf8) {
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	}
	return utf8 ? (uint32_t)towlower_l((wint_t)c, utf8) : c;
}

static uint32_t take_char(const struct needle *n, const char *at, size_t len)
{
	uint32_t c = decode(at, len);

	return n->match_case ? c : fold(c);
}

/* How much of the needle matches once `c` has come after `matched` characters that did. */
static size_t step(const struct needle *n, size_t matched, uint32_t c)
{
	while (n->chars[matched] != c) {
		if (matched == 0) {
			return 0;
		}
		matched = n->fallback[matched - 1];
	}
	return matched + 1;
}

void needle_init(struct needle *n, const char *text, bool match_case)
{
	size_t matched = 0;

	n->match_case = match_case;
	n->n = 0;
	while (*text && n->n < NEEDLE_MAX_BYTES) {
		size_t len = char_len(text);

		n->chars[n->n++] = take_char(n, text, len);
		text += len;
	}
	n->fallback[0] = 0;
	for (size_t i = 1; i < n->n; i++) {
		matched = step(n, matched, n->chars[i]);
		n->fallback[i] = matched;
	}
}

void line_search_init(struct line_search *s, const char *text, size_t len)
{
	*s = (struct line_search){.at = text, .end = text + len, .line = 1};
}

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

/* Past the end of a line that is at s->at. */
static void next_line(struct line_search *s)
{
	bool cr = *s->at++ == '\r';

	if (cr && s->at < s->end && *s->at == '\n') {
		s->at++;
	}
	s->line++;
}

static bool is_inside_char(const char *at)
{
	return ((unsigned char)*at & 0xC0) == 0x80;
}

static const char *back(const char *at, size_t chars)
{
	while (chars > 0) {
		at--;
		chars -= !is_inside_char(at);
	}
	return at;
}

static int64_t utf16_units(const char *at, const char *end)
{
	int64_t n = 0;

	while (at < end) {
		size_t len = char_len(at);

		n += len == 4 ? 2 : 1;
		at += len;
	}
	return n;
}

/* The needle stands at [place, place_end) of the line. */
static void cut(const char *line, const char *line_end, const char *place, const char *place_end,
		struct line_hit *ret)
{
	size_t place_len = (size_t)(place_end - place);
	size_t before = (size_t)(place - line);
	size_t context = place_len < LINE_EXCERPT_BYTES ? LINE_EXCERPT_BYTES - place_len : 0;
	const char *start = line, *end = line_end;

	if ((size_t)(line_end - line) > LINE_EXCERPT_BYTES) {
		context = context / 2 < LINE_EXCERPT_CONTEXT ? context / 2 : LINE_EXCERPT_CONTEXT;
		start = place - (before < context ? before : context);
		if ((size_t)(line_end - start) < LINE_EXCERPT_BYTES) {
			start = line_end - LINE_EXCERPT_BYTES;
		}
		end = start + LINE_EXCERPT_BYTES;
	}
	while (start < place && is_inside_char(start)) {
		start++;
	}
	while (end < line_end && is_inside_char(end)) {
		end--;
	}
	ret->excerpt = start;
	ret->excerpt_len = (size_t)(end - start);
}

static void take_hit(struct line_search *s, const struct needle *n, const char *line,
		     struct line_hit *ret)
{
	const char *place_end = s->at;
	const char *place = back(place_end, n->n);

	while (s->at < s->end && !ends_line(*s->at)) {
		s->at++;
	}
	ret->line = s->line;
	ret->column = utf16_units(line, place) + 1;
	cut(line, s->at, place, place_end, ret);
	if (s->at < s->end) {
		next_line(s);
	}
}

bool line_search_next(struct line_search *s, const struct needle *n, struct line_hit *ret)
{
	const char *line = s->at;
	size_t matched = 0;

	while (s->at < s->end) {
		size_t len;

		if (ends_line(*s->at)) {
			next_line(s);
			line = s->at;
			matched = 0;
			continue;
		}
		len = char_len(s->at);
		matched = step(n, matched, take_char(n, s->at, len));
		s->at += len;
		if (matched == n->n) {
			take_hit(s, n, line, ret);
			return true;
		}
	}
	return false;
}
