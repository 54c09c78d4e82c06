#include "model/prompt.h"

#include "cleanup.h"
#include "fs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PARTS_DEPTH_MAX 3
#define NAME_MAX_BYTES	40

struct rendering {
	const struct app *app;
	const struct prompt_value *values;
	size_t n_values;
	struct strbuf *out;
};

static int render_file(const struct rendering *r, const char *name, int depth, struct err *e);

static int put_value(const struct rendering *r, const char *name, struct err *e)
{
	for (size_t i = 0; i < r->n_values; i++) {
		if (strcmp(r->values[i].name, name) == 0) {
			strbuf_adds(r->out, r->values[i].text);
			return strbuf_check(r->out, "the prompt", e);
		}
	}
	return err_set(e, ERR_INTERNAL, "a prompt names {{%s}}, which there is not", name);
}

/* What stands between {{ and }}. */
static int put_placeholder(const struct rendering *r, const char *s, size_t len, int depth,
			   struct err *e)
{
	char name[NAME_MAX_BYTES + 10];

	if (len == 0 || len > NAME_MAX_BYTES) {
		return err_set(e, ERR_INTERNAL, "a prompt holds a malformed placeholder");
	}
	if (len > 2 && s[0] == '>' && s[1] == ' ') {
		snprintf(name, sizeof(name), "part.%.*s", (int)len - 2, s + 2);
		return render_file(r, name, depth + 1, e);
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, s);
	return put_value(r, name, e);
}

static int render_text(const struct rendering *r, const char *at, int depth, struct err *e)
{
	const char *open;

	while ((open = strstr(at, "{{"))) {
		const char *close = strstr(open, "}}");

		strbuf_add(r->out, at, (size_t)(open - at));
		if (!close) {
			return err_set(e, ERR_INTERNAL, "a prompt holds {{ without }}");
		}
		if (put_placeholder(r, open + 2, (size_t)(close - open) - 2, depth, e) < 0) {
			return -1;
		}
		at = close + 2;
	}
	strbuf_adds(r->out, at);
	return strbuf_check(r->out, "the prompt", e);
}

static int render_file(const struct rendering *r, const char *name, int depth, struct err *e)
{
	char path[PATH_MAX];
	auto_strbuf text = {0};
	int n = snprintf(path, sizeof(path), "%s/prompts/%s.txt", r->app->release_dir, name);

	if (n < 0 || (size_t)n >= sizeof(path) || depth > PARTS_DEPTH_MAX) {
		return err_set(e, ERR_INTERNAL, "the prompt %s cannot be read", name);
	}
	strbuf_init(&text, PROMPT_FILE_MAX_BYTES);
	if (fs_read(path, &text, e) < 0) {
		e->kind = ERR_INTERNAL;
		return err_prefix(e, "the prompt %s", name);
	}
	return render_text(r, text.data, depth, e);
}

int prompt_render(const struct app *app, const char *name, const struct prompt_value *values,
		  size_t n_values, struct strbuf *out, struct err *e)
{
	const struct rendering r = {.app = app, .values = values, .n_values = n_values, .out = out};

	return render_file(&r, name, 0, e);
}
