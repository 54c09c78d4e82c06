#include "framing.h"

#include <string.h>
#include <strings.h>

#define DIRECTIVE "frame-ancestors"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

/* The next piece between separators, taken off the front of `list`. False at its end. */
static bool next_piece(struct http_slice *list, char separator, struct http_slice *ret)
{
	const char *end;

	if (!list->at) {
		return false;
	}
	end = memchr(list->at, separator, list->len);
	*ret = (struct http_slice){list->at, end ? (size_t)(end - list->at) : list->len};
	list->len -= ret->len + (end ? 1 : 0);
	list->at = end ? end + 1 : NULL;
	return true;
}

static struct http_slice next_word(struct http_slice *text)
{
	struct http_slice word;

	while (text->len > 0 && is_space(text->at[0])) {
		text->at++;
		text->len--;
	}
	word = (struct http_slice){text->at, 0};
	while (text->len > 0 && !is_space(text->at[0])) {
		text->at++;
		text->len--;
		word.len++;
	}
	return word;
}

static bool is_framing(struct http_slice directive)
{
	return http_slice_is_nocase(next_word(&directive), DIRECTIVE);
}

static void add_framing(struct strbuf *out, struct http_slice directive, const char *editors)
{
	struct http_slice word = next_word(&directive);

	(void)strbuf_adds(out, " " DIRECTIVE);
	while ((word = next_word(&directive)).len > 0) {
		if (!http_slice_is_nocase(word, "'none'")) {
			(void)strbuf_addc(out, ' ');
			(void)strbuf_add(out, word.at, word.len);
		}
	}
	(void)strbuf_addc(out, ' ');
	(void)strbuf_adds(out, editors);
}

static void add_policy(struct strbuf *out, struct http_slice policy, const char *editors)
{
	struct http_slice directive;
	bool first = true;

	while (next_piece(&policy, ';', &directive)) {
		if (!first) {
			(void)strbuf_addc(out, ';');
		}
		first = false;
		if (is_framing(directive)) {
			add_framing(out, directive, editors);
		} else {
			(void)strbuf_add(out, directive.at, directive.len);
		}
	}
}

void framing_add_policy(struct strbuf *out, struct http_slice name, struct http_slice value,
			const char *editors)
{
	struct http_slice policy;
	bool first = true;

	(void)strbuf_add(out, name.at, name.len);
	(void)strbuf_adds(out, ": ");
	while (next_piece(&value, ',', &policy)) {
		if (!first) {
			(void)strbuf_addc(out, ',');
		}
		first = false;
		add_policy(out, policy, editors);
	}
	(void)strbuf_adds(out, "\r\n");
}

static bool has_framing(struct http_slice value)
{
	struct http_slice policy, directive;

	while (next_piece(&value, ',', &policy)) {
		while (next_piece(&policy, ';', &directive)) {
			if (is_framing(directive)) {
				return true;
			}
		}
	}
	return false;
}

static bool option_is(struct http_slice value, const char *word)
{
	struct http_slice option;

	while (next_piece(&value, ',', &option)) {
		if (http_slice_is_nocase(next_word(&option), word)) {
			return true;
		}
	}
	return false;
}

void framing_add_options(struct strbuf *out, const struct http_head *h, const char *editors)
{
	bool deny = false, same = false;

	for (size_t i = 0; i < h->n_headers; i++) {
		const struct http_header *f = &h->headers[i];

		if (http_slice_is_nocase(f->name, "X-Frame-Options")) {
			deny = deny || option_is(f->value, "DENY");
			same = same || option_is(f->value, "SAMEORIGIN");
		} else if (http_slice_is_nocase(f->name, "Content-Security-Policy") &&
			   has_framing(f->value)) {
			return;
		}
	}
	if (deny || same) {
		(void)strbuf_addf(out, "Content-Security-Policy: " DIRECTIVE " %s%s\r\n",
				  deny ? "" : "'self' ", editors);
	}
}
