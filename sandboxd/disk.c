#include "disk.h"

#include "cleanup.h"
#include "clock.h"
#include "disk_image.h"
#include "fs.h"
#include "log.h"
#include "loop.h"
#include "mounts.h"
#include "settings.h"
#include "strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define UNMOUNT_PATIENCE_MS 2000

/* A host with less than this left starts no sandbox: its loop writes would fail with I/O errors. */
#define HOST_FREE_MIN_BYTES (256LL * 1024 * 1024)

#define STAT_BLOCK_BYTES 512

void disk_mount_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s", s->mounts_dir, id);
}

void disk_workspace_path(const struct settings *s, const char *id, const struct profile *profile,
			 char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s%s", s->mounts_dir, id,
		       profile->is_app ? "/workspace" : "");
}

void disk_home_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s/home", s->mounts_dir, id);
}

void disk_image_path(const struct settings *s, const char *id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%.3900s/%.36s" DISK_IMAGE_SUFFIX, s->disks_dir, id);
}

bool disk_exists(const struct settings *s, const char *id)
{
	char path[PATH_MAX];

	disk_image_path(s, id, path);
	return access(path, F_OK) == 0;
}

static bool is_image(const char *name)
{
	size_t len = strlen(name), suffix = strlen(DISK_IMAGE_SUFFIX);

	return len > suffix && strcmp(name + len - suffix, DISK_IMAGE_SUFFIX) == 0;
}

int disk_used_bytes(const struct settings *s, int64_t *ret, struct err *e)
{
	DIR *dir = opendir(s->disks_dir);
	struct dirent *d;
	int64_t sum = 0;
	struct stat st;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", s->disks_dir);
	}
	while ((d = readdir(dir))) {
		if (is_image(d->d_name) &&
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			sum += (int64_t)st.st_blocks * STAT_BLOCK_BYTES;
		}
	}
	closedir(dir);
	*ret = sum;
	return 0;
}

static int64_t image_bytes(const struct settings *s, const char *id)
{
	char path[PATH_MAX];
	struct stat st;

	disk_image_path(s, id, path);
	return lstat(path, &st) == 0 ? (int64_t)st.st_blocks * STAT_BLOCK_BYTES : 0;
}

int64_t disk_unwritten_bytes(const struct settings *s, const char *id, int64_t *ret_used)
{
	char target[PATH_MAX];
	struct statvfs fs;
	int64_t image;

	disk_mount_path(s, id, target);
	image = image_bytes(s, id);
	*ret_used = image;
	if (image == 0 || statvfs(target, &fs) < 0) {
		return 0;
	}
	*ret_used = (int64_t)((fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	return *ret_used > image ? *ret_used - image : 0;
}

/* The kernel's name of the device that is mounted there; false unless it is a loop device. */
static bool loop_of(const char *target, char name[32])
{
	char link[64], path[PATH_MAX];
	const char *base;
	struct stat st;
	ssize_t n;

	if (stat(target, &st) < 0) {
		return false;
	}
	(void)snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev),
		       minor(st.st_dev));
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0) {
		return false;
	}
	path[n] = '\0';
	base = strrchr(path, '/');
	(void)snprintf(name, 32, "%.31s", base ? base + 1 : path);
	return strncmp(name, "loop", 4) == 0;
}

/* Not by the mount's flags: newer kernels leave "rw" there and say "emergency_ro". e2fsck sets the
 * count back to zero. */
bool disk_is_broken(const struct settings *s, const char *id)
{
	char target[PATH_MAX], name[32], path[80];
	auto_strbuf count;
	struct err e;

	disk_mount_path(s, id, target);
	if (!loop_of(target, name)) {
		return false;
	}
	(void)snprintf(path, sizeof(path), "/sys/fs/ext4/%s/errors_count", name);
	strbuf_init(&count, 64);
	return fs_read(path, &count, &e) == 0 && atoi(count.data) > 0;
}

