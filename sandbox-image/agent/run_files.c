#include "run_files.h"

#include "cleanup.h"
#include "fs.h"
#include "identity.h"
#include "path.h"

#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FILE_MODE      0644
#define WORKSPACE_MODE 0755

/* Code owns its workspace and may have taken everybody's rights to it. */
static int open_up(const struct workspace *w, struct err *e)
{
	char path[32];
	struct stat st;
	int result;

	if (fstat(w->dir_fd, &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot stat the workspace");
	}
	if ((st.st_mode & 0700) == 0700 || st.st_uid != w->uid) {
		return 0;
	}
	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	/* fchmod(2) takes no descriptor opened by O_PATH. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", w->dir_fd);
	result = chmod(path, WORKSPACE_MODE);
	identity_leave();
	return result < 0 ? err_errno(e, ERR_INTERNAL, "cannot open the workspace") : 0;
}

static int move_aside(const struct workspace *w, const char *path, struct err *e)
{
	char aside[PATH_MAX_BYTES + 32];
	unsigned int random;
	int result;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(e, ERR_INTERNAL, "no random bytes");
	}
	(void)snprintf(aside, sizeof(aside), "%s.moved-%08x", path, random);
	if (identity_enter(w->uid, e) < 0) {
		return -1;
	}
	/* Beneath a directory that code swaps meanwhile it reaches no further than code itself. */
	result = renameat(w->dir_fd, path, w->dir_fd, aside);
	identity_leave();
	return result < 0 ? err_errno(e, ERR_INTERNAL, "cannot move %.200s aside", path) : 0;
}

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

/* Needs no room for a second file, nor for its name. */
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

	if (workspace_put(w, f->path, FILE_MODE, f->content, f->content_len, e) == 0) {
		return 0;
	}
	if (e->kind == ERR_NO_SPACE) {
		return write_in_place(f, w, &ignored);
	}
	if (e->kind != ERR_CONFLICT || move_aside(w, f->path, e) < 0) {
		return -1;
	}
	return workspace_put(w, f->path, FILE_MODE, f->content, f->content_len, e);
}

int run_files_write(const struct run_request *rq, const struct workspace *w, struct err *e)
{
	if (rq->n_writes > 0 && open_up(w, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < rq->n_writes; i++) {
		if (write_file(&rq->writes[i], w, e) < 0) {
			return err_prefix(e, "cannot write %.200s", rq->writes[i].path);
		}
	}
	return 0;
}
