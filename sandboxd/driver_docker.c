#include "driver_docker.h"

#include "cleanup.h"
#include "docker_client.h"
#include "docker_network.h"
#include "docker_spec.h"
#include "driver.h"
#include "json.h"
#include "proc.h"
#include "settings.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUICK_TIMEOUT_MS  10000
#define CHANGE_TIMEOUT_MS 30000
#define BUILD_TIMEOUT_MS  (25 * 60 * 1000)
#define PATH_BYTES	  1024
#define LINE_MAX_BYTES	  1000

struct docker_driver {
	struct driver driver;
	const struct settings *settings;
	struct docker_client *client;
};

static struct docker_driver *of(struct driver *d)
{
	return (struct docker_driver *)d;
}

static void docker_destroy(struct driver *d)
{
	docker_client_destroy(of(d)->client);
	free(d);
}

/* One that hangs takes the connection and says nothing: that is as good as none. */
static int docker_ping(struct driver *d, int64_t timeout_ms, struct err *e)
{
	if (docker_call(of(d)->client, "GET", "/_ping", NULL, timeout_ms, NULL, e) == 0) {
		return 0;
	}
	return e->kind == ERR_TIMEOUT ? err_set(e, ERR_UNAVAILABLE, "Docker does not answer") : -1;
}

/* Copies a string of an answer. ERR_UPSTREAM when it is missing or too long. */
static int take_string(const json_t *object, const char *key, char *buf, size_t cap, struct err *e)
{
	const char *s = json_string_value(json_object_get(object, key));

	if (!s || strlen(s) >= cap) {
		return err_set(e, ERR_UPSTREAM, "Docker's answer has no usable %s", key);
	}
	memcpy(buf, s, strlen(s) + 1);
	return 0;
}

static int docker_image_find(struct driver *d, const char *name, char ret_id[DRIVER_ID_BYTES],
			     struct err *e)
{
	auto_json *image = NULL;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/images/%.400s/json", name);
	if (docker_call(of(d)->client, "GET", path, NULL, QUICK_TIMEOUT_MS, &image, e) < 0) {
		return -1;
	}
	return take_string(image, "Id", ret_id, DRIVER_ID_BYTES, e);
}

/* Cuts what a program prints into lines. */
struct lines {
	void (*on_line)(void *ctx, const char *line);
	void *ctx;
	char line[LINE_MAX_BYTES];
	size_t len;
};

static void split_lines(void *ctx, const char *bytes, size_t len)
{
	struct lines *l = ctx;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n' && l->len + 1 < sizeof(l->line)) {
			l->line[l->len++] = bytes[i];
			continue;
		}
		l->line[l->len] = '\0';
		l->on_line(l->ctx, l->line);
		l->len = 0;
	}
}

/* build-image does it with the docker command: building is packaging, not serving. */
static int docker_image_ensure(struct driver *d, void (*on_line)(void *ctx, const char *line),
			       void *ctx, struct err *e)
{
	const struct settings *s = of(d)->settings;
	struct lines lines = {.on_line = on_line, .ctx = ctx};
	char script[PATH_MAX + 16], host[160];
	const char *argv[] = {"env", host, NULL, NULL, NULL, NULL, NULL, script, NULL};
	char vars[5][PATH_MAX + 32];
	struct proc_opts o = {.argv = argv,
			      .timeout_ms = BUILD_TIMEOUT_MS,
			      .on_output = split_lines,
			      .ctx = &lines};

	(void)snprintf(script, sizeof(script), "%s/build-image", s->image_dir);
	(void)snprintf(host, sizeof(host), "DOCKER_HOST=unix://%.120s", s->docker_socket);
	(void)snprintf(vars[0], sizeof(vars[0]), "SLIPWAY_SANDBOX_IMAGE=%s", s->sandbox_image);
	(void)snprintf(vars[1], sizeof(vars[1]), "SLIPWAY_BASE_IMAGE=%s", s->base_image);
	(void)snprintf(vars[2], sizeof(vars[2]), "SLIPWAY_NODE_VERSION=%s", s->node_version);
	(void)snprintf(vars[3], sizeof(vars[3]), "SLIPWAY_AGENT=%s", s->agent_path);
	(void)snprintf(vars[4], sizeof(vars[4]), "SLIPWAY_WORK_DIR=%s", s->work_dir);
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		argv[2 + i] = vars[i];
	}
	return proc_run(&o, e);
}

