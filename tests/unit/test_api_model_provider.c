/* Choice of model, prompts, templates and the offline provider, on the repository's own files. */

#include "cleanup.h"
#include "config.h"
#include "model/prompt.h"
#include "model/provider.h"
#include "model/reply.h"
#include "model/templates.h"
#include "unit.h"

#include "json.h"

static struct config *config_with(const char *model, const char *key, const char *url)
{
	struct config *c = NULL;
	struct err e;

	setenv("SLIPWAY_MODEL", model, 1);
	setenv("OPENAI_API_KEY", key, 1);
	setenv("OPENAI_BASE_URL", url, 1);
	assert_ok(config_load(NULL, &c, &e));
	return c;
}

/* "model/provider …" of what is configured. */
static void expect_models(const char *model, const char *key, const char *url, const char *want)
{
	struct config *c = config_with(model, key, url);
	struct model_choice all[MODELS_MAX];
	size_t n = models_configured(c, all);
	char got[1000] = "";

	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%s/%s", i ? " " : "", all[i].model,
			 all[i].provider->name);
	}
	assert_string_equal(got, want);
	config_destroy(c);
}

static void test_models_configured(void **state)
{
	(void)state;
	expect_models("", "", "", "offline/offline");
	expect_models("gpt-5", "", "", "offline/offline"); /* nothing to ask it with */
	expect_models("", "k", "", "gpt-4o-mini/openai");
	expect_models("", "", "http://localhost:11434/v1", "gpt-4o-mini/openai");
	expect_models(" a , b,,offline, ", "k", "", "a/openai b/openai offline/offline");
	expect_models(",,", "k", "", "gpt-4o-mini/openai");
}

static void test_model_chosen_by_name(void **state)
{
	struct config *c = config_with("a,b", "k", "");
	struct model_choice choice;
	struct err e;

	(void)state;
	assert_ok(model_choose(c, NULL, &choice, &e));
	assert_string_equal(choice.model, "a");
	assert_ok(model_choose(c, "", &choice, &e));
	assert_string_equal(choice.model, "a");
	assert_ok(model_choose(c, "b", &choice, &e));
	assert_string_equal(choice.model, "b");
	assert_err(model_choose(c, "A", &choice, &e), ERR_UNPROCESSABLE);
	config_destroy(c);
}

static struct app here(void)
{
	return (struct app){.release_dir = "."};
}

static void test_prompts_render(void **state)
{
	static const char *const names[] = {"system.build", "system.explain", "system.fix"};
	const struct prompt_value values[] = {
		{"files", "{{run}} stays as it is"},
		{"run", "R"},
		{"node_version", "22"},
		{"timeout_s", "10"},
		{"memory_mb", "512"},
	};
	struct app app = here();
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_strbuf out = {0};

		strbuf_init(&out, 1 << 20);
		assert_ok(prompt_render(&app, names[i], values, ARRAY_LEN(values), &out, &e));
		assert_non_null(strstr(out.data, "Node.js 22."));
		assert_non_null(strstr(out.data, "{{run}} stays as it is"));
		assert_null(strstr(out.data, "{{>"));
	}
}

static void test_prompts_that_cannot_render(void **state)
{
	struct app app = here();
	auto_strbuf out = {0};
	struct err e;

	(void)state;
	strbuf_init(&out, 100);
	assert_err(prompt_render(&app, "ask.complete", NULL, 0, &out, &e), ERR_INTERNAL);
	assert_non_null(strstr(e.text, "{{refused}}"));
	assert_err(prompt_render(&app, "no.such", NULL, 0, &out, &e), ERR_INTERNAL);
	assert_err(prompt_render(&app, "part.format", NULL, 0, &out, &e), ERR_TOO_LARGE);
}

static int count_file(void *ctx, const char *path, const void *bytes, size_t len, int mode,
		      struct err *e)
{
	int *n = ctx;

	(void)bytes;
	assert_int_equal(path_check(path, strlen(path), e), 0);
	assert_true(len > 0);
	assert_int_equal(mode, 0644);
	(*n)++;
	return 0;
}

static void test_templates(void **state)
{
	static const char *const bad[] = {"", "..", "../prompts", "no-such", "Express", "-x"};
	struct app app = here();
	json_t *items = NULL;
	struct err e;

	(void)state;
	assert_ok(templates_load(&app, &items, &e));
	assert_true(json_array_size(items) >= 5);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		int n = 0;

		assert_ok(template_each_file(&app, json_string_value(json_object_get(item, "id")),
					     count_file, &n, &e));
		assert_int_equal(n, json_integer_value(json_object_get(item, "files")));
	}
	json_decref(items);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int n = 0;

		assert_err(template_each_file(&app, bad[i], count_file, &n, &e), ERR_NOT_FOUND);
	}
}

/* What the offline provider said, through the parser every reply goes through. */
struct heard {
	struct reply_parser parser;
	char files[500];
	struct strbuf prose;
};

static int on_reply(void *ctx, const struct reply_event *event, struct err *e)
{
	struct heard *h = ctx;
	size_t at = strlen(h->files);

	(void)e;
	if (event->type == REPLY_FILE_END) {
		snprintf(h->files + at, sizeof(h->files) - at, "%s ", event->path);
	}
	assert_true(event->type != REPLY_FILE_REFUSED && event->type != REPLY_FILE_CUT);
	return event->type == REPLY_PROSE ? strbuf_add(&h->prose, event->data, event->len) : 0;
}

