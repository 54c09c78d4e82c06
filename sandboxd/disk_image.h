#pragma once

/* The files behind the disks: the template of each size, copying it, and reading a superblock. */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct settings;

enum disk_condition {
	DISK_CLEAN,
	DISK_DIRTY,   /* not unmounted; the journal brings it in order */
	DISK_DAMAGED, /* the kernel found errors in it: wants e2fsck */
};

/* Makes `path` a copy of the template of that size. Appears whole or not at all. */
NODISCARD int disk_image_create(const struct settings *s, const char *path, int64_t size_mb,
				struct err *e);

/* Reads the superblock. ERR_CONFLICT when this is no ext4 image. */
NODISCARD int disk_image_condition(int fd, enum disk_condition *ret, struct err *e);

/* Lets e2fsck correct what it can do safely. The mount afterwards shows whether it could. */
void disk_image_repair(const char *path);
