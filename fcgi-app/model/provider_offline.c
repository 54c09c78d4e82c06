/*
 * What answers when no model is configured: the catalogue of templates, chosen by keywords. It
 * speaks the reply format as a model would, and says plainly that it is none.
 */

#include "cleanup.h"
#include "json.h"
#include "model/provider.h"
#include "model/templates.h"
#include "utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Small pieces, so that what is behind meets split tags and characters every day; larger ones after
 * a while, because each is stored, and lockfiles are long. */
#define PIECE_BYTES	 64
#define SMALL_UNTIL	 (8 * 1024)
#define LARGE_BYTES	 1024
#define TAG_WEIGHT	 3 /* "react" says more than "list" */
#define ANSWER_MAX_BYTES (32 * 1024 * 1024)
#define FILES_LISTED_MAX 200

static const char introduction[] = "This is the offline provider, **not a model**: it ";
static const char connect[] = "For what you describe yourself, connect a model: set "
			      "`OPENAI_API_KEY` or `OPENAI_BASE_URL`, as the README says.\n";

static bool configured(const struct config *config)
{
	(void)config;
	return true;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '-';
}

/* Whether `word` stands in `text` as a word of its own, whatever its case. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	bool at_start = true;

	for (const char *s = text; *s && len > 0; s++) {
		if (at_start && strncasecmp(s, word, len) == 0 && !is_word_char(s[len])) {
			return true;
		}
		at_start = !is_word_char(*s);
	}
	return false;
}

static bool is_tag(const json_t *item, const char *word)
{
	const json_t *tags = json_object_get(item, "tags");

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		if (tag && strcmp(tag, word) == 0) {
			return true;
		}
	}
	return false;
}

/* How well a template's keywords fit the prompt, 0: none is in it; the words go to *matched. */
static size_t score(const json_t *item, const char *prompt, struct strbuf *matched)
{
	const json_t *keywords = json_object_get(item, "keywords");
	size_t n = 0;

	strbuf_reset(matched);
	for (size_t i = 0; i < json_array_size(keywords); i++) {
		const char *word = json_string_value(json_array_get(keywords, i));

		if (word && has_word(prompt, word)) {
			strbuf_addf(matched, "%s*%s*", n ? ", " : "", word);
			n += is_tag(item, word) ? TAG_WEIGHT : 1;
		}
	}
	return n;
}

/* The template that fits best, or NULL; its words in *matched. */
static const json_t *best_match(const json_t *items, const char *prompt, struct strbuf *matched)
{
	const json_t *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		size_t n = score(item, prompt, matched);

		if (n > most) {
			most = n;
			best = item;
		}
	}
	if (best) {
		score(best, prompt, matched);
	}
	return best;
}

static const json_t *template_by_id(const json_t *items, const char *id)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);

		if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0) {
			return item;
		}
	}
	return NULL;
}

static int add_file(void *ctx, const char *path, const void *bytes, size_t len, int mode,
		    struct err *e)
{
	struct strbuf *answer = ctx;
	const char *text = bytes;

	(void)mode;
	strbuf_addf(answer, "<slipway-file path=\"%s\">\n", path);
	strbuf_add(answer, text, len);
	if (len > 0 && text[len - 1] != '\n') {
		strbuf_addc(answer, '\n');
	}
	strbuf_adds(answer, "</slipway-file>\n\n");
	return strbuf_check(answer, "the offline answer", e);
}

/* How to get another one, or more. */
static void add_names(struct strbuf *answer, const json_t *items)
{
	strbuf_adds(answer, "Ask for another one by its name: ");
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);

		strbuf_addf(answer, "%s%s", i ? ", " : "",
			    json_string_value(json_object_get(item, "name")));
	}
	strbuf_addf(answer, ". %s", connect);
}

static int add_template(struct app *app, const json_t *item, struct strbuf *answer, struct err *e)
{
	strbuf_addf(answer, "**%s**. %s\n\n", json_string_value(json_object_get(item, "name")),
		    json_string_value(json_object_get(item, "description")));
	return template_each_file(app, json_string_value(json_object_get(item, "id")), add_file,
				  answer, e);
}

static int answer_build(struct app *app, const struct model_request *rq, const char *prompt,
			struct strbuf *answer, struct err *e)
{
	auto_json *items = NULL;
	auto_strbuf matched = {0};
	const json_t *item;
	int rc = 0;

