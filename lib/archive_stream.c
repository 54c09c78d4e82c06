#include "archive_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>

struct archive_stream {
	struct archive *archive;
	archive_sink *sink;
	void *ctx;
	bool refused;	  /* by the sink */
	bool over;	  /* nobody wants more */
	struct err error; /* then */
	locale_t utf8;
};

/* Always takes all: libarchive (3.6) does not free the buffers of an archive that failed. */
static la_ssize_t hand_over(struct archive *a, void *ctx, const void *bytes, size_t len)
{
	struct archive_stream *s = ctx;

	(void)a;
	if (!s->refused && !s->over && s->sink(s->ctx, bytes, len, &s->error)) {
		s->refused = true;
	}
	return (la_ssize_t)len;
}

static int fail(const struct archive_stream *s, struct err *e)
{
	if (s->refused) {
		*e = s->error;
		return -1;
	}
	return err_set(e, ERR_INTERNAL, "archive: %s", archive_error_string(s->archive));
}

static int set_kind(struct archive *a, enum archive_kind kind)
{
	switch (kind) {
	case ARCHIVE_KIND_TAR:
		return archive_write_set_format_pax_restricted(a);
	case ARCHIVE_KIND_TAR_GZ:
		if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
		    archive_write_add_filter_gzip(a) != ARCHIVE_OK) {
			return ARCHIVE_FATAL;
		}
		/* The time of day has no place in it. */
		return archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	case ARCHIVE_KIND_ZIP:
		return archive_write_set_format_zip(a);
	}
	return ARCHIVE_FATAL;
}

static int open_archive(struct archive_stream *s, enum archive_kind kind, size_t piece_bytes,
			struct err *e)
{
	if (set_kind(s->archive, kind) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(s->archive, (int)piece_bytes) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(s->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(s->archive, s, NULL, hand_over, NULL) != ARCHIVE_OK) {
		return fail(s, e);
	}
	return 0;
}

int archive_stream_create(enum archive_kind kind, size_t piece_bytes, archive_sink *sink, void *ctx,
			  struct archive_stream **ret, struct err *e)
{
	struct archive_stream *s = calloc(1, sizeof(*s));

	if (s) {
		s->sink = sink;
		s->ctx = ctx;
		s->archive = archive_write_new();
		s->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	}
	if (!s || !s->archive || !s->utf8) {
		archive_stream_destroy(s);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (open_archive(s, kind, piece_bytes, e)) {
		archive_stream_destroy(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void archive_stream_destroy(struct archive_stream *s)
{
	if (!s) {
		return;
	}
	if (s->archive) {
		s->over = true; /* it writes its end, if it has not yet */
		archive_write_free(s->archive);
	}
	if (s->utf8) {
		freelocale(s->utf8);
	}
	free(s);
}

static struct archive_entry *make_entry(const char *path, size_t len, int mode, int64_t mtime)
{
	struct archive_entry *entry = archive_entry_new();

	if (entry) {
		archive_entry_set_pathname(entry, path);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, (__LA_MODE_T)mode);
		archive_entry_set_size(entry, (la_int64_t)len);
		archive_entry_set_mtime(entry, mtime, 0);
	}
	return entry;
}

int archive_stream_add(struct archive_stream *s, const char *path, const void *bytes, size_t len,
		       int mode, int64_t mtime, struct err *e)
{
	struct archive_entry *entry = make_entry(path, len, mode, mtime);
	locale_t before;
	int rc = 0;

	if (!entry) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	/* libarchive (3.6) takes a name for what the locale says it is. */
	before = uselocale(s->utf8);
	if (archive_write_header(s->archive, entry) != ARCHIVE_OK ||
	    archive_write_data(s->archive, bytes, len) != (la_ssize_t)len || s->refused) {
		rc = fail(s, e);
	}
	uselocale(before);
	archive_entry_free(entry);
	return rc;
}

int archive_stream_finish(struct archive_stream *s, struct err *e)
{
	bool closed = archive_write_close(s->archive) == ARCHIVE_OK;

	return closed && !s->refused ? 0 : fail(s, e);
}
