#include "projects/diff.h"

#include "cleanup.h"
#include "projects/diff_script.h"
#include "utf8.h"

#include <string.h>

bool diff_is_text(const char *bytes, size_t len)
{
	return !memchr(bytes, '\0', len) && utf8_valid(bytes, len);
}

/* A place where the texts differ: a[a0..a1) became b[b0..b1). */
struct block {
	size_t a0, a1, b0, b1;
};

struct blocks {
	struct block *at;
	size_t n;
};

static void find_block(const struct diff_script *s, size_t *i, size_t *j, struct block *ret)
{
	ret->a0 = *i;
	ret->b0 = *j;
	while ((*i < s->a.n && s->gone[*i]) || (*j < s->b.n && s->come[*j])) {
		if (*i < s->a.n && s->gone[*i]) {
			(*i)++;
		} else {
			(*j)++;
		}
	}
	ret->a1 = *i;
	ret->b1 = *j;
}

/* Each block but the last is followed by a line both have, so there are at most a.n + 1. */
static int find_blocks(const struct diff_script *s, struct blocks *ret, struct err *e)
{
	size_t i = 0, j = 0;

	ret->n = 0;
	ret->at = calloc(s->a.n + 1, sizeof(*ret->at));
	if (!ret->at) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	while (i < s->a.n || j < s->b.n) {
		struct block b;

		find_block(s, &i, &j, &b);
		if (b.a1 > b.a0 || b.b1 > b.b0) {
			ret->at[ret->n++] = b;
		} else {
			i++;
			j++;
		}
	}
	return 0;
}

static void add_lines(struct strbuf *out, char mark, const struct diff_lines *lines, size_t from,
		      size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct diff_line *line = &lines->at[i];

		strbuf_addc(out, mark);
		strbuf_add(out, line->text, line->len);
		if (line->len == 0 || line->text[line->len - 1] != '\n') {
			strbuf_adds(out, "\n\\ No newline at end of file\n");
		}
	}
}

/* An empty range is named by the line before it, which is 0 at the top. */
static void add_range(struct strbuf *out, char mark, size_t from, size_t to)
{
	strbuf_addf(out, "%c%zu", mark, from + (to > from));
	if (to - from != 1) {
		strbuf_addf(out, ",%zu", to - from);
	}
}

/* The blocks first..last with what lies between and around them. */
static void add_hunk(struct strbuf *out, const struct diff_script *s, const struct block *first,
		     const struct block *last)
{
	size_t before = first->a0 < DIFF_CONTEXT ? first->a0 : DIFF_CONTEXT;
	size_t left = s->a.n - last->a1;
	size_t after = left < DIFF_CONTEXT ? left : DIFF_CONTEXT;
	size_t i = first->a0 - before;

	strbuf_adds(out, "@@ ");
	add_range(out, '-', first->a0 - before, last->a1 + after);
	strbuf_addc(out, ' ');
	add_range(out, '+', first->b0 - before, last->b1 + after);
	strbuf_adds(out, " @@\n");
	for (const struct block *b = first; b <= last; b++) {
		add_lines(out, ' ', &s->a, i, b->a0);
		add_lines(out, '-', &s->a, b->a0, b->a1);
		add_lines(out, '+', &s->b, b->b0, b->b1);
		i = b->a1;
	}
	add_lines(out, ' ', &s->a, i, i + after);
}

static void add_hunks(struct strbuf *out, const struct diff_script *s, const struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->n;) {
		size_t last = i;

		while (last + 1 < blocks->n &&
		       blocks->at[last + 1].a0 - blocks->at[last].a1 <= 2 * DIFF_CONTEXT) {
			last++;
		}
		add_hunk(out, s, &blocks->at[i], &blocks->at[last]);
		i = last + 1;
	}
}

int diff_unified(const char *a, size_t a_len, const char *b, size_t b_len, struct strbuf *out,
		 struct diff_count *ret, struct err *e)
{
	__attribute__((cleanup(diff_script_fini))) struct diff_script script = {0};
	struct diff_count count = {0};
	struct blocks blocks;

	if (diff_script_make(&script, a, a_len, b, b_len, e) || find_blocks(&script, &blocks, e)) {
		return -1;
	}
	for (size_t i = 0; i < blocks.n; i++) {
		count.deletions += (int64_t)(blocks.at[i].a1 - blocks.at[i].a0);
		count.additions += (int64_t)(blocks.at[i].b1 - blocks.at[i].b0);
	}
	add_hunks(out, &script, &blocks);
	free(blocks.at);
	*ret = count;
	return 0;
}
