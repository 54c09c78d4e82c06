#pragma once

/*
 * An archive that is sent while it is made; the only file that knows libarchive's writer. The same
 * files in the same order make the same bytes. Names are UTF-8, and say so where the format can.
 */

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct archive_stream;

enum archive_kind {
	ARCHIVE_KIND_TAR,    /* POSIX pax, as agents unpack it */
	ARCHIVE_KIND_TAR_GZ, /* POSIX pax */
	ARCHIVE_KIND_ZIP,    /* deflated */
};

/* Takes the next bytes, all of them; -1 with *e when it wants no more: then the call that made
 * them fails with that error. */
typedef int archive_sink(void *ctx, const void *bytes, size_t len, struct err *e);

/* What is made is handed over in pieces of at most piece_bytes; 0: as it comes. */
NODISCARD int archive_stream_create(enum archive_kind kind, size_t piece_bytes, archive_sink *sink,
				    void *ctx, struct archive_stream **ret, struct err *e);

/* Hands nothing over any more. */
void archive_stream_destroy(struct archive_stream *s);

/* A regular file. mtime in Unix seconds. */
NODISCARD int archive_stream_add(struct archive_stream *s, const char *path, const void *bytes,
				 size_t len, int mode, int64_t mtime, struct err *e);

/* Writes the end; nothing can be added then. */
NODISCARD int archive_stream_finish(struct archive_stream *s, struct err *e);
