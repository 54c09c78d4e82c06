#include "previews/page.h"

#include "cleanup.h"
#include "config.h"
#include "fs.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/response.h"
#include "previews/preview_url.h"
#include "strbuf.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (16 * 1024)
#define PAGE_MAX_BYTES (64 * 1024)
#define CSP_MAX_BYTES  1024

struct value {
	const char *name;
	const char *text;
	bool is_html; /* goes in as it is */
};

static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			strbuf_adds(out, "&amp;");
			break;
		case '<':
			strbuf_adds(out, "&lt;");
			break;
		case '>':
			strbuf_adds(out, "&gt;");
			break;
		case '"':
			strbuf_adds(out, "&quot;");
			break;
		default:
			strbuf_addc(out, *text);
			break;
		}
	}
}

static int read_file(struct app *app, const char *name, struct strbuf *out, struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/fcgi-app/previews/pages/%s", app->release_dir,
			 name);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(e, ERR_INTERNAL, "the page %s cannot be read", name);
	}
	if (fs_read(path, out, e) < 0) {
		e->kind = ERR_INTERNAL;
		return err_prefix(e, "the page %s", name);
	}
	return 0;
}

static const struct value *find_value(const struct value *values, const char *name, size_t len)
{
	for (; values->name; values++) {
		if (strlen(values->name) == len && memcmp(values->name, name, len) == 0) {
			return values;
		}
	}
	return NULL;
}

/* The file with each {{name}} replaced; `values` ends with a NULL name. */
static int render(struct app *app, const char *file, const struct value *values, struct strbuf *out,
		  struct err *e)
{
	auto_strbuf text;
	const char *at, *open;

	strbuf_init(&text, FILE_MAX_BYTES);
	if (read_file(app, file, &text, e) < 0) {
		return -1;
	}
	for (at = text.data; (open = strstr(at, "{{")); at = strstr(open, "}}") + 2) {
		const char *close = strstr(open, "}}");
		const struct value *v =
			close ? find_value(values, open + 2, (size_t)(close - open - 2)) : NULL;

		if (!v) {
			return err_set(e, ERR_INTERNAL, "the page %s names what there is not",
				       file);
		}
		strbuf_add(out, at, (size_t)(open - at));
		if (v->is_html) {
			strbuf_adds(out, v->text);
		} else {
			add_escaped(out, v->text);
		}
	}
	strbuf_adds(out, at);
	return strbuf_check(out, "the page", e);
}

/* What there is to do on the page: a link, a button, a field for a password, or nothing. */
static int render_action(struct app *app, const struct page_text *p, struct strbuf *out,
			 struct err *e)
{
	const struct value values[] = {
		{"url", p->form_action ? p->form_action : p->link_url, false},
		{"text", p->link_text, false},
		{"target", p->in_frame ? "_blank" : "_self", false},
		{"problem", p->problem ? p->problem : "", false},
		{NULL, NULL, false},
	};

	if (p->form_action) {
		return render(app, p->asks_password ? "password.html" : "button.html", values, out,
			      e);
	}
	return p->link_url ? render(app, "link.html", values, out, e) : 0;
}

/* Nothing but the style of the page itself, and its form to its own host. The editor shows previews
 * in a frame; when no public URL is set it may be at any name of this machine. */
static void set_policy(struct response *rs, const struct config *config, const char *style)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hash_text[64], policy[CSP_MAX_BYTES], editor[PREVIEW_PART_BYTES + 64];
	int64_t port = config_int(config, CFG_PORT);

	if (config_str(config, CFG_PUBLIC_URL)[0] != '\0') {
		public_url_of(config, editor);
	} else {
		(void)snprintf(editor, sizeof(editor),
			       "http://localhost:%" PRId64 " http://127.0.0.1:%" PRId64, port,
			       port);
	}
	(void)crypto_hash_sha256(hash, (const unsigned char *)style, strlen(style));
	sodium_bin2base64(hash_text, sizeof(hash_text), hash, sizeof(hash),
			  sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(policy, sizeof(policy),
		       "default-src 'none'; style-src 'sha256-%s'; base-uri 'none';"
		       " form-action 'self'; frame-ancestors %s",
		       hash_text, editor);
	response_header(rs, "Content-Security-Policy", policy);
	response_header(rs, "Referrer-Policy", "no-referrer");
	response_header(rs, "X-Robots-Tag", "noindex, nofollow");
}

void page_of_problem(const struct problem *p, struct page_text *ret)
{
	*ret = (struct page_text){.status = p->status, .title = p->title, .message = p->detail};
	if (p->status == 401) {
		ret->title = "This preview is private";
		ret->message = "Only its owner can open it with this address. If it is yours, sign "
			       "in to Slipway in this browser. Otherwise ask its owner for a share "
			       "link.";
	} else if (p->status == 404) {
		ret->title = "There is no such preview";
		ret->message = "It does not exist, was deleted, or is not yours. If somebody sent "
			       "you here, ask them for a share link.";
	}
}

static void add_encoded(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~", c)) {
			strbuf_addc(out, *text);
		} else {
			strbuf_addf(out, "%%%02X", c);
		}
	}
}

void page_add_sign_in_url(struct strbuf *out, const struct request *rq)
{
	strbuf_adds(out, "/sign-in?next=");
	add_encoded(out, rq->path);
	if (rq->query[0] != '\0') {
		add_encoded(out, "?");
		add_encoded(out, rq->query);
	}
}

int page_respond_html(struct app *app, struct response *rs, const struct page_text *p,
		      struct err *e)
{
	auto_strbuf style;
	auto_strbuf action;
	auto_strbuf page;

	strbuf_init(&style, FILE_MAX_BYTES);
	strbuf_init(&action, PAGE_MAX_BYTES);
	strbuf_init(&page, PAGE_MAX_BYTES);
	if (read_file(app, "style.css", &style, e) < 0 || render_action(app, p, &action, e) < 0) {
		return -1;
	}
	const struct value values[] = {
		{"title", p->title, false},  {"message", p->message, false},
		{"style", style.data, true}, {"action", action.data, true},
		{NULL, NULL, false},
	};

	if (render(app, "page.html", values, &page, e) < 0) {
		return -1;
	}
	set_policy(rs, app->config, style.data);
	response_error_headers(rs, p->status);
	return response_bytes(rs, p->status, "text/html; charset=utf-8", page.data, page.len, e);
}
