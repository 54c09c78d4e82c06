#include "sockdir.h"

#include "cleanup.h"
#include "clock.h"
#include "fs.h"
#include "mounts.h"
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNMOUNT_PATIENCE_MS 500

void sockdir_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s", s->sockdirs_dir, id);
}

void sockdir_passwd_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s/passwd", s->sockdirs_dir, id);
}

void sockdir_resolv_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s/resolv.conf", s->sockdirs_dir, id);
}

static int write_file(const char *path, const char *text, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", path);
	}
	return fs_write_fd(fd, text, strlen(text), e);
}

static int write_passwd(const struct settings *s, const char *id, uid_t uid, const char *home,
			struct err *e)
{
	char path[PATH_MAX], text[200];

	sockdir_passwd_path(s, id, path);
	(void)snprintf(text, sizeof(text),
		       "root:x:0:0:root:/:/usr/sbin/nologin\n"
		       "sandbox:x:%u:%u:sandbox:%.40s:/bin/sh\n",
		       (unsigned int)uid, (unsigned int)uid, home);
	return write_file(path, text, e);
}

/* The container's own loopback, where nobody listens unless its code does. */
static int write_resolv(const struct settings *s, const char *id, struct err *e)
{
	char path[PATH_MAX];

	sockdir_resolv_path(s, id, path);
	return write_file(path, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", e);
}

static int mount_tmpfs(const struct settings *s, const char *path, struct err *e)
{
	char options[128];

	/* setgid: what the agent makes belongs to the group that may enter. */
	(void)snprintf(options, sizeof(options), "size=64k,nr_inodes=16,mode=2750,uid=0,gid=%u",
		       (unsigned int)s->agents_gid);
	if (mount("slipway-sandbox", path, "tmpfs",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW, options) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot mount a tmpfs at %s", path);
	}
	return 0;
}

int sockdir_make(const struct settings *s, const char *id, uid_t uid, const char *home,
		 struct err *e)
{
	char path[PATH_MAX];

	if (sockdir_remove(s, id, e) < 0) {
		return -1;
	}
	sockdir_path(s, id, path);
	if (mkdir(path, 0700) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", path);
	}
	if (mount_tmpfs(s, path, e) < 0) {
		(void)rmdir(path);
		return -1;
	}
	if (write_passwd(s, id, uid, home, e) < 0) {
		return -1;
	}
	return write_resolv(s, id, e);
}

int sockdir_remove(const struct settings *s, const char *id, struct err *e)
{
	char path[PATH_MAX];

	sockdir_path(s, id, path);
	if (mounts_unmount(path, clock_mono_ms() + UNMOUNT_PATIENCE_MS, e) < 0) {
		return -1;
	}
	if (rmdir(path) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove %s", path);
	}
	return 0;
}
