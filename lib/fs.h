#pragma once

/* Files: whole reads with a maximum, atomic writes, and openat2(2) beneath a directory. */

#include "strbuf.h"

#include <fcntl.h>
#include <sys/types.h>

/* Appends the file to *b, whose maximum bounds it (ERR_TOO_LARGE). ERR_NOT_FOUND when missing. */
NODISCARD int fs_read(const char *path, struct strbuf *b, struct err *e);

/* Reads an open descriptor to its end into *b. */
NODISCARD int fs_read_fd(int fd, struct strbuf *b, struct err *e);

/* All of it, or -1: retries short writes and EINTR. */
NODISCARD int fs_write_fd(int fd, const void *bytes, size_t len, struct err *e);

/* Temporary file in the same directory, fsync, rename. */
NODISCARD int fs_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode,
			      struct err *e);

/*
 * openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV and O_CLOEXEC. A symbolic
 * link that stays beneath is followed; one that leaves is ERR_INVALID "path leaves the workspace".
 */
NODISCARD int fs_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, int *ret_fd,
			      struct err *e);

/* Makes the missing directories of `path` (all components) beneath dir_fd, like mkdir -p. */
NODISCARD int fs_mkdirs_beneath(int dir_fd, const char *path, mode_t mode, struct err *e);

/* mkdir -p on an absolute path; existing directories are left as they are. */
NODISCARD int fs_mkdirs(const char *path, mode_t mode, struct err *e);

/* The directory part of a relative path into buf ("" when there is none). buf >= strlen(path)+1. */
void fs_dirname(const char *path, char *buf);
