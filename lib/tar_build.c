#include "tar_build.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <time.h>

static la_ssize_t append(struct archive *a, void *ctx, const void *bytes, size_t len)
{
	struct tar_build *t = ctx;

	if (strbuf_add(&t->bytes, bytes, len)) {
		archive_set_error(a, ENOMEM, "the tar is too large");
		return -1;
	}
	return (la_ssize_t)len;
}

static int fail(struct tar_build *t, struct err *e)
{
	return err_set(e, t->bytes.failed ? ERR_TOO_LARGE : ERR_INTERNAL, "tar: %s",
		       archive_error_string(t->archive));
}

int tar_build_init(struct tar_build *t, size_t max_bytes, struct err *e)
{
	strbuf_init(&t->bytes, max_bytes);
	t->archive = archive_write_new();
	if (!t->archive) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	/* Paths are UTF-8 already: without this, libarchive converts them by the process's locale.
	 */
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK ||
	    archive_write_set_options(t->archive, "hdrcharset=BINARY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(t->archive, 0) != ARCHIVE_OK ||
	    archive_write_open(t->archive, t, NULL, append, NULL) != ARCHIVE_OK) {
		return fail(t, e);
	}
	return 0;
}

void tar_build_fini(struct tar_build *t)
{
	if (t->archive) {
		archive_write_free(t->archive);
		t->archive = NULL;
	}
	strbuf_fini(&t->bytes);
}

int tar_build_add(struct tar_build *t, const char *path, const void *bytes, size_t len, int mode,
		  struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	int rc = 0;

	if (!entry) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, (__LA_MODE_T)mode);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_mtime(entry, time(NULL), 0);
	if (archive_write_header(t->archive, entry) != ARCHIVE_OK ||
	    archive_write_data(t->archive, bytes, len) != (la_ssize_t)len) {
		rc = fail(t, e);
	}
	archive_entry_free(entry);
	return rc;
}

int tar_build_finish(struct tar_build *t, struct err *e)
{
	return archive_write_close(t->archive) == ARCHIVE_OK ? 0 : fail(t, e);
}
