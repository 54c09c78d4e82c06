#include "tree_mount.h"

#include "cleanup.h"
#include "clock.h"
#include "disk.h"
#include "loop.h"
#include "mounts.h"
#include "proc.h"
#include "settings.h"
#include "tree_build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define UNMOUNT_PATIENCE_MS 2000
#define REMOVE_TIMEOUT_MS   120000

void tree_image_path(const struct settings *s, const char *key, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%.3900s/%.64s" DISK_IMAGE_SUFFIX, s->trees_dir, key);
}

void tree_modules_path(const struct settings *s, const char *sandbox_id, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.36s", s->modules_dir, sandbox_id);
}

static void mount_path(const struct settings *s, const char *key, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%.64s", s->tree_mounts_dir, key);
}

static int make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", path);
	}
	return 0;
}

/* Whether exactly this image is mounted there, once. */
static int is_mounted(const char *target, int image_fd, bool *ret, struct err *e)
{
	struct mount_entry top;
	size_t count;

	if (mounts_at(target, &count, &top, e) < 0) {
		return -1;
	}
	*ret = false;
	if (count != 1 || strcmp(top.fstype, "ext4") != 0) {
		return 0;
	}
	return loop_is_of(top.source, image_fd, ret, e);
}

/* Opened for reading only, so the loop device is read-only as well. */
static int mount_image(int image_fd, const char *target, struct err *e)
{
	char dev[LOOP_DEV_BYTES];
	auto_close int loop = -1;

	if (loop_attach(image_fd, dev, &loop, e) < 0) {
		return -1;
	}
	if (mount(dev, target, "ext4", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME, "noload") <
	    0) {
		return err_errno(e, ERR_INTERNAL, "cannot mount the dependency tree at %s", target);
	}
	return 0;
}

int tree_mount(const struct settings *s, const char *key, struct err *e)
{
	char image_path[PATH_MAX], target[PATH_MAX];
	auto_close int image = -1;
	bool mounted;

	tree_image_path(s, key, image_path);
	mount_path(s, key, target);
	image = open(image_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (image < 0) {
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL,
				 "cannot open the dependency tree %s", image_path);
	}
	if (is_mounted(target, image, &mounted, e) < 0) {
		return -1;
	}
	if (mounted) {
		return 0;
	}
	if (tree_unmount(s, key, e) < 0 || make_dir(target, e) < 0) {
		return -1;
	}
	return mount_image(image, target, e);
}

static int unmount(const char *target, struct err *e)
{
	if (mounts_unmount(target, clock_mono_ms() + UNMOUNT_PATIENCE_MS, e) < 0) {
		return -1;
	}
	if (rmdir(target) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove %s", target);
	}
	return 0;
}

int tree_unmount(const struct settings *s, const char *key, struct err *e)
{
	char target[PATH_MAX];

	mount_path(s, key, target);
	return unmount(target, e);
}

struct use {
	const struct settings *s;
	const char *key;
	bool found;
};

static int match_use(void *ctx, const struct mount_entry *m, struct err *e)
{
	struct use *use = ctx;
	size_t len = strlen(use->s->modules_dir);

	(void)e;
	use->found = use->found ||
		     (strcmp(m->fstype, "overlay") == 0 && strcmp(m->source, use->key) == 0 &&
		      strncmp(m->target, use->s->modules_dir, len) == 0 && m->target[len] == '/');
	return 0;
}

int tree_in_use(const struct settings *s, const char *key, bool *ret, struct err *e)
{
	struct use use = {.s = s, .key = key};

	if (mounts_each(match_use, &use, e) < 0) {
		return -1;
	}
	*ret = use.found;
	return 0;
}

