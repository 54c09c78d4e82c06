#include "listeners.h"

#include "fds.h"
#include "identity.h"
#include "proc_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_LISTEN 10 /* TCP_LISTEN; 0A in /proc/net/tcp */

/* Hostile code may hold a million descriptors. */
#define DESCRIPTORS_MAX 4096

in_port_t listener_port(const struct listener *l)
{
	/* Both families keep the port at the same place, but say so. */
	return ntohs(l->at.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&l->at)->sin6_port
						 : ((const struct sockaddr_in *)&l->at)->sin_port);
}

static struct sockaddr_storage ipv4_loopback(in_port_t port)
{
	struct sockaddr_storage to = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return to;
}

struct sockaddr_storage listener_reachable(const struct listener *l, unsigned attempt)
{
	struct sockaddr_storage to = l->at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;

	if (to.ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY)) {
		return ipv4_loopback(listener_port(l));
	}
	if (to.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) {
		if (attempt % 2 == 0) {
			return ipv4_loopback(listener_port(l));
		}
		v6->sin6_addr = in6addr_loopback;
	}
	return to;
}

static void set_address(struct listener *l, bool v6, const void *addr, in_port_t port)
{
	l->at = (struct sockaddr_storage){0};
	if (v6) {
		struct sockaddr_in6 *sa = (struct sockaddr_in6 *)&l->at;

		sa->sin6_family = AF_INET6;
		sa->sin6_port = port;
		memcpy(&sa->sin6_addr, addr, sizeof(sa->sin6_addr));
	} else {
		struct sockaddr_in *sa = (struct sockaddr_in *)&l->at;

		sa->sin_family = AF_INET;
		sa->sin_port = port;
		memcpy(&sa->sin_addr, addr, sizeof(sa->sin_addr));
	}
}

static int diag_request(int fd, int family)
{
	const struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} rq = {
		.head = {.nlmsg_len = sizeof(rq),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = (uint8_t)family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = 1u << STATE_LISTEN},
	};

	return send(fd, &rq, sizeof(rq), 0) == (ssize_t)sizeof(rq) ? 0 : -1;
}

/* One datagram of a dump. 1: the dump is complete, 0: more, -1: refused. */
static int diag_messages(struct nlmsghdr *m, size_t len, struct listener *ret, size_t max,
			 size_t *n)
{
	for (; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
		const struct inet_diag_msg *d = NLMSG_DATA(m);

		if (m->nlmsg_type == NLMSG_DONE) {
			return 1;
		}
		if (m->nlmsg_type == NLMSG_ERROR) {
			return -1;
		}
		if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(*d)) && *n < max) {
			set_address(&ret[*n], d->idiag_family == AF_INET6, d->id.idiag_src,
				    d->id.idiag_sport);
			ret[*n].uid = d->idiag_uid;
			ret[*n].inode = d->idiag_inode;
			(*n)++;
		}
	}
	return 0;
}

static int diag_family(int fd, int family, struct listener *ret, size_t max, size_t *n)
{
	static union {
		struct nlmsghdr head;
		char bytes[32 * 1024];
	} buf;
	int done = 0;

	if (diag_request(fd, family) < 0) {
		return -1;
	}
	while (done == 0) {
		ssize_t len = recv(fd, &buf, sizeof(buf), MSG_DONTWAIT);

		if (len <= 0) {
			return -1;
		}
		done = diag_messages(&buf.head, (size_t)len, ret, max, n);
	}
	return done == 1 ? 0 : -1;
}

static int read_diag(struct listener *ret, size_t max, size_t *n)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int result;

	*n = 0;
	if (fd < 0) {
		return -1;
	}
	result = diag_family(fd, AF_INET, ret, max, n);
	if (result == 0) {
		result = diag_family(fd, AF_INET6, ret, max, n);
	}
	close(fd);
	return result;
}

/* "0100007F:1F90" or 32 digits; the kernel prints 32-bit words in the machine's order. */
static bool parse_address(const char *text, bool v6, struct listener *l)
{
	uint32_t words[4];
	size_t n = v6 ? 4 : 1;
	unsigned port;

	for (size_t i = 0; i < n; i++) {
		if (sscanf(text + 8 * i, "%8x", &words[i]) != 1) {
			return false;
		}
	}
	if (text[8 * n] != ':' || sscanf(text + 8 * n + 1, "%4x", &port) != 1) {
		return false;
	}
	set_address(l, v6, words, htons((in_port_t)port));
	return true;
}

static bool parse_line(const char *line, bool v6, struct listener *ret)
{
	char local[48];
	unsigned state;
	struct listener l;

	if (sscanf(line, " %*u: %47s %*s %x %*s %*s %*s %u %*u %lu", local, &state, &l.uid,
		   &l.inode) != 4 ||
	    state != STATE_LISTEN || strlen(local) < (v6 ? 33u : 9u) ||
	    !parse_address(local, v6, &l)) {
		return false;
	}
	*ret = l;
	return true;
}

size_t listeners_parse(const char *text, bool v6, struct listener *ret, size_t max)
{
	size_t n = 0;

	while (n < max) {
		const char *end = strchr(text, '\n');

		/* A line without its end may be cut in a number. */
		if (!end) {
			break;
		}
		if (parse_line(text, v6, &ret[n])) {
			n++;
		}
		text = end + 1;
	}
	return n;
}

static size_t read_proc(const char *path, bool v6, struct listener *ret, size_t max)
{
	/* Listening sockets come first in these files. */
	static char text[64 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		return 0;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return listeners_parse(text, v6, ret, max);
}

size_t listeners_read(struct listener *ret, size_t max, bool *ret_cheap)
{
	size_t n;

	*ret_cheap = read_diag(ret, max, &n) == 0;
	if (!*ret_cheap) {
		n = read_proc("/proc/net/tcp", false, ret, max);
		n += read_proc("/proc/net/tcp6", true, ret + n, max - n);
	}
	return n;
}

/* 1: it holds the socket, 0: not, -1: cannot be told. */
static int holds(pid_t pid, unsigned long inode)
{
	char path[32], want[48], link[48];
	const struct dirent *d;
	DIR *dir;
	int found = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	(void)snprintf(want, sizeof(want), "socket:[%lu]", inode);
	dir = opendir(path);
	if (!dir) {
		return -1;
	}
	for (int seen = 0; found == 0 && seen < DESCRIPTORS_MAX && (d = readdir(dir)); seen++) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, want) == 0;
	}
	closedir(dir);
	return found;
}

int listener_held_by(const struct listener *l, pid_t root, uid_t uid)
{
	struct proc_table t = {0};
	bool found = false, told = false;
	struct err e;

	/* With the code's own ids the kernel lets us read its descriptors without CAP_SYS_PTRACE.
	 */
	if (identity_enter(uid, &e) < 0) {
		return -1;
	}
	if (proc_table_read(&t, root, NULL, 0, &e) == 0) {
		for (size_t i = 0; i < t.n && !found; i++) {
			if (t.entries[i].descendant) {
				int n = holds(t.entries[i].pid, l->inode);

				found = n == 1;
				told = told || n >= 0;
			}
		}
	}
	identity_leave();
	proc_table_fini(&t);
	return found ? 1 : told ? 0 : -1;
}

bool listener_belongs(const struct listener *l, pid_t root, uid_t uid)
{
	return listener_held_by(l, root, uid) != 0;
}
