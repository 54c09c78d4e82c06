#include "make_way.h"

#include "cleanup.h"
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0755
/* ".moved-" and eight digits still fit behind it. */
#define KEPT_NAME_MAX (NAME_MAX - 15)

/* Code owns its directories and may have taken everybody's rights to them. */
static int open_up(int fd, uid_t uid, struct err *e)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot stat a directory");
	}
	if ((st.st_mode & 0700) == 0700 || st.st_uid != uid) {
		return 0;
	}
	/* fchmod(2) takes no descriptor opened by O_PATH. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (chmod(path, DIRECTORY_MODE) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open up a directory");
	}
	return 0;
}

static int move_aside(int dir_fd, const char *name, struct err *e)
{
	char aside[NAME_MAX + 1];
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(e, ERR_INTERNAL, "no random bytes");
	}
	(void)snprintf(aside, sizeof(aside), "%.*s.moved-%08x", KEPT_NAME_MAX, name, random);
	/* On a full disk there may be no room for a longer name: then a file goes, a directory
	 * stays. */
	if (renameat(dir_fd, name, dir_fd, aside) < 0 && unlinkat(dir_fd, name, 0) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot move %.100s aside", name);
	}
	return 0;
}

/* 1: `name` is a directory if it has to be and none if it must not, or is not there at all. */
static int fits(int dir_fd, const char *name, bool as_dir, struct err *e)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 1 : err_errno(e, ERR_INTERNAL, "cannot stat %.100s", name);
	}
	return S_ISDIR(st.st_mode) == as_dir;
}

/* One component; *at moves into it. 1: there is nothing (more) in the way. */
static int clear_step(const struct workspace *w, int *at, const char *name, bool last,
		      struct err *e)
{
	int fitting, next;

	if (open_up(*at, w->uid, e) < 0) {
		return -1;
	}
	fitting = fits(*at, name, !last, e);
	if (fitting < 0) {
		return -1;
	}
	if (!fitting) {
		return move_aside(*at, name, e) < 0 ? -1 : 1;
	}
	if (last) {
		return 1;
	}
	next = openat(*at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0) {
		return errno == ENOENT ? 1 : err_errno(e, ERR_INTERNAL, "cannot open %.100s", name);
	}
	close(*at);
	*at = next;
	return 0;
}

static int clear_path(const struct workspace *w, const char *path, struct err *e)
{
	auto_close int at = fcntl(w->dir_fd, F_DUPFD_CLOEXEC, 0);
	const char *part = path;
	int done = 0;

	if (at < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot duplicate a descriptor");
	}
	while (done == 0) {
		const char *end = strchrnul(part, '/');
		char name[NAME_MAX + 1];

		if ((size_t)(end - part) > NAME_MAX) {
			return err_set(e, ERR_INVALID, "path component is too long");
		}
		memcpy(name, part, (size_t)(end - part));
		name[end - part] = '\0';
		done = clear_step(w, &at, name, *end == '\0', e);
		part = end + 1;
	}
	return done < 0 ? -1 : 0;
}

int make_way(const struct workspace *w, const char *path, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = clear_path(w, path, e);
	identity_leave();
	return result;
}
