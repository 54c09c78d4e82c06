#include "model/placeholder.h"

#include "cleanup.h"
#include "utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX	   14 /* a longer comment says something */
#define SENTENCE_WORDS_MIN 5
#define DOTS_MAX	   4
#define EXAMPLE_INDENT	   "   " /* behind a comment's sign: an example in the comment */
#define WORD_MAX_BYTES	   24
#define COMMENT_MAX_BYTES  200

/*
 * Whole comments, in words: lower case, punctuation and ellipses removed. "a|b" is either, a
 * leading
 * '?' makes a word optional, "@" names a class below. They are complete on purpose: "the rest of
 * the arguments are passed on" or "same as above" are what people write.
 */
static const char *const phrases[] = {
	/* keep the rest of the file unchanged; rest of component here; the rest remains the same */
	"?@verb the rest ?of ?@det ?@noun ?@noun @stay ?the @same ?@where",
	"?@verb the rest ?of ?@det ?@noun ?@noun ?@stay @same ?@where",
	"?@verb the rest ?of ?@det ?@noun ?@noun ?@stay as ?it before|is|was",
	"?@verb rest ?of ?@det ?@noun ?@noun ?@stay ?the @same ?@where",
	"?@verb rest ?of ?@det ?@noun ?@noun ?@stay as ?it before|is|was",
	"?@verb ?the rest of ?@det ?@codenoun @codenoun ?@goes ?here",
	"?@verb ?the rest ?of ?@det ?@noun ?@noun ?@goes here",
	/* remaining functions stay the same; remaining code */
	"?@verb ?@det remaining ?@noun @noun ?@stay ?the @same ?@where",
	"?@verb ?@det remaining ?@noun @noun ?@goes here",
	"?@verb ?@det remaining ?@noun code|implementation",
	/* existing code; your previous implementation here; original imports unchanged */
	"?@verb ?all ?@det existing ?@codenoun "
	"code|implementation|logic|imports|functions|methods ?@where",
	"?@verb ?all ?@det @old ?@noun @noun ?@goes here",
	"?@verb ?all ?@det @old ?@codenoun @codenoun ?@stay ?the @same ?@where",
	/* all other routes unchanged; other methods here */
	"?@verb ?all ?@det other ?@codenoun @codenoun ?@stay ?the @same ?@where",
	"?all ?@det other ?@codenoun @codenoun ?@goes here",
	/* code unchanged; no changes needed here; same code as before; omitted for brevity */
	"?@verb ?@det ?@codenoun code|implementation|component|markup|imports ?@stay ?the @same "
	"?@where",
	"unchanged|untouched|unmodified code|file|section|part|parts ?@where",
	"?the same code|implementation|content|imports as ?in ?the "
	"before|above|previous|earlier|original ?@noun ?@noun",
	"?@det code|implementation|content ?is|stays|remains ?the same as ?in ?the "
	"before|above|previously|original",
	"no changes|modifications needed|required|here|below|above ?here|below|above|to "
	"?@det ?@noun ?@noun",
	"nothing changes|changed here|below|above",
	"?@det ?@noun @noun ?is|are omitted|elided|truncated|shortened|abbreviated "
	"?here|below|above ?for ?brevity|clarity",
	"omitted|elided|truncated|shortened|abbreviated for brevity|clarity",
	"code|implementation ?@goes here",
	"?@verb ?@det implementation|logic ?@goes here",
};

