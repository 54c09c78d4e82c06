#include "docker_spec.h"

#include "driver.h"

#include <stdio.h>
#include <string.h>

/* Against Docker's default of 1024: under load the control plane always gets its CPU. */
#define CPU_SHARES 128

/* The agent is a small part of its sandbox's memory; on the host, sandboxes go before services. */
#define OOM_SCORE_ADJ 500

#define STOP_TIMEOUT_S 2
#define OPEN_FILES_MAX 16384

static json_t *labels_json(const struct driver_spec *spec)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < DRIVER_LABELS_MAX && spec->labels[i].name; i++) {
		json_object_set_new(labels, spec->labels[i].name,
				    json_string(spec->labels[i].value));
	}
	return labels;
}

static json_t *env_json(const struct driver_spec *spec)
{
	json_t *env = json_array();

	for (size_t i = 0; i < DRIVER_ENV_MAX && spec->env[i]; i++) {
		json_array_append_new(env, json_string(spec->env[i]));
	}
	return env;
}

/* Of type "bind", because that fails when the source is missing; the older "Binds" would make it.
 */
static json_t *mounts_json(const struct driver_spec *spec)
{
	json_t *mounts = json_array();

	for (size_t i = 0; i < DRIVER_BINDS_MAX && spec->binds[i].path; i++) {
		const struct driver_bind *bind = &spec->binds[i];

		json_array_append_new(mounts, json_pack("{s:s,s:s,s:s,s:b,s:{s:s}}", "Type", "bind",
							"Source", bind->host_path, "Target",
							bind->path, "ReadOnly", bind->read_only,
							"BindOptions", "Propagation", "rprivate"));
	}
	return mounts;
}

static json_t *limits_json(const struct driver_spec *spec)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:[{s:s,s:i,s:i},{s:s,s:i,s:i}]}", "Memory",
			 (json_int_t)spec->memory_bytes, "MemorySwap",
			 (json_int_t)spec->memory_bytes, "NanoCpus",
			 (json_int_t)spec->cpu_milli * 1000000, "CpuShares", (json_int_t)CPU_SHARES,
			 "PidsLimit", (json_int_t)spec->pids_max, "OomScoreAdj", OOM_SCORE_ADJ,
			 "Ulimits", "Name", "nofile", "Soft", OPEN_FILES_MAX, "Hard",
			 OPEN_FILES_MAX, "Name", "core", "Soft", 0, "Hard", 0);
}

static json_t *isolation_json(const struct driver_spec *spec)
{
	char tmp[80];

	(void)snprintf(tmp, sizeof(tmp), "rw,nosuid,nodev,mode=1777,size=%lld",
		       (long long)spec->tmp_bytes);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:[s],s:[s,s,s],s:[s],s:{s:s},s:{s:s},"
			 "s:{s:s,s:{s:s,s:s}}}",
			 "Runtime", spec->runtime, "NetworkMode",
			 spec->network ? spec->network : "none", "IpcMode", "private",
			 "CgroupnsMode", "private", "UsernsMode", "host", "Privileged", 0,
			 "ReadonlyRootfs", 1, "Init", 0, "CapDrop", "ALL", "CapAdd", "SETUID",
			 "SETGID", "KILL", "SecurityOpt", "no-new-privileges:true", "RestartPolicy",
			 "Name", "no", "Tmpfs", "/tmp", tmp, "LogConfig", "Type", "json-file",
			 "Config", "max-size", "1m", "max-file", "1");
}

/*
 * On a network of its own a container gets Docker's resolver, which asks the host's name servers
 * unless it is told of another: the container's own loopback, which refuses. (Programs do not even
 * ask it, see sockdir_resolv_path.)
 *
 * IPv6 is off on every interface but lo, so that programs may listen on ::1; and programs that
 * want port 80 get it.
 */
static void add_network(const struct driver_spec *spec, json_t *host)
{
	char container_port[16], host_port[8];

	if (!spec->network) {
		return;
	}
	json_object_set_new(host, "Dns", json_pack("[s]", "127.0.0.1"));
	json_object_set_new(host, "DnsSearch", json_pack("[s]", "."));
	json_object_set_new(host, "DnsOptions", json_pack("[s,s]", "timeout:1", "attempts:1"));
	json_object_set_new(host, "Sysctls",
			    json_pack("{s:s,s:s}", "net.ipv4.ip_unprivileged_port_start", "0",
				      "net.ipv6.conf.lo.disable_ipv6", "0"));
	if (spec->host_port == 0) {
		return;
	}
	(void)snprintf(container_port, sizeof(container_port), "%d/tcp", spec->container_port);
	(void)snprintf(host_port, sizeof(host_port), "%d", spec->host_port);
	json_object_set_new(host, "PortBindings",
			    json_pack("{s:[{s:s,s:s}]}", container_port, "HostIp", "127.0.0.1",
				      "HostPort", host_port));
}

static json_t *exposed_json(const struct driver_spec *spec)
{
	char port[16];

	if (spec->host_port == 0) {
		return json_object();
	}
	(void)snprintf(port, sizeof(port), "%d/tcp", spec->container_port);
	return json_pack("{s:{}}", port);
}

json_t *docker_spec_json(const struct driver_spec *spec)
{
	json_t *host = isolation_json(spec), *limits = limits_json(spec), *body;

	if (!host || !limits || json_object_update(host, limits) < 0) {
		json_decref(host);
		json_decref(limits);
		return NULL;
	}
	json_decref(limits);
	json_object_set_new(host, "Mounts", mounts_json(spec));
	add_network(spec, host);
	body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:b,s:o,s:o,s:o,s:o}", "Image", spec->image,
			 "Hostname", spec->hostname, "User", "0:0", "WorkingDir", "/workspace",
			 "StopSignal", "SIGTERM", "StopTimeout", STOP_TIMEOUT_S, "Tty", 0,
			 "OpenStdin", 0, "Env", env_json(spec), "Labels", labels_json(spec),
			 "ExposedPorts", exposed_json(spec), "HostConfig", host);
	return body;
}
