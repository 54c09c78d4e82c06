#include "model/reply.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME	"<slipway-file"
#define DELETE_NAME	"<slipway-delete"
#define FILE_CLOSE	"</slipway-file"
#define THINK_OPEN	"<think>"
#define THINK_CLOSE	"</think>"
#define HELD_SPACES_MAX 256

enum tag_match {
	TAG_NO,	   /* cannot become a tag */
	TAG_MAYBE, /* a prefix of one */
	TAG_YES,   /* the name is complete; attributes follow */
	TAG_THINK, /* <think>, complete */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void reply_parser_init(struct reply_parser *p, reply_event_fn *fn, void *ctx)
{
	*p = (struct reply_parser){.state = REPLY_LINE_START, .fn = fn, .ctx = ctx};
	strbuf_init(&p->held, REPLY_TAG_MAX_BYTES);
}

void reply_parser_fini(struct reply_parser *p)
{
	strbuf_fini(&p->held);
}

static int emit(struct reply_parser *p, enum reply_event_type type, const char *data, size_t len,
		const char *reason, struct err *e)
{
	struct reply_event event = {
		.type = type,
		.path = type == REPLY_PROSE ? "" : p->path,
		.reason = reason,
		.data = data,
		.len = len,
	};

	return p->fn(p->ctx, &event, e);
}

static int emit_prose(struct reply_parser *p, const char *data, size_t len, struct err *e)
{
	return len == 0 ? 0 : emit(p, REPLY_PROSE, data, len, "", e);
}

/* Data of the open file, unless it is being dropped or grows too large. */
static int emit_data(struct reply_parser *p, const char *data, size_t len, struct err *e)
{
	if (p->dropping || len == 0) {
		return 0;
	}
	p->file_bytes += len;
	if (p->file_bytes > REPLY_FILE_MAX_BYTES) {
		p->dropping = true;
		return emit(p, REPLY_FILE_REFUSED, "", 0, "the file is larger than 10 MiB", e);
	}
	return emit(p, REPLY_FILE_DATA, data, len, "", e);
}

static int hold(struct reply_parser *p, char c, struct err *e)
{
	if (strbuf_addc(&p->held, c) == 0) {
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "out of memory");
}

static int flush_held_prose(struct reply_parser *p, struct err *e)
{
	int rc = emit_prose(p, p->held.data, p->held.len, e);

	strbuf_reset(&p->held);
	return rc;
}

static int flush_held_data(struct reply_parser *p, struct err *e)
{
	int rc = emit_data(p, p->held.data, p->held.len, e);

	strbuf_reset(&p->held);
	return rc;
}

static const char *skip_blanks(const char *s)
{
	while (is_blank(*s)) {
		s++;
	}
	return s;
}

/* How s stands to `name`: s is NUL-terminated and begins with '<'. */
static enum tag_match match_name(const char *s, const char *name)
{
	size_t len = strlen(s);
	size_t want = strlen(name);

	if (len <= want) {
		return strncmp(s, name, len) == 0 ? TAG_MAYBE : TAG_NO;
	}
	if (strncmp(s, name, want) != 0) {
		return TAG_NO;
	}
	return is_blank(s[want]) || strchr("/>\n", s[want]) ? TAG_YES : TAG_NO;
}

static enum tag_match match_open(const struct reply_parser *p)
{
	const char *s = skip_blanks(p->held.data);
	enum tag_match file = match_name(s, FILE_NAME);
	enum tag_match del = match_name(s, DELETE_NAME);

