#include "terminal.h"

#include "cleanup.h"
#include "clock.h"
#include "pty.h"
#include "terminal_private.h"
#include "websocket.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define PING_S	   30
#define SILENCE_MS (90 * 1000)

#define TORN_MAX 1024 /* longest line that is looked for at the beginning of a replay */

/* Ours, of the range for private use: the session goes on at another client. */
#define CLOSE_TAKEN_OVER 4001

struct terminal_client {
	struct conn *conn;
	struct terminal_request rq;
	char accept[WS_ACCEPT_CHARS + 1];
	struct websocket ws;
	struct terminal *terminal; /* NULL: not yet, or not any more */
	struct event *ping;
	int64_t heard_ms;
	bool paused;
};

static void send_frame(struct terminal_client *client, enum ws_opcode opcode, const void *bytes,
		       size_t len)
{
	unsigned char head[WS_HEADER_MAX_BYTES];
	const struct conn_piece pieces[] = {{head, ws_frame_head(head, opcode, len)}, {bytes, len}};

	conn_add(client->conn, pieces, ARRAY_LEN(pieces));
}

static void send_json(struct terminal_client *client, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text) {
		send_frame(client, WS_TEXT, text, strlen(text));
	}
	free(text);
	json_decref(object);
}

/* Says why and closes; `gone` frees the client, if it is not called already. */
static void close_with(struct terminal_client *client, unsigned code, const char *reason)
{
	unsigned char payload[WS_CONTROL_MAX_BYTES] = {(unsigned char)(code >> 8),
						       (unsigned char)code};
	size_t len = strlen(reason);

	if (len > sizeof(payload) - 2) {
		len = 0;
	}
	memcpy(payload + 2, reason, len);
	send_frame(client, WS_CLOSE, payload, code == WS_CLOSE_NONE ? 0 : len + 2);
	conn_end(client->conn);
}

bool terminal_client_full(const struct terminal_client *client)
{
	return conn_pending(client->conn) >= CONN_OUTPUT_HIGH_BYTES;
}

/* Reads the client as long as the shell takes its input and it takes ours. Resuming may end it. */
static void update_flow(struct terminal_client *client)
{
	bool full = terminal_client_full(client) ||
		    evbuffer_get_length(client->terminal->input) >= TERMINAL_INPUT_HIGH_BYTES;

	if (full == client->paused) {
		return;
	}
	client->paused = full;
	if (full) {
		conn_pause(client->conn);
	} else {
		client->heard_ms = clock_mono_ms();
		conn_resume(client->conn);
	}
}

void terminal_client_output(struct terminal_client *client, const void *bytes, size_t len)
{
	send_frame(client, WS_BINARY, bytes, len);
}

void terminal_client_input_taken(struct terminal_client *client)
{
	update_flow(client);
}

static json_t *signal_json(int status)
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (!WIFSIGNALED(status)) {
		return json_null();
	}
	return name ? json_sprintf("SIG%s", name) : json_sprintf("SIG%d", WTERMSIG(status));
}

void terminal_client_exit(struct terminal_client *client, const struct supervisor_msg *m)
{
	int status = m->wait_status;

	if (m->type == SUPERVISOR_FAILED) {
		close_with(client, WS_CLOSE_INTERNAL, "the shell could not be started");
		return;
	}
	send_json(client,
		  json_pack("{s:s,s:o,s:o}", "type", "exit", "exit_code",
			    WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) : json_null(),
			    "signal", signal_json(status)));
	close_with(client, WS_CLOSE_NORMAL, "");
}

void terminal_client_dismiss(struct terminal_client *client)
{
	client->terminal = NULL;
	close_with(client, CLOSE_TAKEN_OVER, "the terminal was opened elsewhere");
}

void terminals_say_goodbye(const struct agent *agent)
{
	const struct terminal *t;

	TAILQ_FOREACH(t, &agent->terminals, link)
	{
		if (t->client) {
			close_with(t->client, WS_CLOSE_GOING_AWAY, "the sandbox was stopped");
		}
	}
}

static void on_ping(evutil_socket_t fd, short what, void *arg)
{
	struct terminal_client *client = arg;

	(void)fd;
	(void)what;
	if (!client->paused && clock_mono_ms() - client->heard_ms >= SILENCE_MS) {
		conn_abort(client->conn);
	} else if (!terminal_client_full(client)) {
		send_frame(client, WS_PING, "", 0);
	}
}

int terminal_on_begin(struct conn *c, struct err *e)
{
	struct terminal_client *client = calloc(1, sizeof(*client));

	if (!client) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	client->conn = c;
	ws_init(&client->ws);
	conn_set_data(c, client);
	if (ws_handshake(conn_head(c), client->accept, e) < 0) {
		return -1;
	}
	return terminal_request_parse(conn_query(c), &client->rq, e);
}

