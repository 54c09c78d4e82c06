#include "tar_calls.h"

#include "make_way.h"
#include "tar_read.h"
#include "tar_write.h"

#include <stdlib.h>

struct unpack {
	struct tar_reader reader;
	struct upload upload;
	const struct workspace *workspace;
};

static int on_dir(void *ctx, const char *path, struct err *e)
{
	const struct unpack *u = ctx;

	return workspace_mkdirs(u->workspace, path, e);
}

static int on_file(void *ctx, const char *path, mode_t mode, uint64_t size, struct err *e)
{
	struct unpack *u = ctx;

	if (make_way(u->workspace, path, e) < 0) {
		return -1;
	}
	return upload_begin(&u->upload, u->workspace, path, mode, size, e);
}

static int on_data(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct unpack *u = ctx;

	return upload_write(&u->upload, u->workspace, bytes, len, e);
}

static int on_file_end(void *ctx, struct err *e)
{
	struct unpack *u = ctx;

	return upload_commit(&u->upload, u->workspace, e);
}

static const struct tar_sink unpack_sink = {
	.dir = on_dir,
	.file = on_file,
	.data = on_data,
	.file_end = on_file_end,
};

int tar_on_put(struct conn *c, struct err *e)
{
	struct unpack *u = malloc(sizeof(*u));

	if (!u) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	tar_reader_init(&u->reader, &unpack_sink, u);
	upload_init(&u->upload);
	u->workspace = &conn_agent(c)->workspace;
	conn_set_data(c, u);
	return 0;
}

int tar_on_put_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	struct unpack *u = conn_data(c);

	return tar_reader_feed(&u->reader, bytes, len, e);
}

int tar_on_put_end(struct conn *c, struct err *e)
{
	const struct unpack *u = conn_data(c);

	if (tar_reader_finish(&u->reader, e) < 0) {
		return -1;
	}
	conn_reply(c, 204, NULL, "", 0);
	return 0;
}

void tar_on_put_gone(struct conn *c)
{
	struct unpack *u = conn_data(c);

	if (u) {
		upload_abort(&u->upload, u->workspace);
		tar_reader_fini(&u->reader);
		free(u);
	}
}

int tar_on_get(struct conn *c, struct err *e)
{
	return helper_start(c, tar_write, "", "application/x-tar", e);
}