static int docker_create(struct driver *d, const struct driver_spec *spec,
			 char ret_id[DRIVER_ID_BYTES], struct err *e)
{
	auto_json *body = docker_spec_json(spec);
	auto_json *created = NULL;
	char path[PATH_BYTES];

	if (!body) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	(void)snprintf(path, sizeof(path), "/containers/create?name=%s", spec->name);
	if (docker_call(of(d)->client, "POST", path, body, CHANGE_TIMEOUT_MS, &created, e) < 0) {
		return -1;
	}
	return take_string(created, "Id", ret_id, DRIVER_ID_BYTES, e);
}

static int docker_start(struct driver *d, const char *id, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/containers/%s/start", id);
	if (docker_call(of(d)->client, "POST", path, NULL, CHANGE_TIMEOUT_MS, NULL, e) < 0) {
		/* Docker's own book of ports, and the kernel's. */
		if (strstr(e->text, "port is already allocated") ||
		    strstr(e->text, "address already in use")) {
			e->kind = ERR_CONFLICT;
		}
		return -1;
	}
	return 0;
}

static int docker_stop(struct driver *d, const char *id, int grace_s, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/containers/%s/stop?t=%d", id, grace_s);
	if (docker_call(of(d)->client, "POST", path, NULL, CHANGE_TIMEOUT_MS + grace_s * 1000, NULL,
			e) < 0 &&
	    e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	return 0;
}

static int docker_remove(struct driver *d, const char *id, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/containers/%s?force=1&v=1", id);
	if (docker_call(of(d)->client, "DELETE", path, NULL, CHANGE_TIMEOUT_MS, NULL, e) < 0 &&
	    e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	return 0;
}

static void take_sandbox(const json_t *labels, char buf[40])
{
	const char *id = json_string_value(json_object_get(labels, DRIVER_LABEL_ID));

	buf[0] = '\0';
	if (id && uuid_valid(id)) {
		(void)snprintf(buf, 40, "%s", id);
	}
}

static int docker_inspect(struct driver *d, const char *id, struct driver_container *ret,
			  struct err *e)
{
	struct driver_container c = {0};
	auto_json *answer = NULL;
	char path[PATH_BYTES];
	const json_t *state;

	(void)snprintf(path, sizeof(path), "/containers/%s/json", id);
	if (docker_call(of(d)->client, "GET", path, NULL, QUICK_TIMEOUT_MS, &answer, e) < 0 ||
	    take_string(answer, "Id", c.id, sizeof(c.id), e) < 0 ||
	    take_string(answer, "Name", c.name, sizeof(c.name), e) < 0) {
		return -1;
	}
	state = json_object_get(answer, "State");
	c.running = json_is_true(json_object_get(state, "Running"));
	c.oom_killed = json_is_true(json_object_get(state, "OOMKilled"));
	c.exit_code = (int)json_integer_value(json_object_get(state, "ExitCode"));
	take_sandbox(json_object_get(json_object_get(answer, "Config"), "Labels"), c.sandbox);
	*ret = c;
	return 0;
}

static int docker_last_words(struct driver *d, const char *id, struct strbuf *b, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/containers/%s/logs?stdout=1&stderr=1&tail=3", id);
	return docker_output(of(d)->client, path, QUICK_TIMEOUT_MS, b, e);
}

/* "{"label":["slipway.instance=<owner>"]…}" for a query string. */
static void add_filters(struct strbuf *path, const char *owner, bool events)
{
	auto_json *filters = NULL;
	auto_free char *text = NULL;
	char label[128];

	(void)snprintf(label, sizeof(label), DRIVER_LABEL_OWNER "=%.60s", owner);
	filters = events ? json_pack("{s:[s],s:[s],s:[s,s,s]}", "label", label, "type", "container",
				     "event", "die", "destroy", "oom")
			 : json_pack("{s:[s]}", "label", label);
	text = filters ? json_text(filters) : NULL;
	docker_url_add(path, text ? text : "{}");
}

static int list_entry(const json_t *entry, struct driver_container *ret, struct err *e)
{
	const char *name = json_string_value(json_array_get(json_object_get(entry, "Names"), 0));
	const char *state = json_string_value(json_object_get(entry, "State"));

	*ret = (struct driver_container){0};
	if (take_string(entry, "Id", ret->id, sizeof(ret->id), e) < 0) {
		return -1;
	}
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name ? name : "");
	ret->running = state && strcmp(state, "running") == 0;
	take_sandbox(json_object_get(entry, "Labels"), ret->sandbox);
	return 0;
}

static int docker_list(struct driver *d, const char *owner, struct driver_container **ret,
		       size_t *ret_n, struct err *e)
{
	struct driver_container *list;
	auto_json *answer = NULL;
	auto_strbuf path;
	size_t n;

	strbuf_init(&path, PATH_BYTES);
	strbuf_adds(&path, "/containers/json?all=1&filters=");
	add_filters(&path, owner, false);
	if (docker_call(of(d)->client, "GET", path.data, NULL, CHANGE_TIMEOUT_MS, &answer, e) < 0) {
		return -1;
	}
	n = json_array_size(answer);
	if (!json_is_array(answer) || n > DRIVER_LIST_MAX) {
		return err_set(e, ERR_UPSTREAM, "Docker's list of containers is unusable");
	}
	list = calloc(n + 1, sizeof(*list));
	if (!list) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		if (list_entry(json_array_get(answer, i), &list[i], e) < 0) {
			free(list);
			return -1;
		}
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static int network_ensure(struct driver *d, const struct driver_network *n, struct err *e)
{
	return docker_network_ensure(of(d)->client, n, e);
}

static int network_remove(struct driver *d, const char *name, struct err *e)
{
	return docker_network_remove(of(d)->client, name, e);
}

struct watch_ctx {
	driver_event_fn *on_event;
	void (*on_ready)(void *ctx);
	bool (*keep_on)(void *ctx);
	void *ctx;
};

static void watch_object(void *ctx, const json_t *object)
{
	struct watch_ctx *w = ctx;
	const json_t *labels = json_object_get(json_object_get(object, "Actor"), "Attributes");
	char sandbox[40];

	take_sandbox(labels, sandbox);
	if (sandbox[0] != '\0') {
		w->on_event(w->ctx, sandbox);
	}
}

static void watch_open(void *ctx)
{
	struct watch_ctx *w = ctx;

	w->on_ready(w->ctx);
}

static bool watch_keep_on(void *ctx)
{
	struct watch_ctx *w = ctx;

	return w->keep_on(w->ctx);
}

static int docker_watch(struct driver *d, const char *owner, driver_event_fn *on_event,
			void (*on_ready)(void *ctx), bool (*keep_on)(void *ctx), void *ctx,
			struct err *e)
{
	struct watch_ctx w = {
		.on_event = on_event, .on_ready = on_ready, .keep_on = keep_on, .ctx = ctx};
	struct docker_stream stream = {.on_object = watch_object,
				       .on_open = watch_open,
				       .keep_on = watch_keep_on,
				       .ctx = &w};
	auto_strbuf path;

	strbuf_init(&path, PATH_BYTES);
	/* What happens between this moment and Docker's subscribing us is sent afterwards. */
	strbuf_addf(&path, "/events?since=%lld&filters=", (long long)time(NULL));
	add_filters(&path, owner, true);
	return docker_follow(of(d)->client, path.data, &stream, e);
}

static const struct driver_ops ops = {
	.destroy = docker_destroy,
	.ping = docker_ping,
	.image_find = docker_image_find,
	.image_ensure = docker_image_ensure,
	.create = docker_create,
	.start = docker_start,
	.stop = docker_stop,
	.remove = docker_remove,
	.inspect = docker_inspect,
	.last_words = docker_last_words,
	.list = docker_list,
	.network_ensure = network_ensure,
	.network_remove = network_remove,
	.watch = docker_watch,
};

struct driver *driver_docker_create(const struct settings *s)
{
	struct docker_driver *d = calloc(1, sizeof(*d));

	if (!d) {
		return NULL;
	}
	d->driver.ops = &ops;
	d->settings = s;
	d->client = docker_client_create(s->docker_socket);
	if (!d->client) {
		free(d);
		return NULL;
	}
	return &d->driver;
}
