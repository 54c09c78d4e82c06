#pragma once

/*
 * The mounts of dependency trees: an image read-only at $RUN/trees/<key>, and a sandbox's overlay
 * on one at $RUN/modules/<id>, whose upper directory is on the sandbox's disk. The mount table says
 * which trees are in use: an overlay's source is its tree's key.
 */

#include "tree.h"

struct settings;

void tree_image_path(const struct settings *s, const char *key, char ret[PATH_MAX]);
void tree_modules_path(const struct settings *s, const char *sandbox_id, char ret[PATH_MAX]);

/* ERR_NOT_FOUND when there is no image. Harmless when it is mounted. */
NODISCARD int tree_mount(const struct settings *s, const char *key, struct err *e);

/* Harmless when it is not mounted. */
NODISCARD int tree_unmount(const struct settings *s, const char *key, struct err *e);

/* Whether some sandbox has it. */
NODISCARD int tree_in_use(const struct settings *s, const char *key, bool *ret, struct err *e);

/* The overlay for a sandbox whose disk is open, on a mounted tree. Harmless when it is there with
 * this tree. */
NODISCARD int tree_overlay(const struct settings *s, const char *sandbox_id, const char *key,
			   uid_t uid, struct err *e);
NODISCARD int tree_overlay_remove(const struct settings *s, const char *sandbox_id, struct err *e);

/* Removes what a sandbox wrote on top of a tree. Its disk is open, its overlay is not there. */
NODISCARD int tree_wipe(const struct settings *s, const char *sandbox_id, struct err *e);

/* Makes sure that there is an empty directory node_modules in the workspace to mount on. */
NODISCARD int tree_make_mount_point(const struct settings *s, const char *sandbox_id, uid_t uid,
				    struct err *e);
