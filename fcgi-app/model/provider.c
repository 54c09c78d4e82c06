#include "model/provider.h"

#include "cleanup.h"
#include "json.h"
#include "model/handlers.h"

#include <stdio.h>
#include <string.h>

/* By precedence: the first one that is configured gives the default. Offline always is. */
static const struct provider *const providers[] = {
	&provider_openai,
	&provider_offline,
};

/* The next name of a comma-separated list into buf, without the blanks around it; false at the end.
 */
static bool next_name(const char **at, char *buf, size_t cap)
{
	while (**at) {
		size_t len = strcspn(*at, ",");
		const char *s = *at;
		size_t n = len;

		*at += len + ((*at)[len] == ',');
		while (n > 0 && *s == ' ') {
			s++;
			n--;
		}
		while (n > 0 && s[n - 1] == ' ') {
			n--;
		}
		if (n > 0 && n < cap) {
			memcpy(buf, s, n);
			buf[n] = '\0';
			return true;
		}
	}
	return false;
}

static const struct provider *first_configured(const struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		if (providers[i]->configured(config)) {
			return providers[i];
		}
	}
	return &provider_offline;
}

size_t models_configured(const struct config *config, struct model_choice *ret)
{
	const struct provider *p = first_configured(config);
	const char *at = p == &provider_offline ? "" : config_str(config, CFG_MODEL);
	size_t n = 0;

	while (n < MODELS_MAX && next_name(&at, ret[n].model, sizeof(ret[n].model))) {
		/* asked for by its name, the offline provider is there beside a service, too */
		bool offline = strcmp(ret[n].model, provider_offline.default_model) == 0;

		ret[n++].provider = offline ? &provider_offline : p;
	}
	if (n == 0) {
		ret[n].provider = p;
		snprintf(ret[n++].model, sizeof(ret[0].model), "%s", p->default_model);
	}
	return n;
}

int model_choose(const struct config *config, const char *name, struct model_choice *ret,
		 struct err *e)
{
	struct model_choice all[MODELS_MAX];
	size_t n = models_configured(config, all);

	for (size_t i = 0; i < n; i++) {
		if (!name || !name[0] || strcmp(all[i].model, name) == 0) {
			*ret = all[i];
			return 0;
		}
	}
	return err_set(e, ERR_UNPROCESSABLE,
		       "there is no model of that name here: GET /models lists those that are");
}

int models_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct model_choice all[MODELS_MAX];
	size_t n = models_configured(app->config, all);
	auto_json *items = json_array();
	auto_json *answer = NULL;

	(void)rq;
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_pack("{s:s,s:s,s:b}", "id", all[i].model, "provider",
					 all[i].provider->name, "default", i == 0);

		if (!item || json_array_append_new(items, item) < 0) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	answer = json_pack("{s:O,s:n}", "items", items, "next");
	if (!answer) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(rs, 200, answer, e);
}
