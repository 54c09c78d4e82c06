#include "pty.h"

#include "cleanup.h"
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

void pty_resize(int master, int cols, int rows)
{
	const struct winsize size = {.ws_row = (unsigned short)rows,
				     .ws_col = (unsigned short)cols};

	(void)ioctl(master, TIOCSWINSZ, &size);
}

/* The kernel then deletes whole characters, not bytes, when a line is edited. */
static void expect_utf8(int terminal)
{
	struct termios t;

	if (tcgetattr(terminal, &t) == 0) {
		t.c_iflag |= IUTF8;
		(void)tcsetattr(terminal, TCSANOW, &t);
	}
}

int pty_open(uid_t uid, int cols, int rows, int *ret_master, int *ret_terminal, struct err *e)
{
	auto_close int master = -1, terminal = -1;
	const int locked = 0;
	int failed;

	if (identity_enter(uid, e) < 0) {
		return -1;
	}
	/* Who opens the master owns the terminal: its programs may then open it by name. Never the
	 * controlling terminal of the agent, which leads a session without one. */
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	failed = errno;
	identity_leave();
	if (master < 0) {
		errno = failed;
		return err_errno(e, ERR_UNAVAILABLE, "cannot make a terminal");
	}
	if (ioctl(master, TIOCSPTLCK, &locked) < 0 ||
	    (terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot open a terminal");
	}
	pty_resize(master, cols, rows);
	expect_utf8(terminal);
	*ret_master = steal_fd(&master);
	*ret_terminal = steal_fd(&terminal);
	return 0;
}
