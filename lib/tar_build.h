#pragma once

/* A tar (POSIX pax) in memory, as agents unpack it. */

#include "err.h"
#include "strbuf.h"

#include <stddef.h>

struct archive_stream;

struct tar_build {
	struct strbuf bytes;
	struct archive_stream *archive;
};

/* max_bytes bounds the whole tar. tar_build_fini is wanted in every case. */
NODISCARD int tar_build_init(struct tar_build *t, size_t max_bytes, struct err *e);
void tar_build_fini(struct tar_build *t);

/* A regular file. */
NODISCARD int tar_build_add(struct tar_build *t, const char *path, const void *bytes, size_t len,
			    int mode, struct err *e);

/* Writes the end; `bytes` is the whole tar then, and nothing can be added. */
NODISCARD int tar_build_finish(struct tar_build *t, struct err *e);
