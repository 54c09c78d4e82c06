#include "files.h"

#include "agent.h"
#include "fds.h"
#include "helper.h"
#include "path.h"
#include "remove.h"
#include "target.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP    (64 * 1024)
#define DEFAULT_MODE 0644

struct download {
	int fd;
	uint64_t left;
};

/* Reads ahead of the client up to the mark, no further. */
static void send_more(struct conn *c, struct download *d)
{
	static char buf[READ_STEP];

	while (d->left > 0 && conn_pending(c) < CONN_OUTPUT_HIGH_BYTES) {
		struct conn_piece piece = {.bytes = buf};
		ssize_t n = read(d->fd, buf, d->left < sizeof(buf) ? (size_t)d->left : sizeof(buf));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			/* Shorter than the length that was promised: cut while being sent. */
			conn_abort(c);
			return;
		}
		piece.len = (size_t)n;
		d->left -= piece.len;
		conn_add(c, &piece, 1);
	}
	if (d->left == 0) {
		conn_end(c);
	}
}

static int check_rest(const struct conn *c, struct err *e)
{
	return path_check(conn_rest(c), strlen(conn_rest(c)), e);
}

int files_on_get(struct conn *c, struct err *e)
{
	struct download *d;

	if (check_rest(c, e) < 0) {
		return -1;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	d->fd = -1;
	conn_set_data(c, d);
	if (workspace_open_file(&conn_agent(c)->workspace, conn_rest(c), &d->fd, &d->left, e) < 0) {
		return -1;
	}
	conn_begin_sized(c, "application/octet-stream", d->left);
	send_more(c, d);
	return 0;
}

void files_on_get_writable(struct conn *c)
{
	send_more(c, conn_data(c));
}

void files_on_get_gone(struct conn *c)
{
	struct download *d = conn_data(c);

	if (d) {
		fds_close(&d->fd);
		free(d);
	}
}

int files_on_put(struct conn *c, struct err *e)
{
	struct upload *u;
	mode_t mode = DEFAULT_MODE;

	if (check_rest(c, e) < 0 || target_mode(conn_query(c), &mode, e) < 0) {
		return -1;
	}
	u = malloc(sizeof(*u));
	if (!u) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	upload_init(u);
	conn_set_data(c, u);
	return upload_begin(u, &conn_agent(c)->workspace, conn_rest(c), mode,
			    WORKSPACE_FILE_MAX_BYTES, e);
}

int files_on_put_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	return upload_write(conn_data(c), &conn_agent(c)->workspace, bytes, len, e);
}

int files_on_put_end(struct conn *c, struct err *e)
{
	if (upload_commit(conn_data(c), &conn_agent(c)->workspace, e) < 0) {
		return -1;
	}
	conn_reply(c, 204, NULL, "", 0);
	return 0;
}

void files_on_put_gone(struct conn *c)
{
	struct upload *u = conn_data(c);

	if (u) {
		upload_abort(u, &conn_agent(c)->workspace);
		free(u);
	}
}

int files_on_delete(struct conn *c, struct err *e)
{
	bool is_dir;

	if (check_rest(c, e) < 0 ||
	    workspace_unlink(&conn_agent(c)->workspace, conn_rest(c), &is_dir, e) < 0) {
		return -1;
	}
	if (is_dir) {
		return helper_start(c, remove_tree, conn_rest(c), NULL, e);
	}
	conn_reply(c, 204, NULL, "", 0);
	return 0;
}

int files_on_tree(struct conn *c, struct err *e)
{
	return helper_start(c, tree_write, "", "application/json", e);
}
