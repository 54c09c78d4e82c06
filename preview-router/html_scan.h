#pragma once

/*
 * Where a script may enter an HTML document so that it runs before any other: behind the start tag
 * of its head or, where that is left out, before whatever makes a browser begin one. Reads as a
 * tokenizer does (HTML, section 13.2.5), however the bytes are split, and remembers a few bytes
 * only.
 */

#include <stddef.h>
#include <stdint.h>

/* Bytes that a decision may take back: "<head" and the one behind it. */
#define HTML_SCAN_HELD_MAX 6

enum html_verdict {
	HTML_MORE,
	HTML_HERE,  /* `held` bytes before the end of what was read */
	HTML_NEVER, /* no text in an encoding that has ASCII's bytes (UTF-16) */
};

struct html_scan {
	uint8_t state;
	uint8_t held;	/* the last bytes read that a HTML_HERE may leave behind itself */
	uint8_t n_read; /* saturating: a byte order mark stands only at the start */
	enum html_verdict verdict;
	char name[4]; /* of the tag at hand, in lower case */
};

void html_scan_init(struct html_scan *s);

/* Reads up to the decision. Returns how many bytes it read, all of them with HTML_MORE. */
size_t html_scan(struct html_scan *s, const char *bytes, size_t len);

/* The document is over. */
void html_scan_end(struct html_scan *s);