static const struct word_class {
	const char *name;
	const char *words;
} classes[] = {
	{"@verb", "keep|leave|add|insert|include|put|with|and|plus"},
	{"@det", "the|your|this|that|my|our|its|all|of|other|these|those|from"},
	{"@old", "existing|previous|original|old|earlier|current|prior"},
	{"@goes", "goes|go|is|are|remains|remain|stays|stay|continues"},
	{"@stay", "remain|remains|remained|stay|stays|stayed|is|are|left|kept|be|being"},
	{"@same", "unchanged|untouched|unmodified|same|identical|omitted|intact"},
	{"@where", "here|below|above|before|as|previously|now|follows|elsewhere"},
	{"@codenoun",
	 "code|file|files|implementation|component|components|function|functions|logic|"
	 "method|methods|styles|css|html|js|javascript|markup|imports|handlers|routes|"
	 "endpoints|middleware|class|module|script|app|application|server|page|sections|"
	 "jsx|exports|parts|content|contents|template|body"},
	{"@noun",
	 "@codenoun|import|handler|route|classes|style|scripts|section|props|state|tests|test|"
	 "lines|line|config|configuration|settings|options|fields|elements|items|rules|"
	 "helpers|setup|definitions|declarations|variables|part|stuff|dependencies"},
	{"@filler", "@verb|@det|@old|@goes|@stay|@same|@where|@noun|for|to|as|in|no|etc|it|any|"
		    "changes|change"},
	/* beside an ellipsis these leave something out: always, or among words like them only */
	{"@strong",
	 "rest|remaining|existing|unchanged|omitted|untouched|unmodified|elided|truncated|"
	 "brevity|snip|snipped"},
	{"@hint", "@strong|previous|others|original|before|same|etc|other|more|earlier"},
	{"@plain", "@filler|@hint"},
};

struct words {
	char at[WORDS_MAX][WORD_MAX_BYTES];
	size_t n;
	bool lead, trail; /* an ellipsis before the words, or after some of them */
	bool too_many;
	bool drawing; /* symbols, or more dots than an ellipsis has: a table, a ruler */
};

static const char *class_words(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0) {
			return classes[i].words;
		}
	}
	return "";
}

static bool is_one_of(const char *word, const char *list, size_t list_len)
{
	size_t len = strlen(word);

	while (list_len > 0) {
		const char *bar = memchr(list, '|', list_len);
		size_t n = bar ? (size_t)(bar - list) : list_len;

		if (list[0] == '@') {
			const char *words = class_words(list, n);

			if (is_one_of(word, words, strlen(words))) {
				return true;
			}
		} else if (n == len && memcmp(list, word, n) == 0) {
			return true;
		}
		if (!bar) {
			return false;
		}
		list = bar + 1;
		list_len -= n + 1;
	}
	return false;
}

static bool phrase_matches(const char *phrase, const struct words *w, size_t at)
{
	size_t len;
	bool optional;

	while (*phrase == ' ') {
		phrase++;
	}
	if (*phrase == '\0') {
		return at == w->n;
	}
	optional = *phrase == '?';
	phrase += optional;
	len = strcspn(phrase, " ");
	if (at < w->n && is_one_of(w->at[at], phrase, len) &&
	    phrase_matches(phrase + len, w, at + 1)) {
		return true;
	}
	return optional && phrase_matches(phrase + len, w, at);
}

/* Length of an ellipsis at s: three or more dots, or U+2026. */
static size_t ellipsis_len(const char *s, size_t len)
{
	size_t dots = 0;

	if (len >= 3 && memcmp(s, "\xe2\x80\xa6", 3) == 0) {
		return 3;
	}
	while (dots < len && s[dots] == '.') {
		dots++;
	}
	return dots >= 3 ? dots : 0;
}

static void add_word(struct words *w, const char *s, size_t len)
{
	if (w->n == WORDS_MAX || len >= WORD_MAX_BYTES) {
		w->too_many = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		w->at[w->n][i] = (char)tolower((unsigned char)s[i]);
	}
	w->at[w->n++][len] = '\0';
}

/* Letters of any script; U+2026 was looked for before. */
static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '\'' || (unsigned char)c >= 0x80;
}

static void split_words(const char *s, size_t len, struct words *ret)
{
	size_t i = 0;

	*ret = (struct words){.n = 0};
	while (i < len) {
		size_t dots = ellipsis_len(s + i, len - i);
		size_t n = 0;

		while (i + n < len && is_word_byte(s[i + n]) &&
		       ellipsis_len(s + i + n, len - i - n) == 0) {
			n++;
		}
		if (dots > 0) {
			*(ret->n == 0 ? &ret->lead : &ret->trail) = true;
			ret->drawing = ret->drawing || dots > DOTS_MAX;
			n = dots;
		} else if (n > 0) {
			add_word(ret, s + i, n);
		} else {
			ret->drawing = ret->drawing || !strchr(" \t\r()[]{}.,*/", s[i]);
			n = 1;
		}
		i += n;
	}
}

