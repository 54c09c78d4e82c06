#include "listener.h"

#include "cleanup.h"
#include "client.h"
#include "evloop.h"
#include "log.h"
#include "unix_sock.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG	      4096
#define ACCEPT_BURST  64
#define LISTENERS_MAX 2
#define PAUSE_MS      250 /* when there are no descriptors left */

struct listener {
	struct event *event;
	struct timer pause;
	int fd;
	bool is_tcp, is_metrics;
};

static struct listener listeners[LISTENERS_MAX];
static int n_listeners;

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	evloop_wake();
	for (int i = 0; i < ACCEPT_BURST; i++) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer >= 0) {
			client_create(peer, l->is_tcp, l->is_metrics);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("accept_paused", "{s:s}", "detail", strerror(errno));
			(void)event_del(l->event);
			timer_set(&l->pause, evloop_now_ms() + PAUSE_MS);
			return;
		}
		if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static void on_pause_over(struct timer *t)
{
	struct listener *l = (struct listener *)((char *)t - offsetof(struct listener, pause));

	(void)event_add(l->event, NULL);
}

static int listen_unix(const char *path, const char *group, int *ret_fd, struct err *e)
{
	const struct group *gr = group ? getgrnam(group) : NULL;
	auto_close int fd = -1;

	if (unix_listen(path, 0600, BACKLOG, &fd, e) < 0) {
		return -1;
	}
	if (gr && chown(path, (uid_t)-1, gr->gr_gid) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot give %s to the group %s", path, group);
	}
	if (group && chmod(path, 0660) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s to its group", path);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int listen_tcp(const char *at, int *ret_fd, struct err *e)
{
	struct sockaddr_storage sa;
	int len = sizeof(sa), on = 1;
	auto_close int fd = -1;

	if (evutil_parse_sockaddr_port(at, (struct sockaddr *)&sa, &len) < 0) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_ROUTER_LISTEN is neither unix:PATH nor ADDRESS:PORT: %s",
			       at);
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a socket");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, (socklen_t)len) < 0 || listen(fd, BACKLOG) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot listen on %s", at);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int listener_open(const char *at, const char *group, bool is_metrics, struct err *e)
{
	struct listener *l = &listeners[n_listeners];
	bool is_unix = strncmp(at, "unix:", 5) == 0;

	*l = (struct listener){
		.fd = -1, .is_tcp = !is_unix, .is_metrics = is_metrics, .pause.fn = on_pause_over};
	if ((is_unix ? listen_unix(at + 5, group, &l->fd, e) : listen_tcp(at, &l->fd, e)) < 0) {
		return -1;
	}
	l->event = event_new(evloop_base(), l->fd, EV_READ | EV_PERSIST, on_accept, l);
	if (!l->event || event_priority_set(l->event, 0) < 0 || event_add(l->event, NULL) < 0) {
		close(l->fd);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	n_listeners++;
	return 0;
}

void listeners_close(void)
{
	while (n_listeners > 0) {
		struct listener *l = &listeners[--n_listeners];

		timer_clear(&l->pause);
		event_free(l->event);
		close(l->fd);
	}
}
