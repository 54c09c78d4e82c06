#include "workspace.h"

#include "cleanup.h"
#include "fds.h"
#include "fs.h"
#include "identity.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE	   0755
#define IN_PLACE_MAX_BYTES (1024 * 1024)

int workspace_open(struct workspace *w, const char *dir, uid_t uid, struct err *e)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", dir);
	}
	w->dir_fd = fd;
	w->uid = uid;
	return 0;
}

/* The last component of a path, and a descriptor of the directory before it. */
static int open_parent(const struct workspace *w, const char *path, int *ret_fd,
		       const char **ret_name, struct err *e)
{
	char dir[PATH_MAX_BYTES + 1];
	const char *slash = strrchr(path, '/');

	fs_dirname(path, dir);
	if (fs_open_beneath(w->dir_fd, dir[0] ? dir : ".", O_PATH | O_DIRECTORY, 0, ret_fd, e) <
	    0) {
		return -1;
	}
	*ret_name = slash ? slash + 1 : path;
	return 0;
}

static int open_file(const struct workspace *w, const char *path, int *ret_fd, uint64_t *ret_size,
		     struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hang the agent. */
	if (fs_open_beneath(w->dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, e) < 0) {
		return -1;
	}
	if (fstat(fd, &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot stat %.200s", path);
	}
	if (!S_ISREG(st.st_mode)) {
		return err_set(e, ERR_INVALID, "not a regular file: %.200s", path);
	}
	*ret_fd = steal_fd(&fd);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int workspace_open_file(const struct workspace *w, const char *path, int *ret_fd,
			uint64_t *ret_size, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = open_file(w, path, ret_fd, ret_size, e);
	identity_leave();
	return result;
}

void upload_init(struct upload *u)
{
	*u = (struct upload){.dir_fd = -1, .fd = -1};
}

static int make_temp(struct upload *u, struct err *e)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(e, ERR_INTERNAL, "no random bytes");
	}
	(void)snprintf(u->temp, sizeof(u->temp), ".slipway-%016llx%016llx",
		       (unsigned long long)random[0], (unsigned long long)random[1]);
	u->fd = openat(u->dir_fd, u->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (u->fd < 0) {
		u->temp[0] = '\0';
		return err_errno(e,
				 errno == EACCES || errno == EPERM ? ERR_FORBIDDEN : ERR_INTERNAL,
				 "cannot make a file beside %s", u->name);
	}
	return 0;
}

static int begin(struct upload *u, const struct workspace *w, const char *path, struct err *e)
{
	char dir[PATH_MAX_BYTES + 1];
	const char *name;

	fs_dirname(path, dir);
	if (fs_mkdirs_beneath(w->dir_fd, dir, DIRECTORY_MODE, e) < 0 ||
	    open_parent(w, path, &u->dir_fd, &name, e) < 0) {
		return -1;
	}
	(void)snprintf(u->name, sizeof(u->name), "%s", name);
	return make_temp(u, e);
}

int upload_begin(struct upload *u, const struct workspace *w, const char *path, mode_t mode,
		 uint64_t max_bytes, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	u->mode = mode;
	u->bytes = 0;
	u->max_bytes = max_bytes;
	result = begin(u, w, path, e);
	identity_leave();
	if (result < 0) {
		upload_abort(u, w);
	}
	return result;
}

int upload_write(struct upload *u, const struct workspace *w, const void *bytes, size_t len,
		 struct err *e)
{
	int result;

	if (len > u->max_bytes - u->bytes) {
		return err_set(e, ERR_TOO_LARGE, "%s is larger than %llu bytes", u->name,
			       (unsigned long long)u->max_bytes);
	}
	/* Also for an open file: ext4 keeps blocks back for root, by fsuid. */
	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = fs_write_fd(u->fd, bytes, len, e);
	identity_leave();
	if (result < 0) {
		return err_prefix(e, "%s", u->name);
	}
	u->bytes += len;
	return 0;
}

/* The file that is there, if it may be written over: nobody else's, under no second name. */
static int open_old(const struct upload *u, const struct workspace *w)
{
	auto_close int fd =
		openat(u->dir_fd, u->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != w->uid) {
		return -1;
	}
	return steal_fd(&fd);
}

static bool pread_all(int fd, char *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, bytes + done, len - done, (off_t)done);

		if (n <= 0) {
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

static bool pwrite_all(int fd, const char *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, bytes + done, len - done, (off_t)done);

		if (n <= 0) {
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

/*
 * Who watches a file by inotify, `node --watch` among them, watches its inode: when another is
 * renamed into its place they see that once and nothing after it. So a small file gets its new
 * content where it is, in one write, its room made sure of before. False: it is left to be renamed
 * over, as good as ever, since the new content lies beside it.
 */
static bool write_over(const struct upload *u, const struct workspace *w)
{
	auto_close int old = u->bytes <= IN_PLACE_MAX_BYTES ? open_old(u, w) : -1;
	auto_free char *bytes = NULL;
	size_t len = (size_t)u->bytes;

	if (old < 0 || (len > 0 && fallocate(old, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) < 0)) {
		return false;
	}
	bytes = malloc(len + 1);
	return bytes && pread_all(u->fd, bytes, len) && pwrite_all(old, bytes, len) &&
	       ftruncate(old, (off_t)len) == 0 && fchmod(old, u->mode) == 0;
}

/* No fsync: versions live in the database, and a sandbox that loses power is hydrated again. */
static int commit(struct upload *u, const struct workspace *w, struct err *e)
{
	if (write_over(u, w)) {
		return 0; /* upload_abort removes the copy */
	}
	if (fchmod(u->fd, u->mode) < 0 || close(steal_fd(&u->fd)) < 0 ||
	    renameat(u->dir_fd, u->temp, u->dir_fd, u->name) < 0) {
		return err_errno(e, errno == EISDIR ? ERR_CONFLICT : ERR_INTERNAL,
				 "cannot put %s in place", u->name);
	}
	u->temp[0] = '\0';
	return 0;
}

int upload_commit(struct upload *u, const struct workspace *w, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = commit(u, w, e);
	identity_leave();
	upload_abort(u, w);
	return result;
}

void upload_abort(struct upload *u, const struct workspace *w)
{
	struct err ignored;

	if (u->temp[0] != '\0' && identity_enter(w->uid, &ignored) == 0) {
		(void)unlinkat(u->dir_fd, u->temp, 0);
		identity_leave();
	}
	u->temp[0] = '\0';
	fds_close(&u->fd);
	fds_close(&u->dir_fd);
}

int workspace_put(const struct workspace *w, const char *path, mode_t mode, const void *bytes,
		  size_t len, struct err *e)
{
	struct upload u;

	upload_init(&u);
	if (upload_begin(&u, w, path, mode, WORKSPACE_FILE_MAX_BYTES, e) < 0) {
		return -1;
	}
	if (upload_write(&u, w, bytes, len, e) < 0) {
		upload_abort(&u, w);
		return -1;
	}
	return upload_commit(&u, w, e);
}

int workspace_mkdirs(const struct workspace *w, const char *path, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = fs_mkdirs_beneath(w->dir_fd, path, DIRECTORY_MODE, e);
	identity_leave();
	return result;
}

static int unlink_entry(const struct workspace *w, const char *path, bool *ret_is_dir,
			struct err *e)
{
	auto_close int dir = -1;
	const char *name;

	if (open_parent(w, path, &dir, &name, e) < 0) {
		return -1;
	}
	*ret_is_dir = false;
	if (unlinkat(dir, name, 0) == 0) {
		return 0;
	}
	switch (errno) {
	case EISDIR:
		*ret_is_dir = true;
		return 0;
	case ENOENT:
		return err_set(e, ERR_NOT_FOUND, "no such file: %.200s", path);
	case EACCES:
	case EPERM:
		return err_errno(e, ERR_FORBIDDEN, "cannot delete %.200s", path);
	default:
		return err_errno(e, ERR_INTERNAL, "cannot delete %.200s", path);
	}
}

int workspace_unlink(const struct workspace *w, const char *path, bool *ret_is_dir, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = unlink_entry(w, path, ret_is_dir, e);
	identity_leave();
	return result;
}
