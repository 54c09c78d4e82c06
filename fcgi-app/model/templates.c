#include "model/templates.h"

#include "cleanup.h"
#include "fs.h"
#include "json.h"
#include "model/handlers.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX	  8
#define TEMPLATE_JSON_MAX (64 * 1024)

/* A walk over the files of one template. */
struct walk {
	const char *root;     /* …/templates/<id>/files */
	template_file_fn *fn; /* NULL: count only */
	void *ctx;
	size_t files;
};

bool template_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= TEMPLATE_ID_MAX_BYTES && id[0] != '-' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int full_path(char buf[PATH_MAX], struct err *e, const char *dir, const char *name)
{
	int n = snprintf(buf, PATH_MAX, "%s%s%s", dir, name[0] ? "/" : "", name);

	if (n < 0 || n >= PATH_MAX) {
		return err_set(e, ERR_INTERNAL, "a path under %s is too long", dir);
	}
	return 0;
}

static int take_file(struct walk *w, const char *path, const char *full, mode_t mode, struct err *e)
{
	auto_strbuf bytes = {0};
	int rc;

	if (path_check(path, strlen(path), e) < 0) {
		return -1;
	}
	if (++w->files > TEMPLATE_FILES_MAX) {
		return err_set(e, ERR_INTERNAL, "%s holds more than %d files", w->root,
			       TEMPLATE_FILES_MAX);
	}
	strbuf_init(&bytes, TEMPLATE_FILE_MAX_BYTES);
	if (!w->fn) {
		return 0;
	}
	rc = fs_read(full, &bytes, e);
	return rc < 0 ? -1
		      : w->fn(w->ctx, path, bytes.data, bytes.len, mode & 0100 ? 0755 : 0644, e);
}

static int walk_dir(struct walk *w, const char *prefix, int depth, struct err *e);

static int walk_entry(struct walk *w, const char *prefix, const char *name, int depth,
		      struct err *e)
{
	char path[PATH_MAX];
	char full[PATH_MAX];
	struct stat st;

	if ((prefix[0] ? full_path(path, e, prefix, name) : full_path(path, e, name, "")) < 0 ||
	    full_path(full, e, w->root, path) < 0) {
		return -1;
	}
	if (lstat(full, &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "%s", full);
	}
	if (S_ISDIR(st.st_mode)) {
		return walk_dir(w, path, depth + 1, e);
	}
	return S_ISREG(st.st_mode) ? take_file(w, path, full, st.st_mode, e) : 0;
}

static int is_visible(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int walk_dir(struct walk *w, const char *prefix, int depth, struct err *e)
{
	char full[PATH_MAX];
	struct dirent **names = NULL;
	int rc = 0;
	int n;

	if (depth > DEPTH_MAX) {
		return err_set(e, ERR_INTERNAL, "%s is nested too deep", w->root);
	}
	if (full_path(full, e, w->root, prefix) < 0) {
		return -1;
	}
	n = scandir(full, &names, is_visible, alphasort);
	if (n < 0) {
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "%s", full);
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0) {
			rc = walk_entry(w, prefix, names[i]->d_name, depth, e);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

static int unknown(struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no such template: GET /templates lists them");
}

int template_each_file(struct app *app, const char *template_id, template_file_fn *fn, void *ctx,
		       struct err *e)
{
	char root[PATH_MAX];
	struct walk w = {.root = root, .fn = fn, .ctx = ctx};
	struct stat st;
	int n;

	if (!template_id_valid(template_id)) {
		return unknown(e);
	}
	n = snprintf(root, sizeof(root), "%s/templates/%s/files", app->release_dir, template_id);
	if (n < 0 || (size_t)n >= sizeof(root) || stat(root, &st) < 0) {
		return unknown(e);
	}
	return walk_dir(&w, "", 0, e);
}

static int load_one(const char *dir, const char *id, json_t **ret_item, struct err *e)
{
	char path[PATH_MAX];
	char root[PATH_MAX];
	struct walk w = {.root = root};
	auto_strbuf text = {0};
	auto_json *meta = NULL;
	const json_t *name;

	strbuf_init(&text, TEMPLATE_JSON_MAX);
	if (snprintf(path, sizeof(path), "%s/%s/template.json", dir, id) >= (int)sizeof(path) ||
	    snprintf(root, sizeof(root), "%s/%s/files", dir, id) >= (int)sizeof(root)) {
		return err_set(e, ERR_INTERNAL, "a path under %s is too long", dir);
	}
	if (fs_read(path, &text, e) < 0 ||
	    json_parse(text.data, text.len, TEMPLATE_JSON_MAX, &meta, e) < 0 ||
	    walk_dir(&w, "", 0, e) < 0) {
		goto broken;
	}
	name = json_object_get(meta, "name");
	if (!json_is_string(name) || !json_is_string(json_object_get(meta, "description")) ||
	    !json_is_array(json_object_get(meta, "tags")) ||
	    !json_is_array(json_object_get(meta, "keywords"))) {
		err_set(e, ERR_INVALID, "name, description, tags or keywords is missing");
		goto broken;
	}
	*ret_item = json_pack("{s:s,s:O,s:O,s:O,s:O,s:I}", "id", id, "name", name, "description",
			      json_object_get(meta, "description"), "tags",
			      json_object_get(meta, "tags"), "keywords",
			      json_object_get(meta, "keywords"), "files", (json_int_t)w.files);
	return *ret_item ? 0 : err_set(e, ERR_INTERNAL, "out of memory");

broken:
	e->kind = ERR_INTERNAL;
	return err_prefix(e, "template %s", id);
}

static int is_template(const struct dirent *d)
{
	return template_id_valid(d->d_name);
}

int templates_load(struct app *app, json_t **ret_items, struct err *e)
{
	char dir[PATH_MAX];
	struct dirent **names = NULL;
	auto_json *items = json_array();
	int rc = 0;
	int n;

	n = snprintf(dir, sizeof(dir), "%s/templates", app->release_dir);
	if (n < 0 || (size_t)n >= sizeof(dir) || !items) {
		return err_set(e, ERR_INTERNAL, "the templates cannot be read");
	}
	n = scandir(dir, &names, is_template, alphasort);
	if (n < 0) {
		return err_errno(e, ERR_INTERNAL, "%s", dir);
	}
	for (int i = 0; i < n; i++) {
		json_t *item = NULL;

		if (rc == 0 && i < TEMPLATES_MAX) {
			rc = load_one(dir, names[i]->d_name, &item, e);
		}
		if (item && json_array_append_new(items, item) < 0) {
			rc = err_set(e, ERR_INTERNAL, "out of memory");
		}
		free(names[i]);
	}
	free(names);
	if (rc == 0) {
		*ret_items = steal_ptr(items);
	}
	return rc;
}

int templates_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *items = NULL;
	auto_json *answer = NULL;
	json_t *item;
	size_t i;

	(void)rq;
	if (templates_load(app, &items, e) < 0) {
		return -1;
	}
	json_array_foreach(items, i, item)
	{
		json_object_del(item, "keywords");
	}
	answer = json_pack("{s:O,s:n}", "items", items, "next");
	if (!answer) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(rs, 200, answer, e);
}
