#pragma once

/*
 * Lists by key: `{"items": […], "next": cursor|null}`. A cursor is the sort keys of the last item
 * seen, in base64url so that nobody builds on what is in it.
 */

#include "db.h"
#include "err.h"
#include "http/request.h"
#include "http/response.h"

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

#define CURSOR_KEYS_MAX 3
#define CURSOR_RAW_MAX	140 /* keys and separators, before encoding */
#define CURSOR_TEXT_MAX ((CURSOR_RAW_MAX + 2) / 3 * 4 + 1) /* with NUL */

struct cursor {
	char raw[CURSOR_RAW_MAX + 1]; /* keys, each ended by NUL */
	const char *keys[CURSOR_KEYS_MAX];
	bool set; /* false: the first page; keys are NULL then */
};

/* The keys must not be empty or hold the unit separator (0x1f). ERR_INTERNAL when too long. */
NODISCARD int cursor_encode(const char *const *keys, size_t n_keys, char ret_text[CURSOR_TEXT_MAX],
			    struct err *e);

/* "" is the first page. ERR_INVALID unless it is n_keys keys in canonical encoding. */
NODISCARD int cursor_decode(const char *text, size_t n_keys, struct cursor *ret, struct err *e);

struct page_query {
	int64_t limit;
	struct cursor after;
};

/* limit and cursor of a list call, for rows sorted by n_keys keys. */
NODISCARD int page_of_request(const struct request *rq, size_t n_keys, struct page_query *ret,
			      struct err *e);

/* Answers with rows of (item as JSON text, key 1 … key n), of which at most limit + 1 were asked
 * for. */
NODISCARD int page_respond(struct response *rs, const struct db_result *r, int64_t limit,
			   size_t n_keys, struct err *e);

/* The same with items that PostgreSQL cannot make alone: `item` appends that of a row, as JSON
 * text. */
typedef int page_item_fn(void *ctx, const struct db_result *r, size_t row, struct strbuf *out,
			 struct err *e);
NODISCARD int page_respond_with(struct response *rs, const struct db_result *r, int64_t limit,
				size_t n_keys, page_item_fn *item, void *ctx, struct err *e);

/* The error of a list query: a cursor with keys PostgreSQL cannot read is the caller's mistake. */
int page_query_failed(const struct page_query *page, struct err *e);
