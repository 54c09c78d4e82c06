#include "firewall.h"

#include "cleanup.h"
#include "log.h"
#include "proc.h"
#include "settings.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_TIMEOUT_MS 20000
#define LOCK_WAIT_S	   "10" /* other programs change rules too, one at a time */
#define TABLE_MAX_BYTES	   (16 * 1024 * 1024)
#define SCRIPT_MAX_BYTES   8192
#define LINE_BYTES	   256
#define RULES_MAX	   8
#define TRIES		   3

/* Of every installation: a jump to one of these concerns its own bridge only. */
#define FORWARD_PREFIX "SLW-F-"
#define INPUT_PREFIX   "SLW-I-"

/* Docker's chain for other people's rules, which it visits first and leaves alone. */
#define DOCKER_CHAIN "DOCKER-USER"

struct family {
	const char *command, *restore;
	bool v6;
};

static const struct family families[] = {
	{"iptables", "iptables-restore", false},
	{"ip6tables", "ip6tables-restore", true},
};

/* One of our chains; its rules as `iptables -S` prints them behind "-A <name> ". */
struct chain {
	char name[32];
	char rules[RULES_MAX][LINE_BYTES];
	size_t n;
};

struct ruleset {
	struct chain forward, input;
};

PRINTF_LIKE(2, 3) static void add(struct chain *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(c->rules[c->n++], LINE_BYTES, fmt, args);
	va_end(args);
}

/*
 * "ESTABLISHED in the direction of replies" is what the host began: a connection a sandbox began is
 * never in it, not even one from before the rules. The host reaches its own address over lo.
 */
static void wanted(const struct net_settings *net, bool v6, struct ruleset *ret)
{
	const char *bridge = net->interface;

	*ret = (struct ruleset){0};
	(void)snprintf(ret->forward.name, sizeof(ret->forward.name), FORWARD_PREFIX "%s",
		       net->chains);
	(void)snprintf(ret->input.name, sizeof(ret->input.name), INPUT_PREFIX "%s", net->chains);
	add(&ret->forward, "-i %s -j DROP", bridge);
	add(&ret->forward, "-o %s -j DROP", bridge);
	if (v6) {
		add(&ret->input, "-i %s -j DROP", bridge);
		return;
	}
	add(&ret->input, "-i %s -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT",
	    bridge);
	add(&ret->input, "-d %s/32 -i %s -p tcp -m tcp --dport %d -j ACCEPT", net->gateway, bridge,
	    net->cache_port);
	add(&ret->input, "-i %s -j DROP", bridge);
	add(&ret->input, "-i lo -j RETURN");
	add(&ret->input, "-d %s/32 -j DROP", net->gateway);
}

static int read_table(const struct family *f, struct strbuf *table, struct err *e)
{
	const char *argv[] = {f->command, "-w", LOCK_WAIT_S, "-S", NULL};
	struct proc_opts o = {.argv = argv, .timeout_ms = COMMAND_TIMEOUT_MS, .output = table};

	strbuf_init(table, TABLE_MAX_BYTES);
	if (proc_run(&o, e) < 0) {
		return err_prefix(e, "cannot read the firewall");
	}
	return table->len < TABLE_MAX_BYTES
		       ? 0
		       : err_set(e, ERR_TOO_LARGE, "the firewall's rules are too many to read");
}

/* The next line of the table that starts with `prefix`; moves *at behind it. */
static bool next_line(const char **at, const char *prefix, char line[LINE_BYTES])
{
	size_t len = strlen(prefix);

	while (**at != '\0') {
		const char *start = *at;
		size_t n = strcspn(start, "\n");

		*at = start + n + (start[n] == '\n');
		if (strncmp(start, prefix, len) == 0) {
			/* A longer one is none of ours, and differs in its beginning. */
			(void)snprintf(line, LINE_BYTES, "%.*s", (int)n, start);
			return true;
		}
	}
	return false;
}

