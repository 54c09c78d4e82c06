#include "walk.h"

#include "fds.h"
#include "path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walker {
	walk_fn *fn;
	void *ctx;
	char path[PATH_MAX_BYTES + 1];
	int seen;
	bool truncated;
};

struct names {
	char **at;
	size_t n, cap;
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->at[i]);
	}
	free(names->at);
}

static int names_add(struct names *names, const char *name, struct err *e)
{
	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		char **grown = realloc(names->at, cap * sizeof(*grown));

		if (!grown) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
		names->at = grown;
		names->cap = cap;
	}
	names->at[names->n] = strdup(name);
	if (!names->at[names->n]) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	names->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in an open directory, as many as the walk may still see. */
static int read_names(struct walker *w, DIR *dir, struct names *names, struct err *e)
{
	const struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) {
			continue;
		}
		if (names->n + (size_t)w->seen >= WALK_ENTRIES_MAX) {
			w->truncated = true;
			break;
		}
		if (names_add(names, d->d_name, e) < 0) {
			return -1;
		}
	}
	if (names->n > 0) {
		qsort(names->at, names->n, sizeof(*names->at), by_name);
	}
	return 0;
}

static int walk_dir(struct walker *w, int fd, size_t path_len, struct err *e);

static int visit(struct walker *w, int dir_fd, const char *name, size_t path_len, struct err *e)
{
	struct err unfit;
	struct stat st;
	struct walk_entry entry = {.path = w->path, .name = name, .dir_fd = dir_fd, .st = &st};
	enum walk_next next = WALK_ENTER;
	size_t len;
	int fd;

	len = path_len + strlen(name) + (path_len > 0);
	if (len >= sizeof(w->path)) {
		return 0;
	}
	(void)snprintf(w->path + path_len, sizeof(w->path) - path_len, "%s%s",
		       path_len > 0 ? "/" : "", name);
	if (path_check(w->path, len, &unfit) < 0 ||
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return 0;
	}
	if (w->seen >= WALK_ENTRIES_MAX) {
		w->truncated = true;
		return 0;
	}
	w->seen++;
	if (w->fn(w->ctx, &entry, &next, e) < 0) {
		return -1;
	}
	if (!S_ISDIR(st.st_mode) || next == WALK_SKIP) {
		return 0;
	}
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return 0; /* the code closed it to itself: it is named, no more */
	}
	return walk_dir(w, fd, len, e);
}

/* Takes over fd. */
static int walk_dir(struct walker *w, int fd, size_t path_len, struct err *e)
{
	struct names names = {0};
	DIR *dir = fdopendir(fd);
	int result;

	if (!dir) {
		fds_close(&fd);
		return err_errno(e, ERR_INTERNAL, "cannot read a directory");
	}
	result = read_names(w, dir, &names, e);
	for (size_t i = 0; result == 0 && i < names.n; i++) {
		result = visit(w, fd, names.at[i], path_len, e);
	}
	names_fini(&names);
	closedir(dir);
	return result;
}

int walk(int workspace_fd, walk_fn *fn, void *ctx, bool *ret_truncated, struct err *e)
{
	struct walker w = {.fn = fn, .ctx = ctx};
	int fd = openat(workspace_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open the workspace");
	}
	if (walk_dir(&w, fd, 0, e) < 0) {
		return -1;
	}
	*ret_truncated = w.truncated;
	return 0;
}
