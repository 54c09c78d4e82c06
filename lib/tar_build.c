#include "tar_build.h"

#include "archive_stream.h"

#include <time.h>

static int append(void *ctx, const void *bytes, size_t len, struct err *e)
{
	struct tar_build *t = ctx;

	if (strbuf_add(&t->bytes, bytes, len)) {
		return err_set(e, ERR_TOO_LARGE, "tar: the tar is too large");
	}
	return 0;
}

int tar_build_init(struct tar_build *t, size_t max_bytes, struct err *e)
{
	strbuf_init(&t->bytes, max_bytes);
	t->archive = NULL;
	return archive_stream_create(ARCHIVE_KIND_TAR, 0, append, t, &t->archive, e);
}

void tar_build_fini(struct tar_build *t)
{
	archive_stream_destroy(t->archive);
	t->archive = NULL;
	strbuf_fini(&t->bytes);
}

int tar_build_add(struct tar_build *t, const char *path, const void *bytes, size_t len, int mode,
		  struct err *e)
{
	return archive_stream_add(t->archive, path, bytes, len, mode, time(NULL), e);
}

int tar_build_finish(struct tar_build *t, struct err *e)
{
	return archive_stream_finish(t->archive, e);
}
