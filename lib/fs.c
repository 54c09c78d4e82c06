#include "fs.h"

#include "cleanup.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READ_STEP (64 * 1024)

int fs_read_fd(int fd, struct strbuf *b, struct err *e)
{
	for (;;) {
		size_t room = b->max - b->len;
		size_t step = room < READ_STEP ? room + 1 : READ_STEP;
		char over[1];
		char *at = room == 0 ? over : strbuf_reserve(b, step > room ? room : step);
		ssize_t n;

		if (!at) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
		n = read(fd, at, room == 0 ? 1 : (step > room ? room : step));
		if (n < 0) {
			if (errno == EINTR) {
				continue;
			}
			return err_errno(e, ERR_INTERNAL, "cannot read");
		}
		if (n == 0) {
			return 0;
		}
		if (room == 0) {
			b->failed = true;
			return strbuf_check(b, "file", e);
		}
		strbuf_commit(b, (size_t)n);
	}
}

int fs_read(const char *path, struct strbuf *b, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL,
				 "cannot open %s", path);
	}
	if (fs_read_fd(fd, b, e) < 0) {
		return err_prefix(e, "%s", path);
	}
	return 0;
}

int fs_write_fd(int fd, const void *bytes, size_t len, struct err *e)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0) {
			if (errno == EINTR) {
				continue;
			}
			return err_errno(e, ERR_INTERNAL, "cannot write");
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	auto_close int fd = -1;
	char temp[PATH_MAX];

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp)) {
		return err_set(e, ERR_INVALID, "path is too long: %.200s", path);
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a file beside %s", path);
	}
	if (fs_write_fd(fd, bytes, len, e) < 0) {
		(void)unlink(temp);
		return err_prefix(e, "%s", path);
	}
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temp, path) < 0) {
		err_errno(e, ERR_INTERNAL, "cannot put %s in place", path);
		(void)unlink(temp);
		return -1;
	}
	return 0;
}

int fs_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, int *ret_fd,
		    struct err *e)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd >= 0) {
		*ret_fd = (int)fd;
		return 0;
	}
	switch (errno) {
	case EXDEV:
	case ELOOP:
		return err_set(e, ERR_INVALID, "path leaves the workspace: %.200s", path);
	case ENOENT:
		return err_set(e, ERR_NOT_FOUND, "no such file: %.200s", path);
	case ENOTDIR:
		return err_set(e, ERR_INVALID, "part of the path is a file: %.200s", path);
	case EISDIR:
		return err_set(e, ERR_INVALID, "path is a directory: %.200s", path);
	case EACCES:
	case EPERM:
		return err_errno(e, ERR_FORBIDDEN, "%.200s", path);
	default:
		return err_errno(e, ERR_INTERNAL, "cannot open %.200s", path);
	}
}

void fs_dirname(const char *path, char *buf)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	memcpy(buf, path, len);
	buf[len] = '\0';
}

int fs_mkdirs_beneath(int dir_fd, const char *path, mode_t mode, struct err *e)
{
	auto_close int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	const char *part = path;

	if (at < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot duplicate a descriptor");
	}
	while (*part != '\0') {
		const char *end = strchrnul(part, '/');
		char name[NAME_MAX + 1];
		int next;

		if ((size_t)(end - part) > NAME_MAX) {
			return err_set(e, ERR_INVALID, "path component is too long");
		}
		memcpy(name, part, (size_t)(end - part));
		name[end - part] = '\0';
		if (mkdirat(at, name, mode) < 0 && errno != EEXIST) {
			return err_errno(e, errno == EACCES ? ERR_FORBIDDEN : ERR_INTERNAL,
					 "cannot make directory %s", name);
		}
		/* Each step beneath the last one: a link in the middle cannot lead out. */
		if (fs_open_beneath(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, &next, e) < 0) {
			return -1;
		}
		close(at);
		at = next;
		part = *end == '/' ? end + 1 : end;
	}
	return 0;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char buf[PATH_MAX];

	if (path[0] != '/' || snprintf(buf, sizeof(buf), "%s", path) >= (int)sizeof(buf)) {
		return err_set(e, ERR_INVALID, "not an absolute path: %.200s", path);
	}
	for (char *at = buf + 1;; at++) {
		char was = *at;

		if (was != '/' && was != '\0') {
			continue;
		}
		*at = '\0';
		if (mkdir(buf, mode) < 0 && errno != EEXIST) {
			return err_errno(e, ERR_INTERNAL, "cannot make directory %s", buf);
		}
		if (was == '\0') {
			return 0;
		}
		*at = was;
	}
}
