#include "disk_image.h"

#include "cleanup.h"
#include "disk.h"
#include "log.h"
#include "proc.h"
#include "settings.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MKFS_TIMEOUT_MS 60000
#define FSCK_TIMEOUT_MS 120000

/* Counts up whenever the options of mkfs below change, so that old templates are not used. */
#define TEMPLATE_FORMAT 2

static pthread_mutex_t template_mutex = PTHREAD_MUTEX_INITIALIZER;

/* From this size on a disk holds node_modules, with files of a block or less by the ten thousand.
 */
#define MODULES_SIZE_MB 1024

/*
 * Small files are what fills a workspace, so one inode for each 8 KiB, and one for each block where
 * packages are installed. Nothing is reserved for
 * root, and the inode tables stay holes in the file (lazy, and mounted with noinit_itable).
 */
static int make_file_system(const char *path, int64_t size_mb, struct err *e)
{
	char size[32];
	const char *argv[] = {"mkfs.ext4",
			      "-q",
			      "-F",
			      "-b",
			      "4096",
			      "-I",
			      "256",
			      "-i",
			      size_mb < MODULES_SIZE_MB ? "8192" : "4096",
			      "-m",
			      "0",
			      "-J",
			      "size=4",
			      "-L",
			      "workspace",
			      "-E",
			      "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0",
			      path,
			      size,
			      NULL};
	struct proc_opts o = {.argv = argv, .timeout_ms = MKFS_TIMEOUT_MS};

	(void)snprintf(size, sizeof(size), "%lldM", (long long)size_mb);
	if (proc_run(&o, e) < 0) {
		return err_prefix(e, "cannot make the template of the sandboxes' disks");
	}
	return 0;
}

static int make_template(const char *path, int64_t size_mb, struct err *e)
{
	char tmp[PATH_MAX];

	if (snprintf(tmp, sizeof(tmp), "%s" DISK_IMAGE_TMP, path) >= (int)sizeof(tmp)) {
		return err_set(e, ERR_INVALID, "path too long: %.200s", path);
	}
	(void)unlink(tmp);
	if (make_file_system(tmp, size_mb, e) < 0) {
		(void)unlink(tmp);
		return -1;
	}
	if (chmod(tmp, 0600) < 0 || rename(tmp, path) < 0) {
		err_errno(e, ERR_INTERNAL, "cannot put %s in place", path);
		(void)unlink(tmp);
		return -1;
	}
	return 0;
}

static int open_template(const struct settings *s, int64_t size_mb, int *ret_fd, struct err *e)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	if (snprintf(path, sizeof(path), "%s/" DISK_TEMPLATE_PREFIX "%lldm-v%d" DISK_IMAGE_SUFFIX,
		     s->disks_dir, (long long)size_mb, TEMPLATE_FORMAT) >= (int)sizeof(path)) {
		return err_set(e, ERR_INVALID, "path too long: %.200s", s->disks_dir);
	}
	pthread_mutex_lock(&template_mutex);
	if (access(path, F_OK) < 0) {
		rc = make_template(path, size_mb, e);
	}
	pthread_mutex_unlock(&template_mutex);
	if (rc < 0) {
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", path);
	}
	*ret_fd = fd;
	return 0;
}

/* Copies [at, end); both descriptors stand at `at`. */
static int copy_range(int from, int to, off_t at, off_t end, struct err *e)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return err_errno(e, ERR_INTERNAL, "cannot copy the disk template");
		}
		at += n;
	}
	return 0;
}

/* Copies the data and leaves the holes. */
static int copy_sparse(int from, int to, struct err *e)
{
	struct stat st;
	off_t at = 0;

	if (fstat(from, &st) < 0 || ftruncate(to, st.st_size) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot size a disk image");
	}
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(from, at, SEEK_HOLE);

		if (end < 0) {
			return err_errno(e, ERR_INTERNAL, "cannot read the disk template");
		}
		if (copy_range(from, to, at, end, e) < 0) {
			return -1;
		}
		at = end;
	}
	return errno == ENXIO ? 0 : err_errno(e, ERR_INTERNAL, "cannot read the disk template");
}

int disk_image_create(const struct settings *s, const char *path, int64_t size_mb, struct err *e)
{
	auto_close int from = -1, to = -1;
	char tmp[PATH_MAX];

	if (snprintf(tmp, sizeof(tmp), "%s" DISK_IMAGE_TMP, path) >= (int)sizeof(tmp)) {
		return err_set(e, ERR_INVALID, "path too long: %.200s", path);
	}
	if (open_template(s, size_mb, &from, e) < 0) {
		return -1;
	}
	to = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make %s", tmp);
	}
	if (copy_sparse(from, to, e) < 0) {
		(void)unlink(tmp);
		return -1;
	}
	if (rename(tmp, path) < 0) {
		err_errno(e, ERR_INTERNAL, "cannot put %s in place", path);
		(void)unlink(tmp);
		return -1;
	}
	return 0;
}

/* The fields of an ext4 superblock that are looked at (ext4 disk layout, kernel documentation). */
#define SB_AT		  1024
#define SB_BYTES	  1024
#define SB_MAGIC	  56
#define SB_STATE	  58
#define SB_INCOMPAT	  96
#define EXT4_MAGIC	  0xef53
#define EXT4_STATE_VALID  0x1
#define EXT4_STATE_ERROR  0x2
#define INCOMPAT_RECOVERY 0x4 /* the journal holds something */

int disk_image_condition(int fd, enum disk_condition *ret, struct err *e)
{
	unsigned char sb[SB_BYTES];
	uint16_t magic, state;
	uint32_t incompat;

	if (pread(fd, sb, sizeof(sb), SB_AT) != (ssize_t)sizeof(sb)) {
		return err_set(e, ERR_CONFLICT, "the disk image is cut short");
	}
	memcpy(&magic, sb + SB_MAGIC, sizeof(magic));
	memcpy(&state, sb + SB_STATE, sizeof(state));
	memcpy(&incompat, sb + SB_INCOMPAT, sizeof(incompat));
	if (le16toh(magic) != EXT4_MAGIC) {
		return err_set(e, ERR_CONFLICT, "the disk image holds no ext4 file system");
	}
	if (le16toh(state) & EXT4_STATE_ERROR) {
		*ret = DISK_DAMAGED;
	} else if ((le32toh(incompat) & INCOMPAT_RECOVERY) ||
		   !(le16toh(state) & EXT4_STATE_VALID)) {
		*ret = DISK_DIRTY;
	} else {
		*ret = DISK_CLEAN;
	}
	return 0;
}

void disk_image_repair(const char *path)
{
	const char *argv[] = {"e2fsck", "-f", "-y", path, NULL};
	struct proc_opts o = {.argv = argv, .timeout_ms = FSCK_TIMEOUT_MS};
	struct err e;

	/* Status 1 means "errors corrected", which proc_run reports like any other. */
	if (proc_run(&o, &e) < 0) {
		log_err(LOG_WARN, "disk_checked", &e);
	}
}