int disk_check_host(const struct settings *s, int64_t unwritten, struct err *e)
{
	struct statvfs host;

	if (statvfs(s->disks_dir, &host) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot examine %s", s->disks_dir);
	}
	if ((int64_t)(host.f_bavail * host.f_frsize) - unwritten < HOST_FREE_MIN_BYTES) {
		return err_set(e, ERR_NO_SPACE, "the host's disk is full: less than %lld MiB left",
			       HOST_FREE_MIN_BYTES >> 20);
	}
	return 0;
}

static int check_budget(const struct settings *s, struct err *e)
{
	int64_t used;

	if (disk_used_bytes(s, &used, e) < 0) {
		return -1;
	}
	if (used >= s->disk_budget_bytes) {
		return err_set(e, ERR_NO_SPACE,
			       "the disks of all sandboxes use %lld MiB, as much as "
			       "SLIPWAY_DISK_BUDGET_MB allows: delete projects or raise it",
			       (long long)(used >> 20));
	}
	return 0;
}

static int open_image(const struct settings *s, const char *id, int *ret_fd, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	disk_image_path(s, id, path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open the disk image %s", path);
	}
	*ret_fd = fd;
	return 0;
}

/* ERR_CONFLICT unless the one mount at `target` is this image. */
static int verify(const char *target, int image_fd, struct err *e)
{
	struct mount_entry top;
	struct statvfs fs;
	struct stat st;
	size_t count;
	bool same;

	if (mounts_at(target, &count, &top, e) < 0) {
		return -1;
	}
	if (count != 1) {
		return err_set(e, ERR_CONFLICT, "%zu file systems are mounted at %s", count,
			       target);
	}
	if (strcmp(top.fstype, "ext4") != 0 || strncmp(top.source, "/dev/loop", 9) != 0) {
		return err_set(e, ERR_CONFLICT, "%s from %.100s is mounted at %s", top.fstype,
			       top.source, target);
	}
	if (stat(target, &st) < 0 || statvfs(target, &fs) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot examine %s", target);
	}
	if (loop_is_of(top.source, image_fd, &same, e) < 0) {
		return -1;
	}
	if (!same || st.st_dev != top.dev || (fs.f_flag & ST_RDONLY)) {
		return err_set(e, ERR_CONFLICT, "%s is not the sandbox's disk, writable", target);
	}
	return 0;
}

int disk_verify(const struct settings *s, const char *id, struct err *e)
{
	auto_close int image = -1;
	char target[PATH_MAX];

	disk_mount_path(s, id, target);
	if (open_image(s, id, &image, e) < 0) {
		return -1;
	}
	return verify(target, image, e);
}

static int mount_image(int image_fd, const char *target, struct err *e)
{
	char dev[LOOP_DEV_BYTES];
	auto_close int loop = -1;

	if (loop_attach(image_fd, dev, &loop, e) < 0) {
		return -1;
	}
	if (mount(dev, target, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME,
		  "discard,noinit_itable,errors=remount-ro") < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot mount the disk image at %s", target);
	}
	return 0;
}

/* e2fsck must not touch an image that some mount, maybe a detached one, still writes to. */
static int repair(const char *path, int image_fd, struct err *e)
{
	bool in_use;

	if (loop_in_use(image_fd, &in_use, e) < 0) {
		return -1;
	}
	if (!in_use) {
		disk_image_repair(path);
	}
	return 0;
}

/* Mounts, with one repair before it or after a first try that failed. */
static int mount_repaired(const struct settings *s, const char *id, int image_fd,
			  enum disk_condition condition, const char *target, struct err *e)
{
	char path[PATH_MAX];

	if (condition != DISK_DAMAGED && mount_image(image_fd, target, e) == 0) {
		return 0;
	}
	disk_image_path(s, id, path);
	if (repair(path, image_fd, e) < 0) {
		return -1;
	}
	return mount_image(image_fd, target, e);
}