	if (!p->begun && strncmp(s, THINK_OPEN, strlen(s)) == 0) {
		return strlen(s) == strlen(THINK_OPEN) ? TAG_THINK : TAG_MAYBE;
	}
	return file > del ? file : del;
}

/* One attribute at *at; false at the end of the tag. Name and value are slices. */
struct attribute {
	const char *name, *value;
	size_t name_len, value_len;
};

static bool next_attribute(const char **at, struct attribute *ret)
{
	const char *s = *at;

	while (is_blank(*s) || *s == '/') {
		s++;
	}
	if (*s == '>' || *s == '\0') {
		return false;
	}
	*ret = (struct attribute){.name = s, .name_len = strcspn(s, " \t\r=>")};
	s = skip_blanks(s + ret->name_len);
	if (*s == '=') {
		s = skip_blanks(s + 1);
		if (*s == '"' || *s == '\'') {
			char quote[2] = {*s, '\0'};

			ret->value = ++s;
			ret->value_len = strcspn(s, quote);
			s += ret->value_len;
			s += *s != '\0';
		} else {
			ret->value = s;
			ret->value_len = strcspn(s, " \t\r>");
			s += ret->value_len;
			if (*s == '>' && ret->value_len > 0 && s[-1] == '/') {
				ret->value_len--;
			}
		}
	}
	*at = s;
	return true;
}

/* The path attribute of the tag in `held` into p->path. On failure *ret_reason says what is wrong.
 */
static bool read_path(struct reply_parser *p, const char *after_name, char *reason, size_t cap)
{
	struct attribute a;
	struct err bad;

	p->path[0] = '\0';
	while (next_attribute(&after_name, &a)) {
		if (a.name_len != 4 || memcmp(a.name, "path", 4) != 0 || !a.value) {
			continue;
		}
		size_t keep = a.value_len < PATH_MAX_BYTES ? a.value_len : PATH_MAX_BYTES;

		memcpy(p->path, a.value, keep);
		p->path[keep] = '\0';
		if (path_check(a.value, a.value_len, &bad) == 0) {
			return true;
		}
		snprintf(reason, cap, "%s", bad.text);
		return false;
	}
	snprintf(reason, cap, "the tag has no path");
	return false;
}

static int open_file(struct reply_parser *p, const char *refused, bool self_closed, struct err *e)
{
	p->dropping = refused != NULL;
	p->file_bytes = 0;
	p->first_line = true;
	p->state = self_closed ? REPLY_IN_LINE : REPLY_FILE_FIRST;
	if (refused) {
		return emit(p, REPLY_FILE_REFUSED, "", 0, refused, e);
	}
	if (emit(p, REPLY_FILE_BEGIN, "", 0, "", e) < 0) {
		return -1;
	}
	return self_closed ? emit(p, REPLY_FILE_END, "", 0, "", e) : 0;
}

/* `held` is a whole tag, or one that broke off (`broken` says how): acts on it. */
static int take_tag(struct reply_parser *p, const char *broken, struct err *e)
{
	char reason[ERR_TEXT_MAX_BYTES] = "";
	const char *s = skip_blanks(p->held.data);
	bool is_file = match_name(s, FILE_NAME) == TAG_YES;
	bool ok =
		read_path(p, s + strlen(is_file ? FILE_NAME : DELETE_NAME), reason, sizeof(reason));
	bool self_closed = p->held.len >= 2 && p->held.data[p->held.len - 2] == '/';

	strbuf_reset(&p->held);
	if (broken) {
		snprintf(reason, sizeof(reason), "%s", broken);
		ok = false;
	} else if (++p->files > REPLY_FILES_MAX) {
		snprintf(reason, sizeof(reason), "a reply may hold at most %d files",
			 REPLY_FILES_MAX);
		ok = false;
	}
	if (is_file) {
		return open_file(p, ok ? NULL : reason, self_closed && !broken, e);
	}
	p->state = REPLY_IN_LINE;
	return emit(p, ok ? REPLY_DELETE : REPLY_FILE_REFUSED, "", 0, ok ? "" : reason, e);
}

static bool is_file_state(enum reply_state s)
{
	return s == REPLY_FILE_FIRST || s == REPLY_FILE_LINE || s == REPLY_FILE_BODY;
}

static void track_quote(struct reply_parser *p, char c)
{
	if (p->quote == c) {
		p->quote = '\0';
	} else if (p->quote == '\0' && (c == '"' || c == '\'')) {
		p->quote = c;
	}
}

/* A tag that is none after all. The byte that showed it may begin another one. */
static int give_up_tag(struct reply_parser *p, char last, struct err *e)
{
	p->begun = true;
	if (last != '<') {
		p->state = last == '\n' ? REPLY_LINE_START : REPLY_IN_LINE;
		return flush_held_prose(p, e);
	}
	p->held.data[--p->held.len] = '\0';
	p->mid_line = true;
	if (flush_held_prose(p, e) < 0) {
		return -1;
	}
	return hold(p, '<', e);
}

/* The line ends, or the tag gets too long, before the tag does. */
static int break_tag(struct reply_parser *p, char c, struct err *e)
{
	if (p->mid_line) {
		return hold(p, c, e) < 0 ? -1 : give_up_tag(p, c, e);
	}
	if (take_tag(p, "the tag does not end on its line", e) < 0) {
		return -1;
	}
	if (c == '\n') {
		p->first_line = false;
		p->state = is_file_state(p->state) ? REPLY_FILE_LINE : REPLY_LINE_START;
	}
	return 0;
}

static int end_tag(struct reply_parser *p, struct err *e)
{
	if (p->mid_line) {
		p->state = REPLY_TAG_END;
		return 0;
	}
	return take_tag(p, NULL, e);
}

/* One byte behind a '<' that may begin a tag. */
static int step_tag(struct reply_parser *p, char c, struct err *e)
{
	if (match_open(p) == TAG_YES && (c == '\n' || p->held.len + 2 >= REPLY_TAG_MAX_BYTES)) {
		return break_tag(p, c, e);
	}
	if (hold(p, c, e) < 0) {
		return -1;
	}
	switch (match_open(p)) {
	case TAG_NO:
		return give_up_tag(p, c, e);
	case TAG_THINK:
		p->begun = true;
		p->state = REPLY_IN_THINK;
		p->think_matched = 0;
		return flush_held_prose(p, e);
	case TAG_YES:
		p->begun = true;
		track_quote(p, c);
		return c == '>' && p->quote == '\0' ? end_tag(p, e) : 0;
	case TAG_MAYBE:
		break;
	}
	return 0;
}

/* Behind a tag in the middle of a line. */
static int step_tag_end(struct reply_parser *p, char c, size_t *ret_used, struct err *e)
{
	*ret_used = 1;
	if (is_blank(c) && p->held.len + 2 < REPLY_TAG_MAX_BYTES) {
		return hold(p, c, e);
	}
	*ret_used = 0;
	if (c != '\n') {
		p->state = REPLY_IN_LINE;
		return flush_held_prose(p, e);
	}
	while (is_blank(p->held.data[p->held.len - 1])) {
		p->held.data[--p->held.len] = '\0';
	}
	return take_tag(p, NULL, e);
}

/* Whether `held` is (a prefix of) white space and the closing tag. */
static enum tag_match match_close(const struct reply_parser *p)
{
	const char *s = skip_blanks(p->held.data);
	size_t len = strlen(s);
	size_t want = strlen(FILE_CLOSE);

