#pragma once

/*
 * A sandbox's disk: a sparse ext4 image with a hard size, mounted by loop at $RUN/disks/<id>. The
 * image is copied from a template that is made once for each size. A script sandbox's is its
 * /workspace; an app's has directories: workspace/, home/ and modules/, which the sandbox does not
 * see (tree.h).
 */

#include "err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct profile;
struct settings;

#define DISK_IMAGE_SUFFIX    ".img"
#define DISK_IMAGE_TMP	     ".tmp" /* behind the suffix, while it is being made */
#define DISK_TEMPLATE_PREFIX "template-"

void disk_mount_path(const struct settings *s, const char *id, char ret[PATH_MAX]);
/* What the sandbox sees as /workspace, and as /home/app. */
void disk_workspace_path(const struct settings *s, const char *id, const struct profile *profile,
			 char ret[PATH_MAX]);
void disk_home_path(const struct settings *s, const char *id, char ret[PATH_MAX]);
void disk_image_path(const struct settings *s, const char *id, char ret[PATH_MAX]);

/* Whether there is an image. */
bool disk_exists(const struct settings *s, const char *id);

/*
 * Makes the image when it is missing (owned by `uid`, laid out for the profile), mounts it and
 * verifies what is mounted: afterwards the path is this image and nothing else. *ret_fresh: the
 * workspace is new or was not closed cleanly, so what it holds is unknown. ERR_NO_SPACE when the
 * budget of all disks or the host's file system is used up.
 */
NODISCARD int disk_open(const struct settings *s, const char *id, uid_t uid,
			const struct profile *profile, bool *ret_fresh, struct err *e);

/* ERR_CONFLICT unless exactly this image is mounted, as ext4, writable, once. */
NODISCARD int disk_verify(const struct settings *s, const char *id, struct err *e);

/* Unmounts; the image stays. Harmless when it is not mounted. */
NODISCARD int disk_close(const struct settings *s, const char *id, struct err *e);

/* Unmounts and removes the image. */
NODISCARD int disk_delete(const struct settings *s, const char *id, struct err *e);

/* ERR_NO_SPACE when the host has so little left, apart from what is still to be written, that no
 * sandbox may start. */
NODISCARD int disk_check_host(const struct settings *s, int64_t unwritten, struct err *e);

/* What was written in a mounted disk and is in the kernel's cache only: its image will take that
 * much more of the host. *ret_used: what is used of the disk. */
int64_t disk_unwritten_bytes(const struct settings *s, const char *id, int64_t *ret_used);

/* Whether the kernel gave up on writing to a mounted disk, as it does after an error: so after a
 * write that found the host's disk full. Opened again it is checked, and whole. */
bool disk_is_broken(const struct settings *s, const char *id);

/* What all images really take. */
NODISCARD int disk_used_bytes(const struct settings *s, int64_t *ret, struct err *e);
