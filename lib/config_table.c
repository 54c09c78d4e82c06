#include "config.h"

#define STR(n, sec, d, lo, hi, text)                                                               \
	{                                                                                          \
		n, sec, CONFIG_STRING, "", d, lo, hi, false, text                                  \
	}
#define SECRET(n, sec, text)                                                                       \
	{                                                                                          \
		n, sec, CONFIG_STRING, "", "", 0, 4096, true, text                                 \
	}
#define INT(n, sec, u, d, lo, hi, text)                                                            \
	{                                                                                          \
		n, sec, CONFIG_INT, u, d, lo, hi, false, text                                      \
	}
#define BOOL(n, sec, d, text)                                                                      \
	{                                                                                          \
		n, sec, CONFIG_BOOL, "", d, 0, 1, false, text                                      \
	}

#define HERE	  "This installation"
#define WAY_IN	  "The way in"
#define STATE	  "State"
#define WORKERS	  "Workers"
#define SANDBOXES "Sandboxes"
#define APPS	  "Apps and previews"
#define RUNS	  "Runs"
#define MODEL	  "The model"

const struct config_key config_table[CFG_COUNT] = {
	[CFG_INSTANCE] = STR("SLIPWAY_INSTANCE", HERE, "slipway", 1, 40,
			     "Name of this installation: labels its containers, so that two on one "
			     "host never touch each other's."),
	[CFG_STATE_DIR] = STR("SLIPWAY_STATE_DIR", HERE, "/var/lib/slipway", 1, 200,
			      "What must survive a reboot: database cluster, disk images, keys, "
			      "the installed programs."),
	[CFG_RUN_DIR] = STR("SLIPWAY_RUN_DIR", HERE, "/run/slipway", 1, 60,
			    "Sockets and mounts; made anew at every start. Short, because socket "
			    "paths end at 107 bytes."),
	[CFG_LOG_LEVEL] =
		STR("SLIPWAY_LOG_LEVEL", HERE, "info", 4, 5, "debug, info, warn or error."),

	[CFG_BIND] = STR("SLIPWAY_BIND", WAY_IN, "127.0.0.1", 2, 64,
			 "Address nginx listens on. Loopback unless a public URL is set."),
	[CFG_PORT] =
		INT("SLIPWAY_PORT", WAY_IN, "", "8080", 1, 65535, "TCP port nginx listens on."),
	[CFG_PUBLIC_URL] = STR("SLIPWAY_PUBLIC_URL", WAY_IN, "", 0, 200,
			       "Scheme and host people use, such as https://build.example.com. "
			       "Empty: http://localhost:PORT."),
	[CFG_PREVIEW_DOMAIN] = STR("SLIPWAY_PREVIEW_DOMAIN", WAY_IN, "preview.localhost", 1, 150,
				   "Previews are served at {slug}.{this domain}."),
	[CFG_TLS_CERT] =
		STR("SLIPWAY_TLS_CERT", WAY_IN, "", 0, 200, "PEM certificate chain for nginx."),
	[CFG_TLS_KEY] = STR("SLIPWAY_TLS_KEY", WAY_IN, "", 0, 200, "PEM key belonging to it."),

	[CFG_DATABASE_URL] = STR("DATABASE_URL", STATE, "", 0, 1000,
				 "PostgreSQL 15 or later, as libpq takes it. Empty: a cluster of "
				 "our own in the state directory."),

	[CFG_POOL_SHORT] = INT("SLIPWAY_POOL_SHORT", WORKERS, "workers", "4", 1, 256,
			       "Workers for calls that take well under a second."),
	[CFG_POOL_RUN] = INT("SLIPWAY_POOL_RUN", WORKERS, "workers", "8", 1, 256,
			     "Workers for /execute: so many runs at once."),
	[CFG_POOL_STREAM] = INT("SLIPWAY_POOL_STREAM", WORKERS, "workers", "8", 1, 256,
				"Workers for generate: so many generations at once."),
	[CFG_POOL_WATCH] = INT("SLIPWAY_POOL_WATCH", WORKERS, "workers", "8", 1, 256,
			       "Workers for re-attached event streams."),
	[CFG_USER_RUNS_MAX] = INT("SLIPWAY_USER_RUNS_MAX", WORKERS, "runs", "4", 1, 256,
				  "Runs one user may have at once; more answer 429."),
	[CFG_USER_GENERATIONS_MAX] =
		INT("SLIPWAY_USER_GENERATIONS_MAX", WORKERS, "generations", "2", 1, 256,
		    "Generations one user may have at once; more answer 429."),
	[CFG_SESSION_DAYS] = INT("SLIPWAY_SESSION_DAYS", WORKERS, "days", "30", 1, 365,
				 "How long a sign-in lasts."),

	[CFG_DOCKER_SOCKET] =
		STR("SLIPWAY_DOCKER_SOCKET", SANDBOXES, "/var/run/docker.sock", 1, 100,
		    "Docker Engine's unix socket; only slipway-sandboxd opens it."),
	[CFG_RUNTIME] = STR("SLIPWAY_RUNTIME", SANDBOXES, "runc", 1, 40,
			    "Container runtime as Docker knows it: runc, or runsc for gVisor."),
	[CFG_BASE_IMAGE] = STR("SLIPWAY_BASE_IMAGE", SANDBOXES, "node:22-bookworm-slim", 1, 200,
			       "Image the sandbox image is built on; built from Debian packages "
			       "when no registry answers."),
	[CFG_SANDBOX_IMAGE] = STR("SLIPWAY_SANDBOX_IMAGE", SANDBOXES, "custom-node-sandbox:latest",
				  1, 200, "Name of the sandbox image."),
	[CFG_NODE_VERSION] = STR("SLIPWAY_NODE_VERSION", SANDBOXES, "22", 1, 20,
				 "Node.js version of an image built without a registry."),
	[CFG_UID_BASE] = INT("SLIPWAY_UID_BASE", SANDBOXES, "", "1000000000", 65536, 2000000000,
			     "First host uid given to sandboxes; each has one of its own."),
	[CFG_UID_COUNT] = INT("SLIPWAY_UID_COUNT", SANDBOXES, "uids", "65536", 1, 1000000,
			      "Size of that range; its last two build dependency trees."),
	[CFG_SANDBOXES_MAX] = INT("SLIPWAY_SANDBOXES_MAX", SANDBOXES, "sandboxes", "40", 1, 10000,
				  "Sandboxes that may run at once on this host."),
	[CFG_USER_SANDBOXES_MAX] = INT("SLIPWAY_USER_SANDBOXES_MAX", SANDBOXES, "sandboxes", "20",
				       1, 10000, "Sandboxes one user may have running at once."),
	[CFG_DISK_BUDGET_MB] =
		INT("SLIPWAY_DISK_BUDGET_MB", SANDBOXES, "MiB", "20480", 64, 100000000,
		    "Disk all sandboxes together may really use on this host."),
	[CFG_IDLE_STOP_S] =
		INT("SLIPWAY_IDLE_STOP_S", SANDBOXES, "s", "900", 1, 31536000,
		    "A sandbox nobody used for so long is stopped; its workspace stays."),
	[CFG_STOP_SANDBOXES] =
		BOOL("SLIPWAY_STOP_SANDBOXES", SANDBOXES, "0",
		     "1: sandboxd stops every sandbox and removes its container when it is told to "
		     "end; disks stay."),
	[CFG_SCRIPT_MEMORY_MB] = INT("SLIPWAY_SCRIPT_MEMORY_MB", SANDBOXES, "MiB", "512", 64, 65536,
				     "Memory of a script sandbox; swap is not added."),
	[CFG_SCRIPT_CPU_MILLI] = INT("SLIPWAY_SCRIPT_CPU_MILLI", SANDBOXES, "1/1000 core", "1000",
				     50, 64000, "CPU of a script sandbox."),
	[CFG_SCRIPT_PIDS] = INT("SLIPWAY_SCRIPT_PIDS", SANDBOXES, "processes", "64", 16, 4096,
				"Processes and threads in a script sandbox."),
	[CFG_SCRIPT_DISK_MB] =
		INT("SLIPWAY_SCRIPT_DISK_MB", SANDBOXES, "MiB", "512", 32, 65536,
		    "Size of a script sandbox's /workspace, enforced by its file system."),

	[CFG_APP_MEMORY_MB] = INT("SLIPWAY_APP_MEMORY_MB", APPS, "MiB", "1024", 128, 262144,
				  "Memory of a project's sandbox; swap is not added."),
	[CFG_APP_CPU_MILLI] = INT("SLIPWAY_APP_CPU_MILLI", APPS, "1/1000 core", "1000", 50, 64000,
				  "CPU of a project's sandbox."),
	[CFG_APP_PIDS] = INT("SLIPWAY_APP_PIDS", APPS, "processes", "256", 32, 16384,
			     "Processes and threads in a project's sandbox."),
	[CFG_APP_DISK_MB] = INT("SLIPWAY_APP_DISK_MB", APPS, "MiB", "2048", 128, 262144,
				"Size of a project's disk, enforced by its file system."),
	[CFG_APP_SUBNET] = STR("SLIPWAY_APP_SUBNET", APPS, "10.213.0.0/20", 9, 18,
			       "IPv4 network of the projects' sandboxes. Its first address is the "
			       "host's; the package cache listens there. Two installations on one "
			       "host need two."),
	[CFG_APP_START_TIMEOUT_S] = INT("SLIPWAY_APP_START_TIMEOUT_S", APPS, "s", "120", 5, 3600,
					"How long a dev server may take until it listens."),
	[CFG_INSTALL_TIMEOUT_S] = INT("SLIPWAY_INSTALL_TIMEOUT_S", APPS, "s", "600", 10, 7200,
				      "How long installing packages may take."),
	[CFG_PORT_BASE] = INT("SLIPWAY_PORT_BASE", APPS, "", "20000", 1024, 65000,
			      "First host port given to apps, on 127.0.0.1."),
	[CFG_PORT_COUNT] =
		INT("SLIPWAY_PORT_COUNT", APPS, "ports", "4096", 8, 40000, "Size of that range."),
	[CFG_CACHE_PORT] = INT("SLIPWAY_CACHE_PORT", APPS, "", "4873", 1, 65535,
			       "Port of the package cache, on the sandboxes' network only."),
	[CFG_CACHE_MB] = INT("SLIPWAY_CACHE_MB", APPS, "MiB", "10240", 16, 100000000,
			     "Disk the package cache may use."),
	[CFG_NPM_REGISTRY] = STR("SLIPWAY_NPM_REGISTRY", APPS, "", 0, 500,
				 "Registry behind the package cache. Empty: what npm on this host "
				 "is set to (npm config get registry)."),
	[CFG_TREES_MB] = INT("SLIPWAY_TREES_MB", APPS, "MiB", "10240", 16, 100000000,
			     "Disk the shared dependency trees may use; those unused for longest "
			     "go first."),
	[CFG_ROUTER_LISTEN] = STR("SLIPWAY_ROUTER_LISTEN", APPS, "", 0, 100,
				  "Where slipway-router listens: unix:PATH or ADDRESS:PORT. Empty: "
				  "router/router.sock in the run directory."),
	[CFG_ROUTER_APP_CONNS] = INT("SLIPWAY_ROUTER_APP_CONNS", APPS, "connections", "256", 1,
				     65536, "Connections one app may have; more answer 503."),
	[CFG_ROUTER_HOLD_MS] =
		INT("SLIPWAY_ROUTER_HOLD_MS", APPS, "ms", "20000", 0, 600000,
		    "How long a request that can wait is held while its app starts."),
	[CFG_ROUTER_IDLE_S] =
		INT("SLIPWAY_ROUTER_IDLE_S", APPS, "s", "300", 1, 86400,
		    "Longest silence of an app within an answer, and of both sides of "
		    "a WebSocket."),
	[CFG_ROUTER_TOTAL_S] =
		INT("SLIPWAY_ROUTER_TOTAL_S", APPS, "s", "7200", 1, 604800,
		    "Longest a request and its answer may take in all; WebSockets and "
		    "event streams may take longer."),

	[CFG_RUN_TIMEOUT_MS] = INT("SLIPWAY_RUN_TIMEOUT_MS", RUNS, "ms", "10000", 100, 600000,
				   "Longest a run may take, and the default of timeout_ms."),
	[CFG_RUN_OUTPUT_MAX_BYTES] =
		INT("SLIPWAY_RUN_OUTPUT_MAX_BYTES", RUNS, "bytes", "1048576", 1024, 67108864,
		    "Output kept of a run, stdout and stderr each; a run that goes past it is "
		    "stopped."),
	[CFG_RUN_QUEUE] =
		INT("SLIPWAY_RUN_QUEUE", RUNS, "runs", "8", 0, 64,
		    "Runs that may wait for a sandbox that is running one; more answer 429."),
	[CFG_CODE_MAX_BYTES] = INT("SLIPWAY_CODE_MAX_BYTES", RUNS, "bytes", "1048576", 1024,
				   10485760, "Longest code /execute takes."),

	[CFG_MODEL] = STR("SLIPWAY_MODEL", MODEL, "", 0, 200,
			  "Names of the models to offer, separated by commas; the first is the "
			  "default. \"offline\" offers the built-in provider beside a service. "
			  "Empty: gpt-4o-mini when a key or base URL is set, otherwise offline."),
	[CFG_OPENAI_API_KEY] =
		SECRET("OPENAI_API_KEY", MODEL, "Key of an OpenAI-compatible service."),
	[CFG_OPENAI_BASE_URL] = STR("OPENAI_BASE_URL", MODEL, "", 0, 500,
				    "Its base URL with /v1, for OpenRouter, Ollama, vLLM, "
				    "llama.cpp … Empty: https://api.openai.com/v1."),
	[CFG_MODEL_IDLE_TIMEOUT_MS] = INT("SLIPWAY_MODEL_IDLE_TIMEOUT_MS", MODEL, "ms", "60000",
					  100, 600000, "Longest silence of the model."),
	[CFG_MODEL_TOTAL_TIMEOUT_MS] = INT("SLIPWAY_MODEL_TOTAL_TIMEOUT_MS", MODEL, "ms", "600000",
					   1000, 3600000, "Longest a reply may take in all."),
	[CFG_MODEL_REPLY_MAX_BYTES] =
		INT("SLIPWAY_MODEL_REPLY_MAX_BYTES", MODEL, "bytes", "8388608", 65536, 67108864,
		    "Longest reply taken from the model."),
};
