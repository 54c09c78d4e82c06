#include "generate/context.h"

#include "cleanup.h"
#include "db.h"
#include "generate/history.h"
#include "model/prompt.h"
#include "projects/versions.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define SYSTEM_MAX_BYTES (8 * 1024 * 1024) /* thousands of files with the longest names */
#define LISTED_MAX	 500		   /* files named in the prompt */

static int by_path(const void *a, const void *b)
{
	const struct model_file *x = a;
	const struct model_file *y = b;

	return strcmp(x->path, y->path);
}

static int path_and_file(const void *path, const void *file)
{
	const struct model_file *f = file;

	return strcmp(path, f->path);
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_listed(void *ctx, const struct version_file *f, struct err *e)
{
	struct context *c = ctx;
	char *path;

	if (c->n_files == VERSION_FILES_MAX) {
		return 0;
	}
	path = strdup(f->path);
	if (!path) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	c->files[c->n_files++] = (struct model_file){.path = path, .size = f->size};
	return 0;
}

static int list_files(struct context *c, struct turn *t, struct err *e)
{
	c->files = calloc(VERSION_FILES_MAX, sizeof(*c->files));
	if (!c->files) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (t->base_version == 0) {
		return 0;
	}
	if (version_each(t->app, t->project_id, t->base_version, false, add_listed, c, e) < 0) {
		return -1;
	}
	qsort(c->files, c->n_files, sizeof(*c->files), by_path);
	return 0;
}

/* The size up to which files are shown, so that together they fit; the biggest are left out. */
static int shown_up_to(const struct context *c, int64_t *ret_size, struct err *e)
{
	auto_free int64_t *sizes = calloc(c->n_files + 1, sizeof(*sizes));
	int64_t sum = 0;
	int64_t limit = -1;

	if (!sizes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < c->n_files; i++) {
		sizes[i] = c->files[i].size;
	}
	qsort(sizes, c->n_files, sizeof(*sizes), by_size);
	for (size_t i = 0; i < c->n_files; i++) {
		sum += sizes[i];
		if (sum > CONTEXT_FILES_MAX_BYTES) {
			/* of several files of one size not all may fit: then none is shown */
			limit = limit == sizes[i] ? limit - 1 : limit;
			break;
		}
		limit = sizes[i];
	}
	*ret_size = limit;
	return 0;
}

static void add_content(struct strbuf *out, const char *path, const char *text, size_t len)
{
	if (!utf8_valid(text, len) || memchr(text, '\0', len)) {
		strbuf_addf(out, "(%s: binary, %zu bytes, not shown)\n\n", path, len);
		return;
	}
	strbuf_addf(out, "<slipway-file path=\"%s\">\n", path);
	strbuf_add(out, text, len);
	strbuf_addf(out, "%s</slipway-file>\n\n", len > 0 && text[len - 1] != '\n' ? "\n" : "");
}

static int add_contents(const struct context *c, struct turn *t, int64_t up_to, struct strbuf *out,
			struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(t->app->db,
		     "SELECT f.path, b.bytes FROM version_files f JOIN blobs b USING (sha256)"
		     " WHERE f.project_id = $1 AND f.n = $2 AND f.size_bytes <= $3"
		     " ORDER BY f.path COLLATE \"C\"",
		     DB_ARGS(db_text(t->project_id), db_int(t->base_version), db_int(up_to)), &r,
		     e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		const void *bytes;
		size_t len;

		if (db_get_bytes(r, i, 1, &bytes, &len, e) < 0) {
			return -1;
		}
		add_content(out, db_get(r, i, 0), bytes, len);
	}
	for (size_t i = 0; i < c->n_files && i < LISTED_MAX; i++) {
		if (c->files[i].size > up_to) {
			strbuf_addf(out, "(%s: %lld bytes, too large to show)\n", c->files[i].path,
				    (long long)c->files[i].size);
		}
	}
	return strbuf_check(out, "the project's files", e);
}

static int describe_files(const struct context *c, struct turn *t, struct strbuf *out,
			  struct err *e)
{
	int64_t up_to = -1;

	if (c->n_files == 0) {
		strbuf_adds(out, "(none yet)\n");
		return strbuf_check(out, "the project's files", e);
	}
	if (shown_up_to(c, &up_to, e) < 0) {
		return -1;
	}
	return add_contents(c, t, up_to, out, e);
}

static int make_system(struct context *c, struct turn *t, struct err *e)
{
	auto_strbuf files = {0};
	auto_strbuf run = {0};
	char name[40];
	char timeout[24];
	char memory[24];
	const struct config *config = t->app->config;

	strbuf_init(&files, SYSTEM_MAX_BYTES);
	strbuf_init(&run, 4 * CONTEXT_RUN_MAX_BYTES);
	snprintf(name, sizeof(name), "system.%s", t->mode_name);
	snprintf(timeout, sizeof(timeout), "%lld",
		 (long long)config_int(config, CFG_RUN_TIMEOUT_MS) / 1000);
	snprintf(memory, sizeof(memory), "%lld",
		 (long long)config_int(config, CFG_SCRIPT_MEMORY_MB));
	if (describe_files(c, t, &files, e) < 0 || history_last_run(t, &run, e) < 0) {
		return -1;
	}
	const struct prompt_value values[] = {
		{"files", files.data},
		{"run", run.data},
		{"node_version", config_str(config, CFG_NODE_VERSION)},
		{"timeout_s", timeout},
		{"memory_mb", memory},
	};

	return prompt_render(t->app, name, values, ARRAY_LEN(values), &c->system, e);
}

int context_init(struct context *c, struct turn *t, struct err *e)
{
	*c = (struct context){0};
	strbuf_init(&c->system, SYSTEM_MAX_BYTES);
	if (list_files(c, t, e) < 0 || make_system(c, t, e) < 0 || history_messages(c, t, e) < 0) {
		context_fini(c);
		return -1;
	}
	context_add(c, "user", t->prompt);
	return 0;
}

void context_fini(struct context *c)
{
	for (size_t i = 0; i < c->n_files; i++) {
		free(c->files[i].path);
	}
	free(c->files);
	for (size_t i = 0; i < ARRAY_LEN(c->contents); i++) {
		free(c->contents[i]);
	}
	strbuf_fini(&c->system);
	*c = (struct context){0};
}

void context_add(struct context *c, const char *role, const char *content)
{
	if (c->n_messages < ARRAY_LEN(c->messages)) {
		c->messages[c->n_messages++] =
			(struct model_message){.role = role, .content = content};
	}
}

struct model_request context_request(const struct context *c, const struct turn *t)
{
	return (struct model_request){
		.model = t->choice.model,
		.mode = t->mode,
		.system = c->system.data,
		.messages = c->messages,
		.n_messages = c->n_messages,
		.files = c->files,
		.n_files = c->n_files,
	};
}

bool context_has_file(const struct context *c, const char *path)
{
	return c->n_files > 0 &&
	       bsearch(path, c->files, c->n_files, sizeof(*c->files), path_and_file) != NULL;
}
