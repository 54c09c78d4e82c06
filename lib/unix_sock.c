#include "unix_sock.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path)) {
		return err_set(e, ERR_INVALID, "socket path is longer than %zu bytes: %s",
			       sizeof(ret->sun_path) - 1, path);
	}
	strcpy(ret->sun_path, path);
	return 0;
}

int unix_listen(const char *path, mode_t mode, int backlog, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	struct sockaddr_un sa;

	if (address(path, &sa, e) < 0) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a socket");
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove the old socket %s", path);
	}
	/* Nobody can connect before listen(2), so the mode is right from the first moment. */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, mode) < 0 ||
	    listen(fd, backlog) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot listen on %s", path);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int finish_connect(int fd, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	for (;;) {
		int n = poll(&p, 1, clock_poll_timeout(deadline_ms));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		break;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
		return -1;
	}
	errno = error;
	return error == 0 ? 0 : -1;
}

int unix_connect(const char *path, int64_t deadline_ms, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	struct sockaddr_un sa;
	int flags;

	if (address(path, &sa, e) < 0) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a socket");
	}
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		/* EAGAIN: the backlog is full, and unix sockets do not wait for it (unix(7)). */
		if (errno != EINPROGRESS || finish_connect(fd, deadline_ms) < 0) {
			return err_errno(e, errno == ETIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
					 "cannot connect to %s", path);
		}
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a socket blocking");
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot tell who is connected");
	}
	*ret_uid = cred.uid;
	*ret_pid = cred.pid;
	return 0;
}
