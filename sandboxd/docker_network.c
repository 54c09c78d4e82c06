#include "docker_network.h"

#include "docker_client.h"
#include "driver.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define QUICK_TIMEOUT_MS  10000
#define CHANGE_TIMEOUT_MS 30000
#define PATH_BYTES	  256

#define BRIDGE "com.docker.network.bridge."

/* Whatever a container of it publishes without an address of its own is on loopback too. */
static json_t *options_json(const struct driver_network *n)
{
	return json_pack("{s:s,s:s,s:s,s:s}", BRIDGE "name", n->interface, BRIDGE "enable_icc",
			 "false", BRIDGE "enable_ip_masquerade", "false",
			 BRIDGE "host_binding_ipv4", "127.0.0.1");
}

static json_t *ipam_config_json(const struct driver_network *n)
{
	return json_pack("[{s:s,s:s}]", "Subnet", n->subnet, "Gateway", n->gateway);
}

static json_t *network_json(const struct driver_network *n)
{
	return json_pack("{s:s,s:b,s:s,s:b,s:b,s:{s:s,s:o},s:o,s:{s:s}}", "Name", n->name,
			 "CheckDuplicate", 1, "Driver", "bridge", "Internal", 0, "EnableIPv6", 0,
			 "IPAM", "Driver", "default", "Config", ipam_config_json(n), "Options",
			 options_json(n), "Labels", DRIVER_LABEL_OWNER, n->owner);
}

/* Whether `answer`, a network as Docker describes it, is what is wanted. */
static bool is_as_wanted(const json_t *answer, const struct driver_network *n)
{
	const json_t *ipam = json_object_get(json_object_get(answer, "IPAM"), "Config");
	const json_t *labels = json_object_get(answer, "Labels");
	auto_json *options = options_json(n);
	auto_json *config = ipam_config_json(n);
	auto_json *owner = json_string(n->owner);

	return json_equal(json_object_get(answer, "Options"), options) &&
	       json_equal(ipam, config) &&
	       json_equal(json_object_get(labels, DRIVER_LABEL_OWNER), owner) &&
	       !json_is_true(json_object_get(answer, "EnableIPv6")) &&
	       !json_is_true(json_object_get(answer, "Internal"));
}

/* Docker has no kind of its own for "that is in the way". */
static int create(struct docker_client *c, const struct driver_network *n, struct err *e)
{
	auto_json *body = network_json(n);

	if (!body) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (docker_call(c, "POST", "/networks/create", body, CHANGE_TIMEOUT_MS, NULL, e) == 0) {
		return 0;
	}
	if (strstr(e->text, "overlap") || strstr(e->text, "conflicts with network") ||
	    strstr(e->text, "already exists")) {
		e->kind = ERR_CONFLICT;
	}
	return -1;
}

static int find(struct docker_client *c, const char *name, json_t **ret, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/networks/%.80s", name);
	return docker_call(c, "GET", path, NULL, QUICK_TIMEOUT_MS, ret, e);
}

int docker_network_ensure(struct docker_client *c, const struct driver_network *n, struct err *e)
{
	auto_json *answer = NULL;

	if (find(c, n->name, &answer, e) == 0) {
		if (is_as_wanted(answer, n)) {
			return 0;
		}
		if (docker_network_remove(c, n->name, e) < 0) {
			return -1;
		}
	} else if (e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	return create(c, n, e);
}

int docker_network_remove(struct docker_client *c, const char *name, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/networks/%.80s", name);
	if (docker_call(c, "DELETE", path, NULL, CHANGE_TIMEOUT_MS, NULL, e) == 0 ||
	    e->kind == ERR_NOT_FOUND) {
		return 0;
	}
	if (strstr(e->text, "active endpoints")) {
		e->kind = ERR_CONFLICT;
	}
	return -1;
}
