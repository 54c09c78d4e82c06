#pragma once

/* The router's own answers: pages for people, problems (RFC 9457) for programs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_policy;
struct asset;
struct exchange;
struct live_viewer;
struct strbuf;

struct problem {
	int status;
	const char *type, *title, *detail;
	int retry_after_s; /* 0: none */
};

/* `navigates`: a page with the same words. */
void page_problem(struct exchange *x, const struct problem *p, bool navigates);

/* What happens with the app, kept up to date by itself, until it is gone over to. */
void page_live(struct exchange *x, const struct app_policy *p, const struct live_viewer *v);

/* 303. */
void page_redirect(struct exchange *x, const char *url);

/* In a frame nobody can sign in: a link that opens `url` in a window of its own. */
void page_private_frame(struct exchange *x, const char *url);

void page_status(struct exchange *x, const struct app_policy *p, const struct live_viewer *v);
void page_asset(struct exchange *x, const struct asset *a);

/* `text` with <, >, &, " and ' escaped, and what is not UTF-8 replaced. */
int html_add(struct strbuf *b, const char *text);