	if (len <= want) {
		return strncmp(s, FILE_CLOSE, len) == 0 ? TAG_MAYBE : TAG_NO;
	}
	if (strncmp(s, FILE_CLOSE, want) != 0) {
		return TAG_NO;
	}
	s = skip_blanks(s + want);
	if (*s == '\0') {
		return TAG_MAYBE;
	}
	return *s == '>' && *skip_blanks(s + 1) == '\0' ? TAG_YES : TAG_NO;
}

static int close_file(struct reply_parser *p, struct err *e)
{
	strbuf_reset(&p->held);
	p->state = REPLY_LINE_START;
	return p->dropping ? 0 : emit(p, REPLY_FILE_END, "", 0, "", e);
}

/* Takes one byte at the start of a file's line. *ret_used is 0 when the byte is to be looked at
 * again. */
static int step_file_line(struct reply_parser *p, char c, size_t *ret_used, struct err *e)
{
	*ret_used = 0;
	if (c == '\n' && match_close(p) == TAG_YES) {
		*ret_used = 1;
		return close_file(p, e);
	}
	if (c != '\n' && p->held.len < HELD_SPACES_MAX) {
		if (hold(p, c, e) < 0) {
			return -1;
		}
		if (match_close(p) != TAG_NO) {
			*ret_used = 1;
			return 0;
		}
		p->held.data[--p->held.len] = '\0';
	}
	p->state = REPLY_FILE_BODY;
	/* Two '<' in a row on the first line: the second may begin the closing tag. */
	return flush_held_data(p, e);
}

/* One byte right behind an opening tag. */
static int step_file_first(struct reply_parser *p, char c, size_t *ret_used, struct err *e)
{
	*ret_used = 1;
	if (c == '\n') {
		strbuf_reset(&p->held);
		p->first_line = false;
		p->state = REPLY_FILE_LINE;
		return 0;
	}
	if (is_blank(c) && p->held.len < HELD_SPACES_MAX) {
		return hold(p, c, e);
	}
	*ret_used = 0;
	p->state = REPLY_FILE_BODY;
	return flush_held_data(p, e);
}

static int step_file_body(struct reply_parser *p, const char *s, size_t len, size_t *ret_used,
			  struct err *e)
{
	const char *nl = memchr(s, '\n', len);
	size_t n = nl ? (size_t)(nl - s) + 1 : len;
	const char *tag = p->first_line ? memchr(s, '<', n) : NULL;