/* What is torn at the beginning of a full replay: a line, or at least a character. */
static size_t torn_bytes(const struct replay_pieces *p)
{
	const unsigned char *newline;
	size_t n = 0;

	if (p->len[0] + p->len[1] < REPLAY_BYTES) {
		return 0;
	}
	newline = memchr(p->bytes[0], '\n', p->len[0] < TORN_MAX ? p->len[0] : TORN_MAX);
	if (newline) {
		return (size_t)(newline - p->bytes[0]) + 1;
	}
	while (n < p->len[0] && n < 3 && (p->bytes[0][n] & 0xc0) == 0x80) {
		n++;
	}
	return n;
}

static void send_replay(struct terminal_client *client)
{
	struct replay_pieces p = replay_get(&client->terminal->replay);
	size_t torn = torn_bytes(&p);

	p.bytes[0] += torn;
	p.len[0] -= torn;
	for (size_t i = 0; i < ARRAY_LEN(p.len); i++) {
		if (p.len[i] > 0) {
			terminal_client_output(client, p.bytes[i], p.len[i]);
		}
	}
}

static void upgrade(struct terminal_client *client, bool resumed)
{
	char fields[128];

	(void)snprintf(fields, sizeof(fields), "Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n",
		       client->accept);
	conn_upgrade(client->conn, fields);
	client->heard_ms = clock_mono_ms();
	send_json(client, json_pack("{s:s,s:s,s:b}", "type", "session", "id", client->terminal->id,
				    "resumed", resumed));
	send_replay(client);
}

int terminal_on_end(struct conn *c, struct err *e)
{
	const struct timeval every = {.tv_sec = PING_S};
	struct terminal_client *client = conn_data(c);
	struct agent *agent = conn_agent(c);
	struct terminal *t = terminal_find(agent, client->rq.session);
	bool resumed = t != NULL;

	client->ping = event_new(agent->base, -1, EV_PERSIST, on_ping, client);
	if (!client->ping || event_add(client->ping, &every) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (resumed) {
		pty_resize(t->master, client->rq.cols, client->rq.rows);
	} else if (terminal_create(agent, &client->rq, &t, e) < 0) {
		return -1;
	}
	client->terminal = t;
	terminal_attach(t, client);
	upgrade(client, resumed);
	if (t->ended) {
		terminal_client_exit(client, &t->end);
		terminal_forget(t);
	}
	return 0;
}

/* False when the client is not there any more. */
static bool take_order(struct terminal_client *client, const struct ws_message *m)
{
	struct terminal *t = client->terminal;
	struct terminal_order order;
	struct err e;

	if (terminal_order_parse((const char *)m->bytes, m->len, &order, &e) < 0) {
		close_with(client, WS_CLOSE_POLICY, "a text frame is a resize or a close");
		return false;
	}
	if (order.type == TERMINAL_RESIZE) {
		pty_resize(t->master, order.cols, order.rows);
		return true;
	}
	close_with(client, WS_CLOSE_NORMAL, "");
	terminal_hang_up(t);
	return false;
}

/* The same. */
static bool take(struct terminal_client *client, const struct ws_message *m)
{
	switch (m->type) {
	case WS_BINARY:
		terminal_input(client->terminal, m->bytes, m->len);
		return true;
	case WS_TEXT:
		return take_order(client, m);
	case WS_PING:
		send_frame(client, WS_PONG, m->bytes, m->len);
		return true;
	case WS_CLOSE:
		close_with(client, m->close_code, "");
		return false;
	case WS_PONG:
	case WS_CONTINUATION:
		break;
	}
	return true;
}

int terminal_on_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	struct terminal_client *client = conn_data(c);
	const unsigned char *at = (const unsigned char *)bytes;
	struct ws_message m;
	unsigned code;

	(void)e;
	client->heard_ms = clock_mono_ms();
	while (len > 0) {
		size_t used;
		int rc = ws_next(&client->ws, at, len, &used, &m, &code);

		if (rc < 0) {
			close_with(client, code, "");
			return 0;
		}
		if (rc == 1 && !take(client, &m)) {
			return 0;
		}
		at += used;
		len -= used;
	}
	update_flow(client);
	return 0;
}

void terminal_on_writable(struct conn *c)
{
	struct terminal_client *client = conn_data(c);

	if (client && client->terminal) {
		if (!terminal_client_full(client)) {
			terminal_read(client->terminal, true);
		}
		update_flow(client);
	}
}

void terminal_on_gone(struct conn *c)
{
	struct terminal_client *client = conn_data(c);

	if (!client) {
		return;
	}
	if (client->terminal) {
		terminal_detach(client->terminal);
	}
	if (client->ping) {
		event_free(client->ping);
	}
	ws_fini(&client->ws);
	free(client);
}