	strbuf_init(&matched, 4096);
	if (templates_load(app, &items, e) < 0) {
		return -1;
	}
	strbuf_adds(answer, "picks a ready-made template by the words of a prompt. ");
	item = best_match(items, prompt, &matched);
	if (item) {
		strbuf_addf(answer, "Yours (%s) fit ", matched.data);
		rc = add_template(app, item, answer, e);
	} else if (rq->n_files > 0) {
		strbuf_adds(answer, "Yours fit none, and changing the code that is there takes a "
				    "model. Nothing was changed.\n\n");
	} else {
		item = template_by_id(items, "node-script");
		if (!item) {
			return err_set(e, ERR_INTERNAL, "the template node-script is missing");
		}
		strbuf_adds(answer, "Yours fit none; to start with, this is ");
		rc = add_template(app, item, answer, e);
	}
	add_names(answer, items);
	return rc;
}

/* What a file is, by its name alone. */
static const char *describe(const char *path)
{
	static const struct {
		const char *ending;
		const char *words;
	} kinds[] = {
		{"package.json", "the package's name, entry and dependencies"},
		{"package-lock.json", "exact versions of the dependencies"},
		{"index.js", "JavaScript, where Node starts unless package.json says otherwise"},
		{".js", "JavaScript"},
		{".mjs", "JavaScript module"},
		{".cjs", "CommonJS module"},
		{".ts", "TypeScript"},
		{".html", "a page"},
		{".css", "styles"},
		{".json", "data in JSON"},
		{".md", "documentation"},
		{".sql", "SQL"},
		{".svg", "a drawing"},
	};
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].ending);

		if (len >= n && strcmp(path + len - n, kinds[i].ending) == 0) {
			return kinds[i].words;
		}
	}
	return "a file";
}

static int answer_explain(const struct model_request *rq, struct strbuf *answer)
{
	strbuf_adds(answer, rq->n_files
				    ? "cannot explain code, only list what is there:\n\n"
				    : "cannot explain code, and the project has no files yet.\n");
	for (size_t i = 0; i < rq->n_files && i < FILES_LISTED_MAX; i++) {
		strbuf_addf(answer, "- `%s`: %s, %lld bytes\n", rq->files[i].path,
			    describe(rq->files[i].path), (long long)rq->files[i].size);
	}
	if (rq->n_files > FILES_LISTED_MAX) {
		strbuf_addf(answer, "- and %zu more\n", rq->n_files - FILES_LISTED_MAX);
	}
	return answer->failed ? -1 : 0;
}

static int answer_fix(struct strbuf *answer)
{
	return strbuf_addf(answer,
			   "cannot find a fault. That takes a model, so nothing was changed. "
			   "The output of the last run says where it failed, and every earlier "
			   "version of the project can be restored.\n\n%s",
			   connect);
}

static int make_answer(struct app *app, const struct model_request *rq, struct strbuf *answer,
		       struct err *e)
{
	const char *prompt = rq->messages[rq->n_messages - 1].content;
	int rc = 0;

	strbuf_adds(answer, introduction);
	switch (rq->mode) {
	case MODEL_BUILD:
		rc = answer_build(app, rq, prompt, answer, e);
		break;
	case MODEL_EXPLAIN:
		rc = answer_explain(rq, answer);
		break;
	case MODEL_FIX:
		rc = answer_fix(answer);
		break;
	}
	return answer->failed ? strbuf_check(answer, "the offline answer", e) : rc;
}

static int stream(struct app *app, const struct model_request *rq, const struct model_callbacks *cb,
		  struct model_usage *ret_usage, struct err *e)
{
	auto_strbuf answer = {0};
	size_t at = 0;

	*ret_usage = (struct model_usage){-1, -1};
	strbuf_init(&answer, ANSWER_MAX_BYTES);
	if (make_answer(app, rq, &answer, e) < 0) {
		return -1;
	}
	while (at < answer.len) {
		size_t piece = at < SMALL_UNTIL ? PIECE_BYTES : LARGE_BYTES;
		size_t len = answer.len - at < piece ? answer.len - at : piece;

		len -= utf8_incomplete_tail(answer.data + at, len);
		if (cb->on_text(cb->ctx, answer.data + at, len, e) < 0 ||
		    cb->on_tick(cb->ctx, e) < 0) {
			return -1;
		}
		at += len;
	}
	return 0;
}

const struct provider provider_offline = {
	.name = "offline",
	.default_model = "offline",
	.configured = configured,
	.stream = stream,
};
