#pragma once

/* Who may see a preview: everybody, or who carries a grant (lib/grant.h) in a cookie. */

#include "grant.h"
#include "http_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;

enum access {
	ACCESS_NONE,
	ACCESS_PUBLIC,
	ACCESS_SHARE,
	ACCESS_OWNER, /* sees logs, too */
};

/* What somebody was let in by; level 0: by nothing, everybody was. */
struct access_claim {
	int level; /* enum grant_level */
	char subject[UUID_TEXT_BYTES];
};

/* Grants of one app whose MAC was found right, so that a page's many requests cost one check. */
#define ACCESS_CACHE_ENTRIES 4

struct access_cache {
	struct {
		char text[GRANT_TEXT_BYTES]; /* "" is none */
		struct grant grant;
	} entries[ACCESS_CACHE_ENTRIES];
	unsigned next;
	uint64_t key_epoch;
};

/* `key` NULL: not known yet, so nobody carries anything. The best the request's cookies give. */
enum access access_check(const struct app *app, const struct http_head *head,
			 const unsigned char *key, uint64_t key_epoch, int64_t now_s,
			 struct access_cache *cache, struct access_claim *ret_claim);

/* Whether it still lets in. A grant's own expiry ends no exchange that had begun. */
bool access_holds(const struct app *app, const struct access_claim *claim, int64_t now_s);

/* The n-th (from 0) value that the request's cookies have for `name`. False: there are not so many.
 */
bool access_cookie(const struct http_head *head, const char *name, size_t n,
		   struct http_slice *ret);
