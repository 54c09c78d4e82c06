#pragma once

/* Whether a page and what it loads are really there: asked from inside the sandbox, by a program of
 * the image (sandbox-image/bin/page.mjs). What it says is hostile. */

#include "err.h"
#include "exec/sandbox.h"
#include "generate/turn.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_FAILURES_MAX   20
#define PAGE_TEXT_MAX_BYTES 500

struct page_result {
	bool ok;
	int64_t status;	 /* of the page itself; 0: no answer */
	int64_t checked; /* addresses asked */
	char content_type[128];
	json_t *failures; /* [{"url", "status", "error"}…], owned */
};

void page_result_fini(struct page_result *r); /* also on a zeroed one */
#define auto_page_result __attribute__((cleanup(page_result_fini))) struct page_result

/* The program's output: its last line is JSON. ERR_UPSTREAM unless it is as it should be. */
NODISCARD int page_result_parse(const char *text, size_t len, struct page_result *ret,
				struct err *e);

/* Runs it. With *ret_turn_failed the turn must end. */
NODISCARD int page_check(struct turn *t, const struct sandbox *sb, int64_t port,
			 struct page_result *ret, bool *ret_turn_failed, struct err *e);
