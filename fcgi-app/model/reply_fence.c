/* Code fences, which small models use where the format asks for tags. */

#include "model/reply.h"

#include <string.h>
#include <strings.h>

struct line {
	const char *at;
	size_t len; /* without the line end */
};

/* The next line of [*at, end); false when there is none. */
static bool next_line(const char **at, const char *end, struct line *ret)
{
	const char *nl;

	if (*at >= end) {
		return false;
	}
	nl = memchr(*at, '\n', (size_t)(end - *at));
	*ret = (struct line){*at, (size_t)((nl ? nl : end) - *at)};
	*at = nl ? nl + 1 : end;
	while (ret->len > 0 && strchr(" \t\r", ret->at[ret->len - 1])) {
		ret->len--;
	}
	return true;
}

/* Number of fence characters (at least three) that begin a line, or 0; *ret_info is what follows.
 */
static size_t fence_width(struct line l, struct line *ret_info)
{
	size_t n = 0;

	while (l.len > 0 && *l.at == ' ') {
		l.at++;
		l.len--;
	}
	while (n < l.len && l.at[n] == '`') {
		n++;
	}
	if (n < 3 || memchr(l.at + n, '`', l.len - n)) {
		return 0;
	}
	*ret_info = (struct line){l.at + n, l.len - n};
	while (ret_info->len > 0 && *ret_info->at == ' ') {
		ret_info->at++;
		ret_info->len--;
	}
	return n;
}

static bool info_is_javascript(struct line info)
{
	static const char *const names[] = {"", "js", "javascript", "mjs", "node", "nodejs"};
	size_t len = 0;

	while (len < info.len && info.at[len] != ' ') {
		len++;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len && strncasecmp(info.at, names[i], len) == 0) {
			return true;
		}
	}
	return false;
}

bool reply_fenced_code(const char *text, size_t len, const char **ret_code, size_t *ret_len)
{
	const char *at = text;
	const char *end = text + len;
	const char *code = NULL;
	size_t code_len = 0;
	size_t open = 0;
	size_t blocks = 0;
	bool javascript = false;
	struct line l;
	struct line info;

	while (next_line(&at, end, &l)) {
		size_t width = fence_width(l, &info);

		if (open == 0 && width > 0) {
			open = width;
			blocks++;
			javascript = info_is_javascript(info);
			code = at;
		} else if (open > 0 && width >= open && info.len == 0) {
			open = 0;
			code_len = (size_t)(l.at - code);
		}
	}
	if (open > 0 || blocks != 1 || !javascript || code_len == 0) {
		return false;
	}
	*ret_code = code;
	*ret_len = code_len;
	return true;
}

static bool is_markdown(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (strcasecmp(dot, ".md") == 0 || strcasecmp(dot, ".markdown") == 0);
}

void reply_strip_fence(const char *path, const char **text, size_t *len)
{
	const char *at = *text;
	const char *end = *text + *len;
	const char *body;
	const char *close = NULL;
	struct line l;
	struct line info;
	size_t open;

	if (is_markdown(path) || !next_line(&at, end, &l)) {
		return;
	}
	open = fence_width(l, &info);
	body = at;
	if (open == 0) {
		return;
	}
	while (next_line(&at, end, &l)) {
		if (close && l.len > 0) {
			return; /* a fence that ends before the file does is the file's own */
		}
		if (fence_width(l, &info) >= open && info.len == 0) {
			close = l.at;
		}
	}
	if (close) {
		*text = body;
		*len = (size_t)(close - body);
	}
}
