#include "access.h"

#include "app.h"

#include <string.h>

/* A page may set cookies of our name, too (without HttpOnly): the right one is among the first. */
#define TRIES_MAX 8

static struct http_slice trim(struct http_slice s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) {
		s.len--;
	}
	return s;
}

/* The next "name=value" of a Cookie header, taken off its front. False at its end. */
static bool next_pair(struct http_slice *left, struct http_slice *ret_name,
		      struct http_slice *ret_value)
{
	while (left->len > 0) {
		const char *end = memchr(left->at, ';', left->len);
		struct http_slice pair = {left->at, end ? (size_t)(end - left->at) : left->len};
		const char *equals = memchr(pair.at, '=', pair.len);
		size_t used = pair.len + (end ? 1 : 0);

		left->at += used;
		left->len -= used;
		if (equals) {
			*ret_name = trim((struct http_slice){pair.at, (size_t)(equals - pair.at)});
			*ret_value = trim((struct http_slice){
				equals + 1, (size_t)(pair.at + pair.len - equals - 1)});
			return true;
		}
	}
	return false;
}

bool access_cookie(const struct http_head *head, const char *name, size_t n, struct http_slice *ret)
{
	for (size_t i = 0; i < head->n_headers; i++) {
		struct http_slice left = head->headers[i].value, cookie, value;

		if (!http_slice_is_nocase(head->headers[i].name, "cookie")) {
			continue;
		}
		while (next_pair(&left, &cookie, &value)) {
			if (http_slice_is(cookie, name) && n-- == 0) {
				*ret = value;
				return true;
			}
		}
	}
	return false;
}

/* In the same time wherever they differ. */
static bool same_text(const char *a, const char *b, size_t len)
{
	unsigned char differ = 0;

	for (size_t i = 0; i < len; i++) {
		differ |= (unsigned char)(a[i] ^ b[i]);
	}
	return differ == 0;
}

static const struct grant *find_cached(const struct access_cache *cache, struct http_slice text)
{
	for (size_t i = 0; i < ACCESS_CACHE_ENTRIES; i++) {
		if (cache->entries[i].text[0] != '\0' &&
		    same_text(cache->entries[i].text, text.at, text.len)) {
			return &cache->entries[i].grant;
		}
	}
	return NULL;
}

static const struct grant *open_grant(struct http_slice text, const unsigned char *key,
				      int64_t now_s, struct access_cache *cache)
{
	const struct grant *cached;
	struct grant grant;
	struct err e;
	unsigned i;

	if (text.len != GRANT_TEXT_BYTES - 1) {
		return NULL;
	}
	cached = find_cached(cache, text);
	if (cached || grant_open(key, text.at, text.len, now_s, &grant, &e) < 0) {
		return cached;
	}
	i = cache->next++ % ACCESS_CACHE_ENTRIES;
	memcpy(cache->entries[i].text, text.at, text.len);
	cache->entries[i].text[text.len] = '\0';
	cache->entries[i].grant = grant;
	return &cache->entries[i].grant;
}

static bool share_holds(const struct app *app, const char *id, int64_t now_s)
{
	for (size_t i = 0; i < app->n_shares; i++) {
		if (strcmp(app->shares[i].id, id) == 0) {
			return app->shares[i].expires_s > now_s;
		}
	}
	return false;
}

static enum access level_of(const struct app *app, const struct grant *g, int64_t now_s)
{
	if (!g || g->expires_s <= now_s || strcmp(g->project_id, app->project_id) != 0) {
		return ACCESS_NONE;
	}
	if (g->level == GRANT_OWNER && strcmp(g->subject, app->user_id) == 0) {
		return ACCESS_OWNER;
	}
	if (g->level == GRANT_SHARE && share_holds(app, g->subject, now_s)) {
		return ACCESS_SHARE;
	}
	return ACCESS_NONE;
}

enum access access_check(const struct app *app, const struct http_head *head,
			 const unsigned char *key, uint64_t key_epoch, int64_t now_s,
			 struct access_cache *cache, struct access_claim *ret_claim)
{
	enum access best = app->is_public ? ACCESS_PUBLIC : ACCESS_NONE;
	struct http_slice value;

	*ret_claim = (struct access_claim){.level = 0};
	if (!key) {
		return best;
	}
	if (cache->key_epoch != key_epoch) {
		*cache = (struct access_cache){.key_epoch = key_epoch};
	}
	for (size_t i = 0; i < TRIES_MAX && best != ACCESS_OWNER; i++) {
		const struct grant *g;
		enum access level;

		if (!access_cookie(head, GRANT_COOKIE, i, &value)) {
			break;
		}
		g = open_grant(value, key, now_s, cache);
		level = level_of(app, g, now_s);
		if (level > best) {
			best = level;
			ret_claim->level = (int)g->level;
			memcpy(ret_claim->subject, g->subject, sizeof(ret_claim->subject));
		}
	}
	return best;
}

bool access_holds(const struct app *app, const struct access_claim *claim, int64_t now_s)
{
	return app->is_public ||
	       (claim->level == GRANT_OWNER && strcmp(claim->subject, app->user_id) == 0) ||
	       (claim->level == GRANT_SHARE && share_holds(app, claim->subject, now_s));
}
