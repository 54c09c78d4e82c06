#pragma once

#include "err.h"
#include "workspace.h"

/* Writes the workspace as tar (ustar, pax where a name or size needs it) to `out`: regular files
 * and directories, without node_modules (a helper_fn; `arg` is not used). ERR_TOO_LARGE beyond what
 * tar_read.h takes back. */
NODISCARD int tar_write(const struct workspace *w, const char *arg, int out, struct err *e);

#define TAR_HEADER_MAX_BYTES 4096

/* The header blocks of one entry; `path` of a directory without a slash at its end. Returns their
 * length. */
size_t tar_header(const char *path, bool is_dir, mode_t mode, uint64_t size, int64_t mtime,
		  char ret[TAR_HEADER_MAX_BYTES]);