static bool has_line(const char *table, const char *wanted_line)
{
	char line[LINE_BYTES];

	while (next_line(&table, wanted_line, line)) {
		if (strcmp(line, wanted_line) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_chain(const char *table, const char *name)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "-N %s", name);
	return has_line(table, line);
}

static bool has_jump(const char *table, const char *hook, const char *chain)
{
	char line[80];

	(void)snprintf(line, sizeof(line), "-A %s -j %s", hook, chain);
	return has_line(table, line);
}

/* Whether the chain holds exactly these rules, in this order. */
static bool is_as_wanted(const char *table, const struct chain *c)
{
	char prefix[64], line[LINE_BYTES];
	size_t n = 0;

	(void)snprintf(prefix, sizeof(prefix), "-A %s ", c->name);
	while (next_line(&table, prefix, line)) {
		if (n == c->n || strcmp(line + strlen(prefix), c->rules[n++]) != 0) {
			return false;
		}
	}
	return n == c->n;
}

/* Whether `hook` begins with a jump to `chain`. Jumps of other installations may come before. */
static bool begins_with_jump(const char *table, const char *hook, const char *chain)
{
	char prefix[64], ours[80], line[LINE_BYTES];

	(void)snprintf(prefix, sizeof(prefix), "-A %s ", hook);
	(void)snprintf(ours, sizeof(ours), "-A %s -j %s", hook, chain);
	while (next_line(&table, prefix, line)) {
		const char *rule = line + strlen(prefix);

		if (strcmp(line, ours) == 0) {
			return true;
		}
		if (strncmp(rule, "-j " FORWARD_PREFIX, 3 + strlen(FORWARD_PREFIX)) != 0 &&
		    strncmp(rule, "-j " INPUT_PREFIX, 3 + strlen(INPUT_PREFIX)) != 0) {
			return false;
		}
	}
	return false;
}

/*
 * Where forwarded packets come by first: Docker's chain, if Docker keeps one for this family and
 * nothing comes before it. For a moment each time it makes a network, Docker takes the way to its
 * chain out of FORWARD: therefore we are in FORWARD as well, wherever that is.
 */
static const char *forward_hook(const char *table)
{
	return has_chain(table, DOCKER_CHAIN) && begins_with_jump(table, "FORWARD", DOCKER_CHAIN)
		       ? DOCKER_CHAIN
		       : "FORWARD";
}

static bool in_force(const char *table, const struct ruleset *r)
{
	return is_as_wanted(table, &r->forward) && is_as_wanted(table, &r->input) &&
	       begins_with_jump(table, "INPUT", r->input.name) &&
	       begins_with_jump(table, forward_hook(table), r->forward.name) &&
	       has_jump(table, "FORWARD", r->forward.name);
}

/* Deletes every jump from `hook` to `chain`. */
static void script_unhook(struct strbuf *script, const char *table, const char *hook,
			  const char *chain)
{
	char jump[80], line[LINE_BYTES];

	(void)snprintf(jump, sizeof(jump), "-A %s -j %s", hook, chain);
	while (next_line(&table, jump, line)) {
		if (strcmp(line, jump) == 0) {
			strbuf_addf(script, "-D %s -j %s\n", hook, chain);
		}
	}
}

static void script_chain(struct strbuf *script, const struct chain *c)
{
	strbuf_addf(script, ":%s - [0:0]\n", c->name); /* made, or emptied */
	for (size_t i = 0; i < c->n; i++) {
		strbuf_addf(script, "-A %s %s\n", c->name, c->rules[i]);
	}
}

static void script_hook(struct strbuf *script, const char *table, const char *hook,
			const char *chain)
{
	if (!begins_with_jump(table, hook, chain)) {
		script_unhook(script, table, hook, chain);
		strbuf_addf(script, "-I %s 1 -j %s\n", hook, chain);
	}
}

/* All of the script takes effect at once, or nothing of it. */
static int run_script(const struct family *f, const struct strbuf *script, struct err *e)
{
	const char *argv[] = {f->restore, "-w", LOCK_WAIT_S, "--noflush", NULL};
	struct proc_opts o = {.argv = argv,
			      .timeout_ms = COMMAND_TIMEOUT_MS,
			      .stdin_bytes = script->data,
			      .stdin_len = script->len};

	if (script->failed) {
		return err_set(e, ERR_INTERNAL, "too many firewall rules");
	}
	if (proc_run(&o, e) < 0) {
		return err_prefix(e, "cannot set the firewall");
	}
	return 0;
}

static int set_rules(const struct family *f, const char *table, const struct ruleset *r,
		     struct err *e)
{
	auto_strbuf script;

	strbuf_init(&script, SCRIPT_MAX_BYTES);
	strbuf_adds(&script, "*filter\n");
	script_chain(&script, &r->forward);
	script_chain(&script, &r->input);
	script_hook(&script, table, forward_hook(table), r->forward.name);
	if (strcmp(forward_hook(table), "FORWARD") != 0 &&
	    !has_jump(table, "FORWARD", r->forward.name)) {
		strbuf_addf(&script, "-I FORWARD 1 -j %s\n", r->forward.name);
	}
	script_hook(&script, table, "INPUT", r->input.name);
	strbuf_adds(&script, "COMMIT\n");
	return run_script(f, &script, e);
}

/* Somebody else may change rules between our reading and our writing: then once more. */
static int assert_family(const struct family *f, const struct net_settings *net, struct err *e)
{
	struct ruleset r;

	wanted(net, f->v6, &r);
	*e = (struct err){0};
	for (int i = 0; i < TRIES; i++) {
		auto_strbuf table = {0};

		if (read_table(f, &table, e) < 0) {
			return -1;
		}
		if (in_force(table.data, &r)) {
			return 0;
		}
		if (set_rules(f, table.data, &r, e) == 0) {
			log_info("firewall_set", "{s:s,s:s}", "family", f->command, "chain",
				 r.input.name);
			err_set(e, ERR_INTERNAL, "the rules of %s do not stay as they were set",
				f->command);
		}
	}
	return -1;
}

int firewall_assert(const struct net_settings *net, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (assert_family(&families[i], net, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int remove_family(const struct family *f, const struct net_settings *net, struct err *e)
{
	static const char *const hooks[] = {"INPUT", "FORWARD", DOCKER_CHAIN};
	auto_strbuf table = {0};
	auto_strbuf script;
	struct ruleset r;
	bool any = false;

	wanted(net, f->v6, &r);
	if (read_table(f, &table, e) < 0) {
		return -1;
	}
	strbuf_init(&script, SCRIPT_MAX_BYTES);
	strbuf_adds(&script, "*filter\n");
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		script_unhook(&script, table.data, hooks[i], r.forward.name);
		script_unhook(&script, table.data, hooks[i], r.input.name);
	}
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? r.forward.name : r.input.name;

		if (has_chain(table.data, name)) {
			strbuf_addf(&script, "-F %s\n-X %s\n", name, name);
			any = true;
		}
	}
	strbuf_adds(&script, "COMMIT\n");
	return any ? run_script(f, &script, e) : 0;
}

int firewall_remove(const struct net_settings *net, struct err *e)
{
	struct err other;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (remove_family(&families[i], net, rc < 0 ? &other : e) < 0) {
			rc = -1;
		}
	}
	return rc;
}
