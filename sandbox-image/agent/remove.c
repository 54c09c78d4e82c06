#include "remove.h"

#include "cleanup.h"
#include "fds.h"
#include "fs.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Descriptors held at once. What lies deeper is moved to the top and removed from there. */
#define DEPTH_MAX 64

struct removal {
	int top_fd; /* the directory that holds the one to remove */
	unsigned long n_moved;
};

#define MOVED_NAME_BYTES 64

static void moved_name(unsigned long n, char ret[MOVED_NAME_BYTES])
{
	(void)snprintf(ret, MOVED_NAME_BYTES, ".slipway-removed-%d-%lu", getpid(), n);
}

static int remove_dir(struct removal *r, int parent_fd, const char *name, int depth, struct err *e);

static int move_up(struct removal *r, int parent_fd, const char *name, struct err *e)
{
	char moved[MOVED_NAME_BYTES];

	moved_name(r->n_moved, moved);
	if (renameat(parent_fd, name, r->top_fd, moved) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot move %s to delete it", name);
	}
	r->n_moved++;
	return 0;
}

static int remove_entry(struct removal *r, int dir_fd, const char *name, int depth, struct err *e)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) {
		return 0;
	}
	if (errno != EISDIR) {
		return err_errno(e, ERR_FORBIDDEN, "cannot delete %s", name);
	}
	if (depth >= DEPTH_MAX) {
		return move_up(r, dir_fd, name, e);
	}
	return remove_dir(r, dir_fd, name, depth + 1, e);
}

static int empty_dir(struct removal *r, DIR *dir, int depth, struct err *e)
{
	const struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) {
			continue;
		}
		if (remove_entry(r, dirfd(dir), d->d_name, depth, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int remove_dir(struct removal *r, int parent_fd, const char *name, int depth, struct err *e)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	int result;

	if (!dir) {
		err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_FORBIDDEN, "cannot open %s",
			  name);
		fds_close(&fd);
		return -1;
	}
	result = empty_dir(r, dir, depth, e);
	closedir(dir);
	if (result == 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot delete %s", name);
	}
	return result;
}

int remove_tree(const struct workspace *w, const char *path, int out, struct err *e)
{
	char dir[PATH_MAX_BYTES + 1];
	const char *slash = strrchr(path, '/');
	auto_close int top = -1;
	struct removal r = {.n_moved = 0};

	(void)out;
	fs_dirname(path, dir);
	if (fs_open_beneath(w->dir_fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY, 0, &top, e) <
	    0) {
		return -1;
	}
	r.top_fd = top;
	if (remove_dir(&r, top, slash ? slash + 1 : path, 0, e) < 0) {
		return -1;
	}
	for (unsigned long done = 0; done < r.n_moved; done++) {
		char moved[MOVED_NAME_BYTES];

		moved_name(done, moved);
		if (remove_dir(&r, top, moved, 0, e) < 0) {
			return -1;
		}
	}
	return 0;
}