/* A `.name(`, an operator or a call in a comment is code that was commented out, not words. */
static bool looks_like_code(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("=;{}<>$`\"", s[i]) ||
		    (s[i] == '(' && i > 0 && isalnum((unsigned char)s[i - 1]))) {
			return true;
		}
		/* spread: dots glued to a name with no word before them */
		if (ellipsis_len(s + i, len - i) == 3 && s[i] == '.' && i + 3 < len &&
		    (isalpha((unsigned char)s[i + 3]) || s[i + 3] == '_') && i > 0 &&
		    strchr("(,", s[i - 1])) {
			return true;
		}
	}
	return false;
}

static size_t count_of(const struct words *w, const char *class_name)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		n += is_one_of(w->at[i], class_name, strlen(class_name));
	}
	return n;
}

/* An ellipsis beside words that speak of what was there. */
static bool ellipsis_is_placeholder(const struct words *w)
{
	if (!w->lead && !w->trail) {
		return false;
	}
	if (w->lead && w->n <= 7 && count_of(w, "@strong") > 0) {
		return true;
	}
	if (w->lead && w->trail && w->n <= 8 && count_of(w, "@hint") > 0) {
		return true;
	}
	return w->n <= 10 && count_of(w, w->lead ? "@hint" : "@strong") > 0 &&
	       count_of(w, "@plain") == w->n;
}

/* Whether the words of one comment leave something out. `alone`: it is its whole line; `goes_on`:
 * it continues the sentence of the line before. */
static bool comment_is_placeholder(const char *s, size_t len, bool alone, bool goes_on)
{
	struct words w;

	if (len > COMMENT_MAX_BYTES || looks_like_code(s, len)) {
		return false;
	}
	split_words(s, len, &w);
	if (w.too_many) {
		return false;
	}
	if (w.n == 0) {
		return w.lead && alone && !w.drawing;
	}
	if (goes_on && !w.lead && !w.trail) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (phrase_matches(phrases[i], &w, 0)) {
			return true;
		}
	}
	return ellipsis_is_placeholder(&w);
}

/* A sentence long enough to be one, without its end: the next line's comment goes on with it. */
static bool sentence_is_open(const char *s, size_t len)
{
	struct words w;

	if (len == 0 || strchr(".:!?;", s[len - 1])) {
		return false;
	}
	split_words(s, len, &w);
	return !w.trail && (w.too_many || w.n >= SENTENCE_WORDS_MIN);
}

enum syntax {
	SYNTAX_NONE = 0,
	SYNTAX_SLASHES = 1, /* // and slash-star */
	SYNTAX_HASH = 2,
	SYNTAX_MARKUP = 4, /* <!-- --> */
	SYNTAX_DASHES = 8, /* -- */
	SYNTAX_ALL = 15,
};

static unsigned syntax_of(const char *path)
{
	static const struct {
		const char *ending;
		unsigned syntax;
	} endings[] = {
		{"md", SYNTAX_NONE},
		{"markdown", SYNTAX_NONE},
		{"txt", SYNTAX_NONE},
		{"csv", SYNTAX_NONE},
		{"html", SYNTAX_SLASHES | SYNTAX_MARKUP},
		{"svg", SYNTAX_MARKUP},
		{"xml", SYNTAX_MARKUP},
		{"yml", SYNTAX_HASH},
		{"yaml", SYNTAX_HASH},
		{"toml", SYNTAX_HASH},
		{"sh", SYNTAX_HASH},
		{"py", SYNTAX_HASH},
		{"sql", SYNTAX_SLASHES | SYNTAX_DASHES},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(endings); i++) {
		if (strcasecmp(dot + 1, endings[i].ending) == 0) {
			return endings[i].syntax;
		}
	}
	return SYNTAX_ALL;
}