static int make_dir(int parent, const char *name, mode_t mode, uid_t uid, struct err *e)
{
	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s on a disk", name);
	}
	if (fchmodat(parent, name, mode, 0) < 0 ||
	    fchownat(parent, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot hand over %s on a disk", name);
	}
	return 0;
}

/* A new workspace belongs to the sandbox, and has no directory only root may remove. The owner of
 * the disk's root is set last: it says that all was done. */
static int hand_over(const char *target, uid_t uid, const struct profile *profile, struct err *e)
{
	auto_close int dir = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", target);
	}
	/* What e2fsck found there is the sandbox's, too. */
	if (unlinkat(dir, "lost+found", AT_REMOVEDIR) < 0 && errno != ENOENT &&
	    fchownat(dir, "lost+found", uid, uid, AT_SYMLINK_NOFOLLOW) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot empty %s", target);
	}
	if (profile->is_app &&
	    (make_dir(dir, "workspace", 0755, uid, e) < 0 ||
	     make_dir(dir, "home", 0755, uid, e) < 0 || make_dir(dir, "modules", 0700, 0, e) < 0)) {
		return -1;
	}
	if (fchmod(dir, 0755) < 0 || fchown(dir, uid, uid) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot hand over %s", target);
	}
	return 0;
}

/* True when the root of the mounted disk already belongs to the sandbox: hand_over ends with that.
 */
static bool handed_over(const char *target, uid_t uid)
{
	struct stat st;

	return stat(target, &st) == 0 && st.st_uid == uid;
}

static int mount_new(const struct settings *s, const char *id, const char *target, int image,
		     bool *ret_dirty, struct err *e)
{
	enum disk_condition condition;

	if (disk_close(s, id, e) < 0 || disk_image_condition(image, &condition, e) < 0) {
		return -1;
	}
	if (mkdir(target, 0700) < 0 && errno != EEXIST) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", target);
	}
	if (mount_repaired(s, id, image, condition, target, e) < 0) {
		return -1;
	}
	*ret_dirty = condition != DISK_CLEAN;
	return 0;
}

int disk_open(const struct settings *s, const char *id, uid_t uid, const struct profile *profile,
	      bool *ret_fresh, struct err *e)
{
	char target[PATH_MAX], path[PATH_MAX];
	auto_close int image = -1;
	bool created = false, dirty = false;

	disk_mount_path(s, id, target);
	disk_image_path(s, id, path);
	if (disk_check_host(s, 0, e) < 0) {
		return -1;
	}
	/* The budget is for new disks: one that is there counts, whether it is in use or not. */
	if (!disk_exists(s, id)) {
		if (check_budget(s, e) < 0 || disk_image_create(s, path, profile->disk_mb, e) < 0) {
			return -1;
		}
		created = true;
	}
	if (open_image(s, id, &image, e) < 0) {
		return -1;
	}
	/* What a dead sandboxd left mounted is used as it is, if it is the right thing. */
	if (verify(target, image, e) < 0 &&
	    (mount_new(s, id, target, image, &dirty, e) < 0 || verify(target, image, e) < 0)) {
		return -1;
	}
	if (!handed_over(target, uid)) {
		if (hand_over(target, uid, profile, e) < 0) {
			return -1;
		}
		created = true;
	}
	*ret_fresh = created || dirty;
	return 0;
}

int disk_close(const struct settings *s, const char *id, struct err *e)
{
	char target[PATH_MAX];

	disk_mount_path(s, id, target);
	if (mounts_unmount(target, clock_mono_ms() + UNMOUNT_PATIENCE_MS, e) < 0) {
		return -1;
	}
	if (rmdir(target) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove %s", target);
	}
	return 0;
}

int disk_delete(const struct settings *s, const char *id, struct err *e)
{
	char path[PATH_MAX];

	if (disk_close(s, id, e) < 0) {
		return -1;
	}
	disk_image_path(s, id, path);
	if (unlink(path) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove %s", path);
	}
	strcat(path, DISK_IMAGE_TMP);
	(void)unlink(path);
	return 0;
}