	if (tag == s) {
		*ret_used = 1;
		p->state = REPLY_FILE_LINE;
		return hold(p, '<', e);
	}
	if (tag) {
		n = (size_t)(tag - s);
	} else if (nl) {
		p->state = REPLY_FILE_LINE;
		p->first_line = false;
	}
	*ret_used = n;
	return emit_data(p, s, n, e);
}

static int step_line_start(struct reply_parser *p, char c, size_t *ret_used, struct err *e)
{
	*ret_used = 1;
	if (c == '<') {
		p->state = REPLY_IN_TAG;
		p->mid_line = false;
		p->quote = '\0';
		return hold(p, c, e);
	}
	if (is_blank(c) && p->held.len < HELD_SPACES_MAX) {
		return hold(p, c, e);
	}
	*ret_used = 0;
	p->begun = p->begun || (c != '\n' && !is_blank(c));
	p->state = REPLY_IN_LINE;
	return flush_held_prose(p, e);
}

static int step_in_line(struct reply_parser *p, const char *s, size_t len, size_t *ret_used,
			struct err *e)
{
	const char *nl = memchr(s, '\n', len);
	size_t n = nl ? (size_t)(nl - s) + 1 : len;
	const char *tag = memchr(s, '<', n);

	if (tag) {
		n = (size_t)(tag - s);
		p->state = REPLY_IN_TAG;
		p->mid_line = true;
		p->quote = '\0';
	} else if (nl) {
		p->state = REPLY_LINE_START;
	}
	*ret_used = n + (tag != NULL);
	if (tag && hold(p, '<', e) < 0) {
		return -1;
	}
	return emit_prose(p, s, n, e);
}

static int step_think(struct reply_parser *p, const char *s, size_t len, size_t *ret_used,
		      struct err *e)
{
	size_t i = 0;

	while (i < len && p->state == REPLY_IN_THINK) {
		if (s[i] == THINK_CLOSE[p->think_matched]) {
			p->think_matched++;
		} else {
			p->think_matched = s[i] == '<';
		}
		i++;
		if (THINK_CLOSE[p->think_matched] == '\0') {
			p->state = REPLY_IN_LINE;
		}
	}
	*ret_used = i;
	return emit_prose(p, s, i, e);
}

static int step(struct reply_parser *p, const char *s, size_t len, size_t *ret_used, struct err *e)
{
	switch (p->state) {
	case REPLY_LINE_START:
		return step_line_start(p, *s, ret_used, e);
	case REPLY_IN_LINE:
		return step_in_line(p, s, len, ret_used, e);
	case REPLY_IN_TAG:
		*ret_used = 1;
		return step_tag(p, *s, e);
	case REPLY_TAG_END:
		return step_tag_end(p, *s, ret_used, e);
	case REPLY_IN_THINK:
		return step_think(p, s, len, ret_used, e);
	case REPLY_FILE_FIRST:
		return step_file_first(p, *s, ret_used, e);
	case REPLY_FILE_LINE:
		return step_file_line(p, *s, ret_used, e);
	case REPLY_FILE_BODY:
		return step_file_body(p, s, len, ret_used, e);
	}
	return err_set(e, ERR_INTERNAL, "reply parser in state %d", (int)p->state);
}

int reply_parser_feed(struct reply_parser *p, const char *bytes, size_t len, struct err *e)
{
	size_t at = 0;

	if (memchr(bytes, '\0', len)) {
		return err_set(e, ERR_UPSTREAM, "the reply holds a NUL byte");
	}
	while (at < len) {
		size_t used = 0;

		if (step(p, bytes + at, len - at, &used, e) < 0) {
			return -1;
		}
		at += used;
	}
	return 0;
}

int reply_parser_end(struct reply_parser *p, struct err *e)
{
	enum reply_state was = p->state;

	p->state = REPLY_LINE_START;
	switch (was) {
	case REPLY_IN_TAG:
		if (match_open(p) == TAG_YES && !p->mid_line) {
			int rc = take_tag(p, "the reply ended inside the tag", e);

			p->state = REPLY_LINE_START;
			return rc;
		}
		return flush_held_prose(p, e);
	case REPLY_TAG_END:
	case REPLY_LINE_START:
	case REPLY_IN_LINE:
	case REPLY_IN_THINK:
		return flush_held_prose(p, e);
	case REPLY_FILE_LINE:
		if (match_close(p) == TAG_YES) {
			return close_file(p, e);
		}
		break;
	case REPLY_FILE_FIRST:
	case REPLY_FILE_BODY:
		break;
	}
	strbuf_reset(&p->held);
	return p->dropping ? 0
			   : emit(p, REPLY_FILE_CUT, "", 0, "the reply ended inside this file", e);
}
