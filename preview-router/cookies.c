#include "cookies.h"

#include "grant.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* The next of `list`'s pieces between semicolons, white space around it removed. */
static bool next_piece(struct http_slice *list, struct http_slice *ret)
{
	const char *semicolon;
	size_t len;

	if (list->len == 0) {
		return false;
	}
	semicolon = memchr(list->at, ';', list->len);
	len = semicolon ? (size_t)(semicolon - list->at) : list->len;
	*ret = (struct http_slice){list->at, len};
	list->at += len + (semicolon ? 1 : 0);
	list->len -= len + (semicolon ? 1 : 0);
	while (ret->len > 0 && (ret->at[0] == ' ' || ret->at[0] == '\t')) {
		ret->at++;
		ret->len--;
	}
	while (ret->len > 0 && (ret->at[ret->len - 1] == ' ' || ret->at[ret->len - 1] == '\t')) {
		ret->len--;
	}
	return true;
}

/*
 * Whether the piece ("name=value", or what a server may read as that) carries our name. A cookie
 * without a name is sent as its value alone, which may look like one with a name, and case is not
 * told apart everywhere.
 */
static bool is_ours(struct http_slice piece)
{
	const size_t ours = strlen(GRANT_COOKIE);

	while (piece.len > 0 && (piece.at[0] == '=' || piece.at[0] == ' ' || piece.at[0] == '\t')) {
		piece.at++;
		piece.len--;
	}
	if (piece.len < ours || strncasecmp(piece.at, GRANT_COOKIE, ours) != 0) {
		return false;
	}
	piece.at += ours;
	piece.len -= ours;
	while (piece.len > 0 && (piece.at[0] == ' ' || piece.at[0] == '\t')) {
		piece.at++;
		piece.len--;
	}
	return piece.len == 0 || piece.at[0] == '=';
}

static bool is_attribute(struct http_slice piece, const char *name)
{
	const char *equals = memchr(piece.at, '=', piece.len);

	if (equals) {
		piece.len = (size_t)(equals - piece.at);
	}
	while (piece.len > 0 &&
	       (piece.at[piece.len - 1] == ' ' || piece.at[piece.len - 1] == '\t')) {
		piece.len--;
	}
	return http_slice_is_nocase(piece, name);
}

/* "name: piece; piece" of those that `drop` does not want. */
static void add_without(struct strbuf *out, struct http_slice name, struct http_slice list,
			bool (*drop)(struct http_slice piece))
{
	struct http_slice piece;
	bool begun = false;

	while (next_piece(&list, &piece)) {
		if (piece.len == 0 || drop(piece)) {
			continue;
		}
		if (begun) {
			(void)strbuf_add(out, "; ", 2);
		} else {
			(void)strbuf_add(out, name.at, name.len);
			(void)strbuf_add(out, ": ", 2);
			begun = true;
		}
		(void)strbuf_add(out, piece.at, piece.len);
	}
	if (begun) {
		(void)strbuf_add(out, "\r\n", 2);
	}
}

static bool is_domain(struct http_slice piece)
{
	return is_attribute(piece, "Domain");
}

void cookies_add_to_app(struct strbuf *out, struct http_slice name, struct http_slice value)
{
	add_without(out, name, value, is_ours);
}

void cookies_add_to_client(struct strbuf *out, struct http_slice name, struct http_slice value)
{
	struct http_slice rest = value, cookie;

	if (!next_piece(&rest, &cookie) || cookie.len == 0 || is_ours(cookie)) {
		return;
	}
	(void)strbuf_add(out, name.at, name.len);
	(void)strbuf_add(out, ": ", 2);
	(void)strbuf_add(out, cookie.at, cookie.len);
	while (next_piece(&rest, &cookie)) {
		if (cookie.len > 0 && !is_domain(cookie)) {
			(void)strbuf_add(out, "; ", 2);
			(void)strbuf_add(out, cookie.at, cookie.len);
		}
	}
	(void)strbuf_add(out, "\r\n", 2);
}
