#include "projects/diff_script.h"

#include "cleanup.h"
#include "projects/diff.h"

#include <string.h>

static uint64_t hash_line(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a; only saves comparisons */

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	}
	return h;
}

static int split(const char *text, size_t len, struct diff_lines *ret, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += text[i] == '\n' || i + 1 == len;
	}
	ret->at = calloc(n + 1, sizeof(*ret->at));
	if (!ret->at) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) + 1 : len;

		ret->at[ret->n++] = (struct diff_line){text, line, hash_line(text, line)};
		text += line;
		len -= line;
	}
	return 0;
}

static bool same(const struct diff_line *a, const struct diff_line *b)
{
	return a->hash == b->hash && a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* The part of the texts between what they begin and end with alike. */
struct middle {
	const struct diff_line *a, *b;
	int n, m;
	bool *gone, *come;
};

/* Farthest x on diagonal k after d edits; row d holds k = -d, -d+2, … d. */
static int *reach(int *rows, int d, int k)
{
	return &rows[(size_t)d * (size_t)(d + 1) / 2 + (size_t)((k + d) / 2)];
}

/* Whether the d-th edit on diagonal k is a line of b that came (from k + 1), not one of a that
 * went. */
static bool comes_down(int *rows, int d, int k)
{
	return k == -d || (k != d && *reach(rows, d - 1, k - 1) < *reach(rows, d - 1, k + 1));
}

/* 1: d edits are enough, 0: not yet. */
static int advance(const struct middle *t, int *rows, int d)
{
	for (int k = -d; k <= d; k += 2) {
		int x = 0, y;

		if (d > 0) {
			x = comes_down(rows, d, k) ? *reach(rows, d - 1, k + 1)
						   : *reach(rows, d - 1, k - 1) + 1;
		}
		y = x - k;
		while (x < t->n && y < t->m && same(&t->a[x], &t->b[y])) {
			x++;
			y++;
		}
		*reach(rows, d, k) = x;
		if (k == t->n - t->m && x >= t->n) {
			return 1;
		}
	}
	return 0;
}

static void mark_path(const struct middle *t, int *rows, int d)
{
	int x = t->n, y = t->m;

	for (; d > 0; d--) {
		int k = x - y;

		if (comes_down(rows, d, k)) {
			x = *reach(rows, d - 1, k + 1);
			y = x - (k + 1);
			t->come[y] = true;
		} else {
			x = *reach(rows, d - 1, k - 1);
			y = x - (k - 1);
			t->gone[x] = true;
		}
	}
}

static void mark_all(const struct middle *t)
{
	memset(t->gone, true, (size_t)t->n * sizeof(bool));
	memset(t->come, true, (size_t)t->m * sizeof(bool));
}

static int mark_edits(const struct middle *t, struct err *e)
{
	int max = t->n + t->m < DIFF_EDITS_MAX ? t->n + t->m : DIFF_EDITS_MAX;
	auto_free int *rows = NULL;

	if (t->n == 0 || t->m == 0) {
		mark_all(t);
		return 0;
	}
	rows = calloc((size_t)(max + 1) * (size_t)(max + 2) / 2, sizeof(*rows));
	if (!rows) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (int d = 0; d <= max; d++) {
		if (advance(t, rows, d)) {
			mark_path(t, rows, d);
			return 0;
		}
	}
	mark_all(t);
	return 0;
}

int diff_script_make(struct diff_script *s, const char *a, size_t a_len, const char *b,
		     size_t b_len, struct err *e)
{
	size_t head = 0, tail = 0, n, m;
	struct middle t;

	if (split(a, a_len, &s->a, e) || split(b, b_len, &s->b, e)) {
		return -1;
	}
	s->gone = calloc(s->a.n + 1, sizeof(bool));
	s->come = calloc(s->b.n + 1, sizeof(bool));
	if (!s->gone || !s->come) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	n = s->a.n;
	m = s->b.n;
	while (head < n && head < m && same(&s->a.at[head], &s->b.at[head])) {
		head++;
	}
	while (tail < n - head && tail < m - head &&
	       same(&s->a.at[n - tail - 1], &s->b.at[m - tail - 1])) {
		tail++;
	}
	n -= head + tail;
	m -= head + tail;
	if (n > DIFF_LINES_MAX || m > DIFF_LINES_MAX) {
		memset(s->gone + head, true, n * sizeof(bool));
		memset(s->come + head, true, m * sizeof(bool));
		return 0;
	}
	t = (struct middle){s->a.at + head, s->b.at + head, (int)n,
			    (int)m,	    s->gone + head, s->come + head};
	return mark_edits(&t, e);
}

void diff_script_fini(struct diff_script *s)
{
	free(s->a.at);
	free(s->b.at);
	free(s->gone);
	free(s->come);
	*s = (struct diff_script){0};
}