static int on_text(void *ctx, const char *text, size_t len, struct err *e)
{
	struct heard *h = ctx;

	return reply_parser_feed(&h->parser, text, len, e);
}

static int on_tick(void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void hear(enum model_mode mode, const char *prompt, size_t n_files, struct heard *ret)
{
	char path[] = "src/app.css";
	const struct model_file files[] = {{.path = path, .size = 7}};
	const struct model_message message = {"user", prompt};
	const struct model_request rq = {
		.mode = mode,
		.messages = &message,
		.n_messages = 1,
		.files = files,
		.n_files = n_files,
	};
	const struct model_callbacks cb = {.on_text = on_text, .on_tick = on_tick, .ctx = ret};
	struct model_usage usage;
	struct app app = here();
	struct err e;

	*ret = (struct heard){0};
	strbuf_init(&ret->prose, 1 << 20);
	reply_parser_init(&ret->parser, on_reply, ret);
	assert_ok(provider_offline.stream(&app, &rq, &cb, &usage, &e));
	assert_ok(reply_parser_end(&ret->parser, &e));
	assert_non_null(strstr(ret->prose.data, "**not a model**"));
	assert_int_equal(usage.prompt_tokens, -1);
	reply_parser_fini(&ret->parser);
}

/* The template by the words about it, which every answer holds. */
static void test_offline_builds_from_templates(void **state)
{
	static const struct {
		const char *prompt, *name, *file;
	} cases[] = {
		{"Create a simple express server", "**Express**", "greetings.js "},
		{"EXPRESS!", "**Express**", "public/index.html "},
		{"Notes API with a database", "**Express and SQLite**", "notes.js "},
		{"an Express app on SQLite", "**Express and SQLite**", "package-lock.json "},
		{"a real-time CHAT over websockets", "**WebSocket chat**", "room.js "},
		{"A landing page for my bakery", "**Landing page**", "style.css "},
		{"a static website", "**Landing page**", "index.html "},
		{"A React dashboard for sales", "**React with Vite**", "src/App.tsx "},
		{"Build me a todo app", "**React with Vite**", "package-lock.json "},
		{"something in Vue", "**Vue with Vite**", "src/App.vue "},
		{"svelte, please", "**Svelte with Vite**", "src/App.svelte "},
		{"A blog with Next.js", "**Next.js**", "app/page.tsx "},
		{"a todo list for my terminal", "**To-do list for the command line**", "tasks.js "},
		{"expressive serverless", "**Node.js script**", "numbers.js "}, /* whole words */
		{"Zeichne mir ein Schaf", "**Node.js script**", "index.js "},
		/* as the answer says how to get another one */
		{"To-do list for the command line", "**To-do list for the command line**",
		 "tasks.js "},
		{"Express and SQLite", "**Express and SQLite**", "notes.js "},
		{"Express", "**Express**", "greetings.js "},
		{"Web page on node:http", "**Web page on node:http**", "index.js "},
		{"Next.js", "**Next.js**", "app/page.tsx "},
		{"Node.js script", "**Node.js script**", "numbers.js "},
		{"Landing page", "**Landing page**", "style.css "},
		{"React with Vite", "**React with Vite**", "src/App.tsx "},
		{"Svelte with Vite", "**Svelte with Vite**", "src/App.svelte "},
		{"Vue with Vite", "**Vue with Vite**", "src/App.vue "},
		{"WebSocket chat", "**WebSocket chat**", "room.js "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct heard h;

		hear(MODEL_BUILD, cases[i].prompt, 0, &h);
		if (!strstr(h.prose.data, cases[i].name)) {
			fail_msg("%s: no %s in %s", cases[i].prompt, cases[i].name, h.prose.data);
		}
		if (!strstr(h.files, cases[i].file)) {
			fail_msg("%s: no %s among %s", cases[i].prompt, cases[i].file, h.files);
		}
		strbuf_fini(&h.prose);
	}
}

static void test_offline_changes_nothing_it_cannot(void **state)
{
	struct heard h;

	(void)state;
	hear(MODEL_BUILD, "Zeichne mir ein Schaf", 1, &h);
	assert_string_equal(h.files, "");
	assert_non_null(strstr(h.prose.data, "Nothing was changed"));
	strbuf_fini(&h.prose);
	hear(MODEL_FIX, "express server", 1, &h);
	assert_string_equal(h.files, "");
	strbuf_fini(&h.prose);
	hear(MODEL_EXPLAIN, "express server", 1, &h);
	assert_string_equal(h.files, "");
	assert_non_null(strstr(h.prose.data, "`src/app.css`: styles, 7 bytes"));
	strbuf_fini(&h.prose);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models_configured),
		cmocka_unit_test(test_model_chosen_by_name),
		cmocka_unit_test(test_prompts_render),
		cmocka_unit_test(test_prompts_that_cannot_render),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_offline_builds_from_templates),
		cmocka_unit_test(test_offline_changes_nothing_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
