#include "loop.h"

#include "cleanup.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <linux/loop.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ATTACH_TRIES 16 /* others on this host take free devices too */

/* A device number as the loop driver reports it (huge_encode_dev in the kernel). */
static uint64_t kernel_dev(dev_t dev)
{
	uint64_t maj = major(dev), min = minor(dev);

	return (min & 0xff) | (maj << 8) | ((min & ~(uint64_t)0xff) << 12);
}

/* 1: attached to the file, 0: to another or to none. */
static int fd_is_of(int loop_fd, int image_fd, struct err *e)
{
	struct loop_info64 info;
	struct stat st;

	if (fstat(image_fd, &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot examine a disk image");
	}
	if (ioctl(loop_fd, LOOP_GET_STATUS64, &info) < 0) {
		return errno == ENXIO ? 0 : err_errno(e, ERR_INTERNAL, "cannot ask a loop device");
	}
	return info.lo_device == kernel_dev(st.st_dev) && info.lo_inode == st.st_ino;
}

int loop_is_of(const char *dev, int image_fd, bool *ret, struct err *e)
{
	auto_close int fd = open(dev, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", dev);
	}
	rc = fd_is_of(fd, image_fd, e);
	if (rc < 0) {
		return -1;
	}
	*ret = rc > 0;
	return 0;
}

int loop_each(loop_fn *fn, void *ctx, struct err *e)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list /sys/block");
	}
	while (rc == 0 && (d = readdir(dir))) {
		char path[320], dev[LOOP_DEV_BYTES];
		auto_strbuf image = {0};
		struct err none;

		if (strncmp(d->d_name, "loop", 4) != 0 || strlen(d->d_name) > 20) {
			continue;
		}
		(void)snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", d->d_name);
		strbuf_init(&image, 4096);
		if (fs_read(path, &image, &none) < 0) {
			continue; /* not attached */
		}
		image.data[strcspn(image.data, "\n")] = '\0';
		(void)snprintf(dev, sizeof(dev), "/dev/%.20s", d->d_name);
		rc = fn(ctx, dev, image.data, e);
	}
	closedir(dir);
	return rc;
}

struct wanted {
	int image_fd;
	char dev[LOOP_DEV_BYTES];
	int fd;
};

static int match_image(void *ctx, const char *dev, const char *image_path, struct err *e)
{
	struct wanted *w = ctx;
	auto_close int fd = -1;

	(void)image_path;
	if (w->fd >= 0) {
		return 0;
	}
	fd = open(dev, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return 0; /* gone since it was listed, or not ours to open */
	}
	if (fd_is_of(fd, w->image_fd, e) > 0) {
		(void)snprintf(w->dev, sizeof(w->dev), "%s", dev);
		w->fd = steal_fd(&fd);
	}
	return 0;
}

int loop_in_use(int image_fd, bool *ret, struct err *e)
{
	struct wanted w = {.image_fd = image_fd, .fd = -1};

	if (loop_each(match_image, &w, e) < 0) {
		return -1;
	}
	*ret = w.fd >= 0;
	cleanup_close(&w.fd);
	return 0;
}

static int attach_free(int control, int image_fd, char ret_dev[LOOP_DEV_BYTES], int *ret_fd,
		       struct err *e)
{
	struct loop_config config = {.fd = (uint32_t)image_fd,
				     .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int n = ioctl(control, LOOP_CTL_GET_FREE);
	auto_close int fd = -1;

	if (n < 0) {
		return err_errno(e, ERR_INTERNAL, "no free loop device");
	}
	(void)snprintf(ret_dev, LOOP_DEV_BYTES, "/dev/loop%d", n);
	fd = open(ret_dev, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", ret_dev);
	}
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
		return errno == EBUSY ? 1 : err_errno(e, ERR_INTERNAL, "cannot set up %s", ret_dev);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int loop_attach(int image_fd, char ret_dev[LOOP_DEV_BYTES], int *ret_fd, struct err *e)
{
	struct wanted w = {.image_fd = image_fd, .fd = -1};
	auto_close int control = -1;

	if (loop_each(match_image, &w, e) < 0) {
		return -1;
	}
	if (w.fd >= 0) {
		memcpy(ret_dev, w.dev, LOOP_DEV_BYTES);
		*ret_fd = w.fd;
		return 0;
	}
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0) {
		return err_errno(e, ERR_INTERNAL,
				 "cannot open /dev/loop-control: is the loop module loaded?");
	}
	for (int i = 0; i < ATTACH_TRIES; i++) {
		int rc = attach_free(control, image_fd, ret_dev, ret_fd, e);

		if (rc <= 0) {
			return rc;
		}
	}
	return err_set(e, ERR_INTERNAL, "no free loop device after %d tries", ATTACH_TRIES);
}

int loop_detach(const char *dev, struct err *e)
{
	auto_close int fd = open(dev, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", dev);
	}
	if (ioctl(fd, LOOP_CLR_FD) < 0 && errno != ENXIO) {
		return err_errno(e, ERR_INTERNAL, "cannot detach %s", dev);
	}
	return 0;
}
