#pragma once

/* Line differences of two texts, as unified diffs have them (POSIX diff -u). */

#include "err.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond these the differing middle is shown as replaced whole: right, if not shortest. */
#define DIFF_LINES_MAX 50000
#define DIFF_EDITS_MAX 1000

#define DIFF_CONTEXT 3

struct diff_count {
	int64_t additions, deletions; /* lines */
};

/* Text is what is UTF-8 without NUL; all else is binary. */
bool diff_is_text(const char *bytes, size_t len);

/* Appends the hunks (no file headers) to *out; a full *out is left `failed` and is no error. */
NODISCARD int diff_unified(const char *a, size_t a_len, const char *b, size_t b_len,
			   struct strbuf *out, struct diff_count *ret, struct err *e);
