#pragma once

/*
 * Reading tar (POSIX ustar and pax) from a stream, pushed in pieces of any size.
 *
 * Ours and not libarchive's because bytes come from an event loop, which libarchive's pulling
 * interface cannot wait for, and because names are kept as the bytes they are: libarchive converts
 * pax names to the locale's charset, and a static program in an unknown image has no locale.
 *
 * Regular files and directories only; anything else, and any path that path_check refuses, is
 * ERR_INVALID naming the entry.
 */

#include "err.h"
#include "path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAR_BLOCK_BYTES	  512
#define TAR_MAX_BYTES	  (256 * 1024 * 1024)
#define TAR_ENTRIES_MAX	  10000
#define TAR_PAX_MAX_BYTES (64 * 1024)

/* Called in stream order. A file gets `file`, any number of `data`, and `file_end`. */
struct tar_sink {
	int (*dir)(void *ctx, const char *path, struct err *e);
	int (*file)(void *ctx, const char *path, mode_t mode, uint64_t size, struct err *e);
	int (*data)(void *ctx, const char *bytes, size_t len, struct err *e);
	int (*file_end)(void *ctx, struct err *e);
};

enum tar_state {
	TAR_HEADER,
	TAR_PAX,  /* extended header of the next entry */
	TAR_SKIP, /* a global header */
	TAR_DATA,
	TAR_PADDING, /* to the end of a block */
	TAR_END,     /* what follows the end marker is ignored */
};

struct tar_reader {
	const struct tar_sink *sink;
	void *ctx;
	enum tar_state state;
	uint64_t total_bytes;
	int entries;
	char block[TAR_BLOCK_BYTES];
	size_t block_len;
	uint64_t left;	/* of the content at hand */
	size_t padding; /* after it */
	bool in_file;	/* the content is a file's */
	char *pax;	/* the extended header being read */
	size_t pax_len;
	bool has_path, has_size; /* given by an extended header for the next entry */
	char path[PATH_MAX_BYTES + 3];
	uint64_t size;
};

void tar_reader_init(struct tar_reader *r, const struct tar_sink *sink, void *ctx);
void tar_reader_fini(struct tar_reader *r);

/* ERR_INVALID, ERR_TOO_LARGE (TAR_MAX_BYTES, TAR_ENTRIES_MAX), or the sink's error. */
NODISCARD int tar_reader_feed(struct tar_reader *r, const char *bytes, size_t len, struct err *e);
/* At the end of the stream: ERR_INVALID when it was cut short. */
NODISCARD int tar_reader_finish(const struct tar_reader *r, struct err *e);
