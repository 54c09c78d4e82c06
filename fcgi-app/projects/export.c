/*
 * A version's files as an archive, made while it is sent. nginx takes it as fast as it comes and
 * keeps what its client has not read yet, so a slow client holds no worker.
 */

#include "archive_stream.h"
#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "path.h"
#include "projects/handlers.h"
#include "projects/projects.h"
#include "projects/slug.h"
#include "projects/version_ref.h"
#include "projects/versions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PIECE_BYTES (64 * 1024)

struct format {
	const char *name; /* in the query, and after the dot of the file's name */
	enum archive_kind kind;
	const char *content_type;
};

static const struct format formats[] = {
	{"zip", ARCHIVE_KIND_ZIP, "application/zip"}, /* the default */
	{"tar.gz", ARCHIVE_KIND_TAR_GZ, "application/gzip"},
};

struct export
{
	const struct request *rq;
	struct response *rs;
	struct archive_stream *archive;
	char slug[SLUG_BYTES + 1]; /* the top directory */
	int64_t mtime;
};

static int read_format(const struct request *rq, const struct format **ret, struct err *e)
{
	char name[8] = "zip";

	if (request_query(rq, "format", name, sizeof(name), e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!strcmp(name, formats[i].name)) {
			*ret = &formats[i];
			return 0;
		}
	}
	return err_set(e, ERR_INVALID, "query parameter format must be zip or tar.gz");
}

static int read_version(struct app *app, struct export *x, const char *project_id, int64_t n,
			struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(
		    app->db,
		    "SELECT p.slug, floor(extract(epoch FROM v.created_at))::bigint FROM projects p"
		    " JOIN versions v ON v.project_id = p.id"
		    " WHERE p.id = $1 AND v.n = $2 AND v.file_count > 0",
		    DB_ARGS(db_text(project_id), db_int(n)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_UNPROCESSABLE, "there are no files to export yet");
	}
	snprintf(x->slug, sizeof(x->slug), "%s", db_get(r, 0, 0));
	x->mtime = db_get_int(r, 0, 1);
	return 0;
}

static int begin(struct export *x, const struct format *format, int64_t n, struct err *e)
{
	char disposition[SLUG_BYTES + 80];

	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s-v%" PRId64 ".%s\"",
		 x->slug, n, format->name);
	response_header(x->rs, "Content-Disposition", disposition);
	return response_download_begin(x->rs, format->content_type, e);
}

static int send_piece(void *ctx, const void *bytes, size_t len, struct err *e)
{
	struct export *x = ctx;

	if (clock_mono_ms() > x->rq->deadline_ms) {
		return err_set(e, ERR_TIMEOUT, "the export took too long");
	}
	if (!response_stream_write(x->rs, bytes, len)) {
		return err_set(e, ERR_CANCELLED, "nobody reads the export any more");
	}
	return 0;
}

static int add_file(void *ctx, const struct version_file *f, struct err *e)
{
	struct export *x = ctx;
	char path[SLUG_BYTES + 1 + PATH_MAX_BYTES + 1];

	snprintf(path, sizeof(path), "%s/%s", x->slug, f->path);
	return archive_stream_add(x->archive, path, f->bytes, (size_t)f->size, f->mode, x->mtime,
				  e);
}

static int send_archive(struct app *app, struct export *x, const char *project_id, int64_t n,
			const struct format *format, struct err *e)
{
	int rc;

	if (archive_stream_create(format->kind, PIECE_BYTES, send_piece, x, &x->archive, e)) {
		return -1;
	}
	rc = version_each(app, project_id, n, true, add_file, x, e);
	if (!rc) {
		rc = archive_stream_finish(x->archive, e);
	}
	archive_stream_destroy(x->archive);
	return rc;
}

int project_export(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct export x = {.rq = rq, .rs = rs};
	const struct format *format = NULL;
	struct project_ref project;
	int64_t n;

	if (read_format(rq, &format, e) || project_of_request(app, rq, &project, e) ||
	    version_of_query(rq, &project, &n, e) || read_version(app, &x, project.id, n, e) ||
	    begin(&x, format, n, e)) {
		return -1;
	}
	/* Of a HEAD, or to nobody, nothing is sent. */
	if (response_client_gone(rs)) {
		return 0;
	}
	if (send_archive(app, &x, project.id, n, format, e)) {
		return e->kind == ERR_CANCELLED ? 0 : -1;
	}
	return 0;
}
