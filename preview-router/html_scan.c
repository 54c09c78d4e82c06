#include "html_scan.h"

#include <stdbool.h>
#include <string.h>

enum state {
	S_TEXT, /* nothing but white space so far, between tags */
	S_BOM,	/* within a byte order mark */
	S_OPEN, /* "<" */
	S_NAME, /* "<" and letters of "html" or "head" */
	S_BANG, /* "<!" */
	S_BANG_DASH,
	S_MARKUP, /* a doctype, or what a browser takes for a comment: to the next ">" */
	S_COMMENT_START,
	S_COMMENT_START_DASH,
	S_COMMENT,
	S_COMMENT_DASH,
	S_COMMENT_DASHES,
	S_COMMENT_BANG,
	S_BEFORE_ATTRIBUTE, /* from here on the tag is <html> or <head> */
	S_ATTRIBUTE,
	S_AFTER_ATTRIBUTE,
	S_BEFORE_VALUE,
	S_VALUE,
	S_VALUE_DOUBLE,
	S_VALUE_SINGLE,
};

void html_scan_init(struct html_scan *s)
{
	*s = (struct html_scan){.state = S_TEXT};
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void here(struct html_scan *s)
{
	s->verdict = HTML_HERE;
}

/* The bytes so far stay before whatever is decided. */
static void go(struct html_scan *s, enum state state)
{
	s->state = (uint8_t)state;
	s->held = 0;
}

static void in_text(struct html_scan *s, char c)
{
	const bool at_start = s->n_read == 1;

	if (c == '<') {
		s->state = S_OPEN;
	} else if (is_space(c)) {
		s->held = 0;
	} else if (at_start && c == '\xEF') {
		s->state = S_BOM;
	} else if (c == '\0' || (at_start && (c == '\xFE' || c == '\xFF'))) {
		s->verdict = HTML_NEVER;
	} else {
		here(s);
	}
}

/* EF BB BF: the two that follow the first. */
static void in_bom(struct html_scan *s, char c)
{
	if (c != (s->n_read == 2 ? '\xBB' : '\xBF')) {
		here(s);
	} else if (s->n_read == 3) {
		go(s, S_TEXT);
	}
}

static void in_open(struct html_scan *s, char c)
{
	if (c == '!') {
		go(s, S_BANG);
	} else if (c == '?') {
		go(s, S_MARKUP);
	} else if (lower(c) == 'h') {
		s->name[0] = 'h';
		s->state = S_NAME;
	} else if (c == '\0') {
		s->verdict = HTML_NEVER;
	} else {
		here(s);
	}
}

static void in_tag(struct html_scan *s, char c);

static void in_name(struct html_scan *s, char c)
{
	static const char html[4] = "html", head[4] = "head";
	size_t n = s->held - 2u; /* letters so far; "<" and this one are held, too */

	if (n < sizeof(s->name)) {
		s->name[n] = lower(c);
		if (memcmp(s->name, html, n + 1) != 0 && memcmp(s->name, head, n + 1) != 0) {
			here(s);
		}
	} else if (is_space(c) || c == '/' || c == '>') {
		go(s, S_BEFORE_ATTRIBUTE);
		in_tag(s, c);
	} else {
		here(s);
	}
}

static void end_tag(struct html_scan *s)
{
	go(s, S_TEXT);
	if (s->name[1] == 'e') {
		here(s);
	}
}

/* A quote means something behind a "=" only. */
static void in_tag(struct html_scan *s, char c)
{
	const enum state state = (enum state)s->state;

	s->held = 0;
	if (c == '>') {
		end_tag(s);
	} else if (is_space(c)) {
		if (state == S_ATTRIBUTE) {
			s->state = S_AFTER_ATTRIBUTE;
		} else if (state == S_VALUE) {
			s->state = S_BEFORE_ATTRIBUTE;
		}
	} else if (state == S_BEFORE_VALUE) {
		s->state = c == '"' ? S_VALUE_DOUBLE : c == '\'' ? S_VALUE_SINGLE : S_VALUE;
	} else if (state == S_VALUE) {
		return;
	} else if (c == '/') {
		s->state = S_BEFORE_ATTRIBUTE;
	} else if (c == '=' && state != S_BEFORE_ATTRIBUTE) {
		s->state = S_BEFORE_VALUE;
	} else {
		s->state = S_ATTRIBUTE;
	}
}

static void in_comment(struct html_scan *s, char c)
{
	const enum state state = (enum state)s->state;
	const bool may_end = state != S_COMMENT && state != S_COMMENT_DASH;

	s->held = 0;
	if (c == '>' && may_end) {
		s->state = S_TEXT;
	} else if (c == '-') {
		s->state = state == S_COMMENT_START			   ? S_COMMENT_START_DASH
			   : state == S_COMMENT || state == S_COMMENT_BANG ? S_COMMENT_DASH
									   : S_COMMENT_DASHES;
	} else if (c == '!' && state == S_COMMENT_DASHES) {
		s->state = S_COMMENT_BANG;
	} else {
		s->state = S_COMMENT;
	}
}

static void in_bang(struct html_scan *s, char c)
{
	if (c == '-') {
		go(s, s->state == S_BANG ? S_BANG_DASH : S_COMMENT_START);
	} else {
		go(s, c == '>' ? S_TEXT : S_MARKUP);
	}
}

static void step(struct html_scan *s, char c)
{
	switch ((enum state)s->state) {
	case S_TEXT:
		in_text(s, c);
		break;
	case S_BOM:
		in_bom(s, c);
		break;
	case S_OPEN:
		in_open(s, c);
		break;
	case S_NAME:
		in_name(s, c);
		break;
	case S_BANG:
	case S_BANG_DASH:
		in_bang(s, c);
		break;
	case S_MARKUP:
		go(s, c == '>' ? S_TEXT : S_MARKUP);
		break;
	case S_COMMENT_START:
	case S_COMMENT_START_DASH:
	case S_COMMENT:
	case S_COMMENT_DASH:
	case S_COMMENT_DASHES:
	case S_COMMENT_BANG:
		in_comment(s, c);
		break;
	case S_VALUE_DOUBLE:
		go(s, c == '"' ? S_BEFORE_ATTRIBUTE : S_VALUE_DOUBLE);
		break;
	case S_VALUE_SINGLE:
		go(s, c == '\'' ? S_BEFORE_ATTRIBUTE : S_VALUE_SINGLE);
		break;
	case S_BEFORE_ATTRIBUTE:
	case S_ATTRIBUTE:
	case S_AFTER_ATTRIBUTE:
	case S_BEFORE_VALUE:
	case S_VALUE:
		in_tag(s, c);
		break;
	}
}

size_t html_scan(struct html_scan *s, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && s->verdict == HTML_MORE) {
		if (s->n_read < UINT8_MAX) {
			s->n_read++;
		}
		s->held++;
		step(s, bytes[at++]);
	}
	return at;
}

void html_scan_end(struct html_scan *s)
{
	/* What is still open at the end has no place behind it. */
	if (s->verdict == HTML_MORE) {
		s->verdict = s->state == S_TEXT || s->held > 0 ? HTML_HERE : HTML_NEVER;
	}
}
