#pragma once

/*
 * Files beneath /workspace, touched with the sandbox's own uid. Paths have passed path_check; links
 * are followed only where they stay beneath (fs.h).
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WORKSPACE_FILE_MAX_BYTES (10 * 1024 * 1024)

struct workspace {
	int dir_fd;
	uid_t uid;
};

NODISCARD int workspace_open(struct workspace *w, const char *dir, uid_t uid, struct err *e);

/* A regular file. ERR_NOT_FOUND; ERR_INVALID when it is something else. */
NODISCARD int workspace_open_file(const struct workspace *w, const char *path, int *ret_fd,
				  uint64_t *ret_size, struct err *e);

/* A file being written: beside its place under a name of its own, until it is committed. A file
 * that is there keeps its inode then, for those who watch it, unless it is large or has other
 * names. */
struct upload {
	int dir_fd; /* -1: none */
	int fd;
	mode_t mode;
	uint64_t bytes, max_bytes;
	char temp[48];
	char name[256];
};

void upload_init(struct upload *u);
/* Makes missing directories. */
NODISCARD int upload_begin(struct upload *u, const struct workspace *w, const char *path,
			   mode_t mode, uint64_t max_bytes, struct err *e);
/* ERR_TOO_LARGE above max_bytes, ERR_NO_SPACE. */
NODISCARD int upload_write(struct upload *u, const struct workspace *w, const void *bytes,
			   size_t len, struct err *e);
NODISCARD int upload_commit(struct upload *u, const struct workspace *w, struct err *e);
/* Removes the half file; harmless after commit and on one never begun. */
void upload_abort(struct upload *u, const struct workspace *w);

/* All of the above for bytes at hand. */
NODISCARD int workspace_put(const struct workspace *w, const char *path, mode_t mode,
			    const void *bytes, size_t len, struct err *e);

NODISCARD int workspace_mkdirs(const struct workspace *w, const char *path, struct err *e);

/* Removes a file or link; for a directory removes nothing and sets *ret_is_dir. */
NODISCARD int workspace_unlink(const struct workspace *w, const char *path, bool *ret_is_dir,
			       struct err *e);
