#pragma once

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include "strbuf.h"

bool utf8_valid(const char *s, size_t len);

/* How many bytes at the end of s[0..len) start a character that is not complete yet: 0 to 3. */
size_t utf8_incomplete_tail(const char *s, size_t len);

/* Appends s with every byte that is not part of a valid character replaced by U+FFFD. */
int utf8_add_replaced(struct strbuf *b, const char *s, size_t len);

/* `text` into ret[cap], cut at the end of a character when it does not fit. */
void utf8_copy(char *ret, size_t cap, const char *text);
