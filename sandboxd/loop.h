#pragma once

/* Loop devices (loop(4)). An image is attached to one device at most: two would corrupt it. */

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

#define LOOP_DEV_BYTES 32 /* "/dev/loop123" */

/*
 * The device of this image, found or made, open in *ret_fd. A made one lets go of the image when
 * nobody uses it any more (autoclear), so a crash leaves nothing behind.
 */
NODISCARD int loop_attach(int image_fd, char ret_dev[LOOP_DEV_BYTES], int *ret_fd, struct err *e);

/* Whether the device is attached to exactly this file. */
NODISCARD int loop_is_of(const char *dev, int image_fd, bool *ret, struct err *e);

/* Whether any device is attached to this file. */
NODISCARD int loop_in_use(int image_fd, bool *ret, struct err *e);

/* Device and path of each attached image; -1 stops. A deleted file's path ends in " (deleted)". */
typedef int loop_fn(void *ctx, const char *dev, const char *image_path, struct err *e);
NODISCARD int loop_each(loop_fn *fn, void *ctx, struct err *e);

/* Lets go of the image now, or when its last user does. */
NODISCARD int loop_detach(const char *dev, struct err *e);
