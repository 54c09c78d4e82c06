#include "server.h"

#include "conn.h"
#include "fds.h"
#include "fs.h"
#include "identity.h"
#include "unix_sock.h"

#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG	     128
#define SOCKET_MODE  0660
#define ACCEPT_BURST 16

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;
	const int on = 1;
	struct err e;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		int peer;

		if (agent->n_conns >= AGENT_CONNS_MAX && !conn_evict_idle(agent)) {
			/* Others wait in the backlog until one ends (conn_free_closed). */
			(void)event_del(agent->accept);
			return;
		}
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (peer < 0) {
			return;
		}
		if (agent->settings.listen_tcp) {
			/* Small frames must not wait for each other's acknowledgement. */
			(void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		}
		if (conn_create(agent, peer, &e) < 0) {
			return;
		}
	}
}

/* The socket gets the group of its directory, which is the group that may enter it. The agent has
 * no CAP_CHOWN; a file is born with the creator's fsgid. */
static int listen_unix(const char *path, int *ret_fd, struct err *e)
{
	char dir[108];
	struct stat st;
	int result;

	fs_dirname(path, dir);
	if (stat(dir[0] ? dir : "/", &st) < 0) {
		return err_errno(e, ERR_INTERNAL, "no directory for the socket: %s", dir);
	}
	(void)setfsgid(st.st_gid);
	result = unix_listen(path, SOCKET_MODE, BACKLOG, ret_fd, e);
	identity_leave();
	return result;
}

static int listen_tcp(const char *at, int *ret_fd, struct err *e)
{
	struct sockaddr_storage sa;
	int len = sizeof(sa), on = 1;
	int fd;

	if (evutil_parse_sockaddr_port(at, (struct sockaddr *)&sa, &len) < 0) {
		return err_set(e, ERR_INVALID, "SLIPWAY_LISTEN: not address:port: %s", at);
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a socket");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, (socklen_t)len) < 0 || listen(fd, BACKLOG) < 0) {
		err_errno(e, ERR_INTERNAL, "cannot listen on %s", at);
		fds_close(&fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int server_listen(struct agent *agent, struct err *e)
{
	const struct settings *s = &agent->settings;

	if ((s->listen_tcp ? listen_tcp(s->listen_at, &agent->listen_fd, e)
			   : listen_unix(s->listen_at, &agent->listen_fd, e)) < 0) {
		return -1;
	}
	agent->accept =
		event_new(agent->base, agent->listen_fd, EV_READ | EV_PERSIST, on_accept, agent);
	if (!agent->accept || event_add(agent->accept, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}
