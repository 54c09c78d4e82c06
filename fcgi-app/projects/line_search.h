#pragma once

/*
 * The lines of a text that hold a needle. Works on characters, so that case can be put aside, in
 * time linear in the text whatever text and needle are (Knuth, Morris, Pratt).
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEEDLE_MAX_BYTES     200
#define LINE_EXCERPT_BYTES   240
#define LINE_EXCERPT_CONTEXT 60 /* at least so much before the place, where there is */

struct needle {
	uint32_t chars[NEEDLE_MAX_BYTES];
	size_t n;
	size_t fallback[NEEDLE_MAX_BYTES]; /* how much of the needle still matches */
	bool match_case;
};

/* `text` is valid UTF-8, at most NEEDLE_MAX_BYTES and not empty. */
void needle_init(struct needle *n, const char *text, bool match_case);

/* A line ends with \n, \r\n or \r, as in editors. */
struct line_hit {
	int64_t line, column; /* from 1; the column in UTF-16 units */
	const char *excerpt;  /* the line, cut around the place; borrowed from the text */
	size_t excerpt_len;
};

struct line_search {
	const char *at, *end;
	int64_t line;
};

/* The text is valid UTF-8, borrowed for as long as the search lasts. */
void line_search_init(struct line_search *s, const char *text, size_t len);

/* The next line that holds the needle, by the first place in it; false: there is none. */
bool line_search_next(struct line_search *s, const struct needle *n, struct line_hit *ret);
