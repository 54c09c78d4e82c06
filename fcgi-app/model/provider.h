#pragma once

/*
 * Where replies come from. A provider is one row of the table in provider.c; a further service
 * (Anthropic's, say) is one more file and one more row.
 */

#include "app.h"
#include "config.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NAME_MAX_BYTES 200
#define MODELS_MAX	     32
#define MODEL_TICK_MS	     50 /* how often on_tick is called at least */

enum model_mode { MODEL_BUILD, MODEL_EXPLAIN, MODEL_FIX };

struct model_message {
	const char *role; /* "user" or "assistant" */
	const char *content;
};

/* What a project holds, for a provider that cannot read the system prompt. */
struct model_file {
	char *path;
	int64_t size;
};

struct model_request {
	const char *model;
	enum model_mode mode;
	const char *system;
	const struct model_message *messages; /* oldest first; the last one is the prompt */
	size_t n_messages;
	const struct model_file *files; /* of the project's head */
	size_t n_files;
};

struct model_usage {
	int64_t prompt_tokens, completion_tokens; /* -1: not told */
};

struct model_callbacks {
	/* A piece of the reply: valid UTF-8, whole characters. -1 ends the request. */
	int (*on_text)(void *ctx, const char *text, size_t len, struct err *e);
	/* At least every MODEL_TICK_MS, also between attempts. -1 ends the request. */
	int (*on_tick)(void *ctx, struct err *e);
	void *ctx;
};

struct provider {
	const char *name;
	const char *default_model;
	bool (*configured)(const struct config *config);
	/*
	 * Asks and streams the whole reply. 0 only when it came to its natural end. Errors are
	 * public: they name the service's trouble and what to do, never a key, and are of the kinds
	 * ERR_UNAVAILABLE, ERR_UPSTREAM, ERR_TIMEOUT, ERR_RATE_LIMITED, ERR_TOO_LARGE,
	 * ERR_UNPROCESSABLE or a callback's own.
	 */
	int (*stream)(struct app *app, const struct model_request *rq,
		      const struct model_callbacks *cb, struct model_usage *ret_usage,
		      struct err *e);
};

extern const struct provider provider_openai;
extern const struct provider provider_offline;

struct model_choice {
	const struct provider *provider;
	char model[MODEL_NAME_MAX_BYTES + 1];
};

/* Every model that may be asked, the default first; n of at most MODELS_MAX. */
size_t models_configured(const struct config *config, struct model_choice *ret);

/* The one named, or the default for NULL or "". ERR_UNPROCESSABLE when there is none of that name.
 */
NODISCARD int model_choose(const struct config *config, const char *name, struct model_choice *ret,
			   struct err *e);
