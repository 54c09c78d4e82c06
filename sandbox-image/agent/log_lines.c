#include "log_lines.h"

#include "utf8.h"

#include <string.h>

#define ESC '\x1b'
#define BEL '\x07'

void log_lines_init(struct log_lines *l)
{
	strbuf_init(&l->line, LOG_LINE_MAX_BYTES);
	l->cr = false;
}

void log_lines_fini(struct log_lines *l)
{
	strbuf_fini(&l->line);
}

/* The length of the escape sequence at s[0] (ECMA-48): CSI, a string such as a title or a link, or
 * a pair. An unfinished one is all there is. */
static size_t escape_len(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 2) {
		return len;
	}
	if (s[1] == '[') {
		while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x40) {
			i++;
		}
		return i < len ? i + 1 : len;
	}
	if (strchr("]PX^_", s[1])) {
		while (i < len && s[i] != BEL && s[i] != ESC) {
			i++;
		}
		if (i + 1 < len && s[i] == ESC && s[i + 1] == '\\') {
			return i + 2;
		}
		return i < len && s[i] == BEL ? i + 1 : i;
	}
	/* nF sequences have intermediate bytes before their last. */
	i = 1;
	while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x30) {
		i++;
	}
	return i < len && (unsigned char)s[i] >= 0x30 && (unsigned char)s[i] < 0x7f ? i + 1 : i;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

void log_lines_clean(struct strbuf *to, const char *raw, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t run = 0;

		while (i + run < len && !is_control(raw[i + run])) {
			run++;
		}
		utf8_add_replaced(to, raw + i, run);
		i += run;
		if (i < len) {
			i += raw[i] == ESC ? escape_len(raw + i, len - i) : 1;
		}
	}
}

static void emit(struct log_lines *l, log_line_fn *fn, void *ctx)
{
	/* Each bad byte becomes three. */
	auto_strbuf clean = {0};
	size_t len;

	strbuf_init(&clean, 3 * LOG_LINE_MAX_BYTES);
	log_lines_clean(&clean, l->line.data, l->line.len);
	len = clean.len;
	if (len > LOG_LINE_MAX_BYTES) {
		len = LOG_LINE_MAX_BYTES;
		len -= utf8_incomplete_tail(clean.data, len);
	}
	if (len > 0 || l->line.len == 0) {
		fn(ctx, clean.data, len);
	}
	strbuf_reset(&l->line);
	l->cr = false;
}

static void add(struct log_lines *l, const char *bytes, size_t len, log_line_fn *fn, void *ctx)
{
	while (len > 0) {
		size_t room = LOG_LINE_MAX_BYTES - l->line.len;
		size_t n = len < room ? len : room;

		if (l->cr) {
			/* A progress bar begins its line again. */
			strbuf_reset(&l->line);
			l->cr = false;
			continue;
		}
		strbuf_add(&l->line, bytes, n);
		bytes += n;
		len -= n;
		if (l->line.len == LOG_LINE_MAX_BYTES) {
			/* A character that is not whole yet waits for its rest. */
			char tail[4];
			size_t keep = utf8_incomplete_tail(l->line.data, l->line.len);

			memcpy(tail, l->line.data + l->line.len - keep, keep);
			l->line.len -= keep;
			emit(l, fn, ctx);
			strbuf_add(&l->line, tail, keep);
		}
	}
}

void log_lines_feed(struct log_lines *l, const char *bytes, size_t len, log_line_fn *fn, void *ctx)
{
	const char *end = bytes + len;

	while (bytes < end) {
		size_t run = 0, left = (size_t)(end - bytes);

		while (run < left && bytes[run] != '\n' && bytes[run] != '\r') {
			run++;
		}
		add(l, bytes, run, fn, ctx);
		bytes += run;
		if (bytes == end) {
			return;
		}
		if (*bytes == '\r') {
			l->cr = true;
		} else {
			emit(l, fn, ctx);
		}
		bytes++;
	}
}

void log_lines_flush(struct log_lines *l, log_line_fn *fn, void *ctx)
{
	if (l->line.len > 0) {
		emit(l, fn, ctx);
	}
}
