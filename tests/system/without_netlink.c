/*
 * Runs a program that may not open netlink sockets (netlink(7)):
 *
 *	without-netlink PROGRAM [ARGUMENT...]
 *
 * Chromium drops what it is loading whenever a network interface comes or goes, as with every
 * container of its own host. Without netlink it hears of none and takes itself to be online.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse_netlink(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter) {
		return -ENOMEM;
	}
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				  SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
	if (rc == 0) {
		rc = seccomp_load(filter);
	}
	seccomp_release(filter);
	return rc;
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		(void)fprintf(stderr, "usage: without-netlink PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	int rc = refuse_netlink();
	if (rc != 0) {
		(void)fprintf(stderr, "without-netlink: no filter: %s\n", strerror(-rc));
		return 1;
	}
	execvp(argv[1], argv + 1);
	(void)fprintf(stderr, "without-netlink: %s: %s\n", argv[1], strerror(errno));
	return 127;
}
