#include "run_files.h"

#include "cleanup.h"
#include "fs.h"
#include "identity.h"
#include "make_way.h"

#include <sys/stat.h>

#define FILE_MODE 0644

static int overwrite(const struct run_write *f, const struct workspace *w, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hang the run. */
	if (fs_open_beneath(w->dir_fd, f->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, e) <
	    0) {
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot overwrite it");
	}
	return fs_write_fd(fd, f->content, f->content_len, e);
}

static int write_in_place(const struct run_write *f, const struct workspace *w, struct err *e)
{
	int result;

	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	result = overwrite(f, w, e);
	identity_leave();
	return result;
}

static int write_file(const struct run_write *f, const struct workspace *w, struct err *e)
{
	struct err ignored;

	if (make_way(w, f->path, e) < 0) {
		return -1;
	}
	if (workspace_put(w, f->path, FILE_MODE, f->content, f->content_len, e) == 0) {
		return 0;
	}
	return e->kind == ERR_NO_SPACE ? write_in_place(f, w, &ignored) : -1;
}

int run_files_write(const struct run_request *rq, const struct workspace *w, struct err *e)
{
	for (size_t i = 0; i < rq->n_writes; i++) {
		if (write_file(&rq->writes[i], w, e) < 0) {
			return err_prefix(e, "cannot write %.200s", rq->writes[i].path);
		}
	}
	return 0;
}
