#include "projects/tree.h"

#include "cleanup.h"
#include "path.h"
#include "projects/versions.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tree_fini(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->files[i].path);
	}
	free(t->files);
	*t = (struct tree){0};
}

/* Takes over file->path, also on failure. */
static int add(struct tree *t, const struct tree_file *file, struct err *e)
{
	if (file->path && t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct tree_file *files = reallocarray(t->files, cap, sizeof(*files));

		t->files = files ? files : t->files;
		t->cap = files ? cap : t->cap;
	}
	if (!file->path || t->n == t->cap) {
		free(file->path);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	t->files[t->n++] = *file;
	return 0;
}

static int add_stored(void *ctx, const struct version_file *f, struct err *e)
{
	struct tree_file file = {
		.path = strdup(f->path),
		.size = (size_t)f->size,
		.mode = f->mode,
	};

	snprintf(file.sha256, sizeof(file.sha256), "%s", f->sha256);
	return add(ctx, &file, e);
}

int tree_load(struct tree *t, struct app *app, const char *project_id, int64_t n, struct err *e)
{
	return version_each(app, project_id, n, false, add_stored, t, e);
}

int tree_copy(struct tree *t, const struct tree *from, struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		struct tree_file file = from->files[i];

		file.path = strdup(file.path);
		if (add(t, &file, e)) {
			return -1;
		}
	}
	return 0;
}

const struct tree_file *tree_find(const struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->files[i].path, path)) {
			return &t->files[i];
		}
	}
	return NULL;
}

bool path_is_beneath(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && path[len] == '/';
}

/* A file, or a directory with all that is in it. */
static bool is_part_of(const char *path, const char *what)
{
	return !strcmp(path, what) || path_is_beneath(path, what);
}

static int clash(const char *path, struct err *e)
{
	return err_set(e, ERR_INVALID, "\"%.200s\" would be a file and a directory", path);
}

/* That nothing on the way to `path` is a file. */
static int check_way(const struct tree *t, const char *path, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		if (path_is_beneath(path, t->files[i].path)) {
			return clash(t->files[i].path, e);
		}
	}
	return 0;
}

static bool has(const struct tree *t, const char *what)
{
	for (size_t i = 0; i < t->n; i++) {
		if (is_part_of(t->files[i].path, what)) {
			return true;
		}
	}
	return false;
}

int tree_write(struct tree *t, const char *path, const void *bytes, size_t len, struct err *e)
{
	struct tree_file file = {.bytes = bytes, .size = len, .mode = 0644};
	struct tree_file *old;

	if (path_check(path, strlen(path), e)) {
		return -1;
	}
	sha256_hex(bytes, len, file.sha256);
	old = (struct tree_file *)(uintptr_t)tree_find(t, path);
	if (old) {
		file.path = old->path;
		file.mode = old->mode;
		*old = file;
		return 0;
	}
	if (has(t, path)) {
		return clash(path, e);
	}
	if (check_way(t, path, e)) {
		return -1;
	}
	file.path = strdup(path);
	return add(t, &file, e);
}

static int no_such(const char *path, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no \"%.200s\" in the project", path);
}

static int check_move(const struct tree *t, const char *path, const char *to, struct err *e)
{
	if (path_check(path, strlen(path), e) || path_check(to, strlen(to), e)) {
		return -1;
	}
	if (!has(t, path)) {
		return no_such(path, e);
	}
	if (path_is_beneath(to, path)) {
		return err_set(e, ERR_INVALID, "\"%.200s\" cannot be moved into itself", path);
	}
	if (has(t, to)) {
		return err_set(e, ERR_CONFLICT,
			       "there is a \"%.200s\" already; choose another name, or delete it "
			       "first",
			       to);
	}
	return check_way(t, to, e);
}

/* What lies beneath a directory gets a longer path, maybe one that is too long. */
static int rename_file(struct tree_file *f, size_t old_len, const char *to, struct err *e)
{
	char *path;

	if (asprintf(&path, "%s%s", to, f->path + old_len) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	free(f->path);
	f->path = path;
	return path_check(path, strlen(path), e);
}

int tree_move(struct tree *t, const char *path, const char *to, struct err *e)
{
	if (check_move(t, path, to, e)) {
		return -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (is_part_of(t->files[i].path, path) &&
		    rename_file(&t->files[i], strlen(path), to, e)) {
			return -1;
		}
	}
	return 0;
}

int tree_delete(struct tree *t, const char *path, struct err *e)
{
	size_t kept = 0;

	if (path_check(path, strlen(path), e)) {
		return -1;
	}
	if (!has(t, path)) {
		return no_such(path, e);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (is_part_of(t->files[i].path, path)) {
			free(t->files[i].path);
		} else {
			t->files[kept++] = t->files[i];
		}
	}
	t->n = kept;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

static void sort(struct tree *t)
{
	if (t->n > 0) {
		qsort(t->files, t->n, sizeof(*t->files), compare_paths);
	}
}

static bool same_contents(const struct tree_file *a, const struct tree_file *b)
{
	return a && b && a->mode == b->mode && !strcmp(a->sha256, b->sha256);
}

int tree_compare(struct tree *from, struct tree *to, struct tree_pair **ret_pairs, size_t *ret_n,
		 struct err *e)
{
	struct tree_pair *pairs = calloc(from->n + to->n + 1, sizeof(*pairs));
	size_t a = 0, b = 0, n = 0;

	if (!pairs) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	sort(from);
	sort(to);
	while (a < from->n || b < to->n) {
		struct tree_pair p = {0};
		int order = a == from->n ? 1
			    : b == to->n ? -1
					 : compare_paths(&from->files[a], &to->files[b]);

		p.from = order <= 0 ? &from->files[a++] : NULL;
		p.to = order >= 0 ? &to->files[b++] : NULL;
		if (!same_contents(p.from, p.to)) {
			pairs[n++] = p;
		}
	}
	*ret_pairs = pairs;
	*ret_n = n;
	return 0;
}
