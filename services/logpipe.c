/*
 * slipway-logpipe LOGGER [ARGUMENT…]: passes the lines of standard input on to a logger, which it
 * runs, without ever making their writer wait. A logger whose disk is full stops reading (svlogd
 * does); a service that then blocks in the writing of a log line serves nobody any more. What finds
 * no room in BUFFER_BYTES is dropped, by whole lines, and a line of its own says how many.
 *
 * Ends with the logger, or when standard input ends and what is left was taken or PATIENCE_MS is
 * over.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
/* Room a line must find when it begins; what is longer may be cut. */
#define LINE_BYTES  (16 * 1024)
#define PIECE_BYTES (16 * 1024)
#define PATIENCE_MS 2000

struct pipe_state {
	char buf[BUFFER_BYTES];
	size_t len;
	bool in_line;	/* a line was begun and has not ended */
	bool dropping;	/* the rest of it is dropped */
	long long lost; /* lines, since it was last told */
	int out_fd;
};

static void put(struct pipe_state *p, const char *bytes, size_t len)
{
	memcpy(p->buf + p->len, bytes, len);
	p->len += len;
}

static void tell_lost(struct pipe_state *p)
{
	char text[120];
	int len = snprintf(
		text, sizeof(text),
		"{\"program\":\"slipway-logpipe\",\"event\":\"log_lines_lost\",\"n\":%lld}\n",
		p->lost);

	put(p, text, (size_t)len);
	p->lost = 0;
}

static void begin_line(struct pipe_state *p)
{
	p->in_line = true;
	p->dropping = sizeof(p->buf) - p->len < LINE_BYTES;
	if (p->dropping) {
		p->lost++;
	} else if (p->lost > 0) {
		tell_lost(p);
	}
}

/* A part of one line, without its end. */
static void take_part(struct pipe_state *p, const char *bytes, size_t len)
{
	size_t room = sizeof(p->buf) - p->len - 1; /* for its end */

	if (!p->dropping) {
		put(p, bytes, len < room ? len : room);
	}
}

static void end_line(struct pipe_state *p)
{
	if (!p->dropping) {
		put(p, "\n", 1);
	}
	p->in_line = false;
}

static void take(struct pipe_state *p, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(bytes, '\n', len);
		size_t part = newline ? (size_t)(newline - bytes) : len;

		if (!p->in_line) {
			begin_line(p);
		}
		take_part(p, bytes, part);
		if (newline) {
			end_line(p);
			part++;
		}
		bytes += part;
		len -= part;
	}
}

/* False: the input has ended. */
static bool read_some(struct pipe_state *p)
{
	char piece[PIECE_BYTES];
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

	if (n > 0) {
		take(p, piece, (size_t)n);
	}
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* False: the logger has ended. */
static bool write_some(struct pipe_state *p)
{
	ssize_t n = write(p->out_fd, p->buf, p->len);

	if (n > 0) {
		p->len -= (size_t)n;
		memmove(p->buf, p->buf + n, p->len);
		if (p->len == 0 && p->lost > 0 && !p->in_line) {
			tell_lost(p);
		}
	}
	return n >= 0 || errno == EINTR || errno == EAGAIN;
}

/* Until the input or the logger has ended. False: it was the logger. */
static bool pass_on(struct pipe_state *p)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = p->out_fd, .events = p->len > 0 ? POLLOUT : 0},
		};

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR) {
				continue;
			}
			return false;
		}
		if ((fds[1].revents & POLLERR) || ((fds[1].revents & POLLOUT) && !write_some(p))) {
			return false;
		}
		if (fds[0].revents && !read_some(p)) {
			return true;
		}
	}
}

static void flush(struct pipe_state *p)
{
	struct pollfd out = {.fd = p->out_fd, .events = POLLOUT};

	/* The last line may lack its end; the logger then gives it one. */
	while (p->len > 0 && poll(&out, 1, PATIENCE_MS) > 0 && !(out.revents & POLLERR) &&
	       write_some(p)) {
	}
}

/* The logger reads from the pipe; nothing else of this program is left in it. */
static pid_t start_logger(char **argv, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[0], STDIN_FILENO);
		(void)signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		fprintf(stderr, "slipway-logpipe: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(fds[0]);
	/* Ours alone is not to block: the logger's end has flags of its own. */
	(void)fcntl(fds[1], F_SETFL, O_NONBLOCK);
	*ret_fd = fds[1];
	return pid;
}

int main(int argc, char **argv)
{
	static struct pipe_state p;
	bool input_ended;
	pid_t logger;

	if (argc < 2) {
		fputs("usage: slipway-logpipe LOGGER [ARGUMENT…]\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	logger = start_logger(argv + 1, &p.out_fd);
	if (logger < 0) {
		perror("slipway-logpipe");
		return 1;
	}
	input_ended = pass_on(&p);
	if (input_ended) {
		flush(&p);
	}
	close(p.out_fd);
	/* One that cannot write will not end by itself, and it has nothing of ours left to lose. */
	(void)kill(logger, input_ended && p.len == 0 ? 0 : SIGTERM);
	while (waitpid(logger, NULL, 0) < 0 && errno == EINTR) {
	}
	return input_ended ? 0 : 1;
}