/* Only root can reach modules/ on the disk; what is beneath is the sandbox's. */
static int make_layers(const char *disk, uid_t uid, struct err *e)
{
	auto_close int modules = -1;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%.4000s/modules", disk);
	modules = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (modules < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", path);
	}
	if ((mkdirat(modules, "upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(modules, "work", 0700) < 0 && errno != EEXIST) ||
	    fchownat(modules, "upper", uid, uid, AT_SYMLINK_NOFOLLOW) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make the layers of %s", path);
	}
	return 0;
}

/* A directory of the lower layer can be renamed as on any other file system (redirect_dir). The
 * attributes this needs are out of reach of whoever writes through the overlay. */
static int mount_overlay(const struct settings *s, const char *disk, const char *key,
			 const char *target, struct err *e)
{
	char options[PATH_MAX];

	if (snprintf(options, sizeof(options),
		     "lowerdir=%s/%s/" TREE_IN_IMAGE
		     ",upperdir=%s/modules/upper,workdir=%s/modules/work,redirect_dir=on,"
		     "metacopy=off,index=off",
		     s->tree_mounts_dir, key, disk, disk) >= (int)sizeof(options)) {
		return err_set(e, ERR_INVALID, "path too long: %.200s", disk);
	}
	if (mount(key, target, "overlay", MS_NOSUID | MS_NODEV | MS_NOATIME, options) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot mount the overlay %s", target);
	}
	return 0;
}

int tree_overlay(const struct settings *s, const char *sandbox_id, const char *key, uid_t uid,
		 struct err *e)
{
	char target[PATH_MAX], disk[PATH_MAX];
	struct mount_entry top;
	size_t count;

	tree_modules_path(s, sandbox_id, target);
	disk_mount_path(s, sandbox_id, disk);
	if (mounts_at(target, &count, &top, e) < 0) {
		return -1;
	}
	if (count == 1 && strcmp(top.fstype, "overlay") == 0 && strcmp(top.source, key) == 0) {
		return 0;
	}
	if (tree_overlay_remove(s, sandbox_id, e) < 0 || make_layers(disk, uid, e) < 0 ||
	    make_dir(target, e) < 0) {
		return -1;
	}
	return mount_overlay(s, disk, key, target, e);
}

int tree_overlay_remove(const struct settings *s, const char *sandbox_id, struct err *e)
{
	char target[PATH_MAX];

	tree_modules_path(s, sandbox_id, target);
	return unmount(target, e);
}

/* rm walks without following links and however deep it goes. The names themselves are in a
 * directory of root's, and the sandbox does not run. */
static int remove_all(const char *path, struct err *e)
{
	const char *argv[] = {"rm", "-rf", "--one-file-system", "--", path, NULL};
	struct proc_opts o = {.argv = argv, .timeout_ms = REMOVE_TIMEOUT_MS};
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT) {
		return 0;
	}
	return proc_run(&o, e) < 0 ? err_prefix(e, "cannot remove %s", path) : 0;
}

int tree_wipe(const struct settings *s, const char *sandbox_id, struct err *e)
{
	char disk[PATH_MAX], path[PATH_MAX + 16];

	disk_mount_path(s, sandbox_id, disk);
	(void)snprintf(path, sizeof(path), "%s/modules/upper", disk);
	if (remove_all(path, e) < 0) {
		return -1;
	}
	(void)snprintf(path, sizeof(path), "%s/modules/work", disk);
	return remove_all(path, e);
}

/* 1: a directory with nothing in it. */
static int is_empty_dir(int parent, const char *name, struct err *e)
{
	auto_close int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct dirent *d;
	int entries = 0;
	DIR *dir;

	if (fd < 0) {
		return 0;
	}
	dir = fdopendir(fd);
	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", name);
	}
	fd = -1;
	while (entries <= 2 && (d = readdir(dir))) {
		entries++;
	}
	closedir(dir);
	return entries <= 2;
}

int tree_make_mount_point(const struct settings *s, const char *sandbox_id, uid_t uid,
			  struct err *e)
{
	char disk[PATH_MAX], path[PATH_MAX + 32];
	auto_close int workspace = -1;
	int empty;

	disk_mount_path(s, sandbox_id, disk);
	(void)snprintf(path, sizeof(path), "%s/workspace", disk);
	workspace = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (workspace < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", path);
	}
	empty = is_empty_dir(workspace, "node_modules", e);
	if (empty != 0) {
		return empty < 0 ? -1 : 0;
	}
	/* Whatever is there would be hidden and take space. */
	(void)snprintf(path, sizeof(path), "%s/workspace/node_modules", disk);
	if (remove_all(path, e) < 0) {
		return -1;
	}
	if (mkdirat(workspace, "node_modules", 0755) < 0 ||
	    fchownat(workspace, "node_modules", uid, uid, AT_SYMLINK_NOFOLLOW) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", path);
	}
	return 0;
}
