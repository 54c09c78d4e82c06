#include "strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

/* What an empty buffer's data points at, so that it is never NULL; never written to. */
static char empty[1];

void strbuf_init(struct strbuf *b, size_t max_bytes)
{
	*b = (struct strbuf){.data = empty, .max = max_bytes};
}

void strbuf_fini(struct strbuf *b)
{
	if (b->cap > 0) {
		free(b->data);
	}
	*b = (struct strbuf){.data = empty, .max = b->max};
}

static int fail(struct strbuf *b)
{
	b->failed = true;
	return -1;
}

/* Makes room for `extra` bytes and the NUL after them. */
static int grow(struct strbuf *b, size_t extra)
{
	size_t want, cap;
	char *data;

	if (extra > b->max - b->len || b->len + extra == SIZE_MAX) {
		return fail(b);
	}
	want = b->len + extra + 1;
	if (want <= b->cap) {
		return 0;
	}
	cap = b->cap > 0 ? b->cap : FIRST_CAP;
	while (cap < want) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap)) {
			return fail(b);
		}
	}
	if (cap - 1 > b->max && want <= b->max + 1) {
		cap = b->max + 1;
	}
	data = realloc(b->cap > 0 ? b->data : NULL, cap);
	if (!data) {
		return fail(b);
	}
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

char *strbuf_reserve(struct strbuf *b, size_t len)
{
	return grow(b, len) == 0 ? b->data + b->len : NULL;
}

void strbuf_commit(struct strbuf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = '\0';
}

int strbuf_add(struct strbuf *b, const void *bytes, size_t len)
{
	if (len == 0) {
		return 0;
	}
	if (grow(b, len) < 0) {
		return -1;
	}
	memcpy(b->data + b->len, bytes, len);
	strbuf_commit(b, len);
	return 0;
}

int strbuf_adds(struct strbuf *b, const char *s)
{
	return strbuf_add(b, s, strlen(s));
}

int strbuf_addc(struct strbuf *b, char c)
{
	return strbuf_add(b, &c, 1);
}

int strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0 || grow(b, (size_t)len) < 0) {
		return fail(b);
	}
	(void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
	return 0;
}

int strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = strbuf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void strbuf_consume(struct strbuf *b, size_t len)
{
	if (b->cap == 0 || len == 0) {
		return;
	}
	if (len > b->len) {
		len = b->len;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->data[b->len] = '\0';
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->cap > 0) {
		b->data[0] = '\0';
	}
}

char *strbuf_steal(struct strbuf *b)
{
	char *s = b->cap > 0 ? b->data : calloc(1, 1);

	strbuf_init(b, b->max);
	return s;
}

int strbuf_check(const struct strbuf *b, const char *what, struct err *e)
{
	if (!b->failed) {
		return 0;
	}
	return err_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", what, b->max);
}
