#pragma once

/*
 * Which lines of a text to drop and which of another to take so that the one becomes the other: the
 * greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), with
 * its work bounded.
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diff_line {
	const char *text; /* borrowed */
	size_t len;	  /* with its newline, which only the last may lack */
	uint64_t hash;
};

struct diff_lines {
	struct diff_line *at;
	size_t n;
};

struct diff_script {
	struct diff_lines a, b;
	bool *gone; /* of a's lines */
	bool *come; /* of b's lines */
};

/* diff_script_fini is wanted in every case. The texts are borrowed for the life of the script. */
NODISCARD int diff_script_make(struct diff_script *s, const char *a, size_t a_len, const char *b,
			       size_t b_len, struct err *e);
void diff_script_fini(struct diff_script *s);