struct span {
	const char *at;
	size_t len;
};

/* Without blanks at both ends, nor any of those characters. */
static struct span trim(struct span s, const char *lead, const char *tail)
{
	while (s.len > 0 && (strchr(" \t\r", *s.at) || strchr(lead, *s.at))) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && (strchr(" \t\r", s.at[s.len - 1]) || strchr(tail, s.at[s.len - 1]))) {
		s.len--;
	}
	return s;
}

static bool starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.at, with, n) == 0;
}

/* A comment that is its whole line: what is in it, and whether it is an example in a comment's
 * text. */
static bool whole_line_comment(struct span line, unsigned syntax, struct span *ret,
			       bool *ret_example)
{
	struct span s = trim(line, "", "");
	size_t cut;

	if ((syntax & SYNTAX_SLASHES) && starts(s, "{/*")) {
		s = trim(s, "{}", "{}");
	}
	if ((syntax & SYNTAX_SLASHES) && starts(s, "//")) {
		cut = 2;
	} else if ((syntax & SYNTAX_SLASHES) && starts(s, "/*")) {
		cut = 2;
	} else if ((syntax & SYNTAX_MARKUP) && starts(s, "<!--")) {
		cut = 4;
	} else if ((syntax & SYNTAX_DASHES) && starts(s, "--")) {
		cut = 2;
	} else if ((syntax & SYNTAX_HASH) && starts(s, "#") && !starts(s, "#!")) {
		cut = 1;
	} else {
		return false;
	}
	s.at += cut;
	s.len -= cut;
	*ret_example = starts(s, EXAMPLE_INDENT);
	*ret = trim(s, "*/#", "*/#>-");
	return true;
}

static const char *find(struct span s, const char *needle)
{
	return s.len == 0 ? NULL : memmem(s.at, s.len, needle, strlen(needle));
}

/* A comment between or behind code on the line: `{ …, slash-star existing code star-slash }`. */
static bool inner_comment(struct span line, unsigned syntax, struct span *ret)
{
	const char *end = line.at + line.len;
	const char *open = find(line, "/*");
	const char *close;

	if (!(syntax & SYNTAX_SLASHES)) {
		return false;
	}
	if (open) {
		close = find((struct span){open + 2, (size_t)(end - open) - 2}, "*/");
		if (close) {
			*ret = trim((struct span){open + 2, (size_t)(close - open) - 2}, "*", "*");
			return true;
		}
	}
	open = find(line, " //");
	if (open) {
		*ret = trim((struct span){open + 3, (size_t)(end - open) - 3}, "/", "/");
		return true;
	}
	return false;
}

static void report(struct placeholder *ret, size_t line, struct span s)
{
	struct span t = trim(s, "", "");
	size_t len = t.len < sizeof(ret->text) ? t.len : sizeof(ret->text) - 1;

	len -= utf8_incomplete_tail(t.at, len);
	ret->line = line;
	memcpy(ret->text, t.at, len);
	ret->text[len] = '\0';
	if (!utf8_valid(ret->text, len)) {
		ret->text[0] = '\0';
	}
}

bool placeholder_find(const char *path, const char *text, size_t len, struct placeholder *ret)
{
	unsigned syntax = syntax_of(path);
	const char *at = text;
	const char *end = text + len;
	size_t n = 0;
	bool goes_on = false;

	while (syntax != SYNTAX_NONE && at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		struct span line = {at, (size_t)((nl ? nl : end) - at)};
		struct span comment;
		bool example = false;
		bool alone = whole_line_comment(line, syntax, &comment, &example);

		n++;
		if ((alone || inner_comment(line, syntax, &comment)) &&
		    comment_is_placeholder(comment.at, comment.len, alone && !example, goes_on)) {
			report(ret, n, line);
			return true;
		}
		goes_on = alone && sentence_is_open(comment.at, comment.len);
		at = nl ? nl + 1 : end;
	}
	return false;
}
