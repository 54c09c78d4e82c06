#pragma once

/*
 * The pages a visitor of a preview meets when it does not open: small HTML without scripts, from
 * fcgi-app/previews/pages/ in the release. Values are escaped.
 */

#include "app.h"
#include "err.h"

#include <stdbool.h>

struct problem;
struct request;
struct response;
struct strbuf;

struct page_text {
	int status;
	const char *title;   /* the heading, too */
	const char *message; /* one paragraph */
	/* A link, or NULL. */
	const char *link_url;
	const char *link_text;
	bool in_frame; /* the link leads out of it */
	/* A form that posts to this address, or NULL: with a field for a password or a button only.
	 */
	const char *form_action;
	bool asks_password;
	const char *problem; /* what was wrong with the password, or NULL */
};

/* An error's words for whoever looks for a preview. Borrows from *p. */
void page_of_problem(const struct problem *p, struct page_text *ret);

/* Adds the address where somebody signs in to be led back to what *rq asks for. */
void page_add_sign_in_url(struct strbuf *out, const struct request *rq);

/* Answers with the page. It may stand in a frame of the editor and nowhere else. */
NODISCARD int page_respond_html(struct app *app, struct response *rs, const struct page_text *p,
				struct err *e);
