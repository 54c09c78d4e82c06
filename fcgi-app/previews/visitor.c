#include "previews/visitor.h"

#include "cleanup.h"
#include "http/request.h"

#include <stdbool.h>
#include <string.h>

/* Pieces of User-Agent of what fetches links nobody has clicked. */
static const char *const bots[] = {
	"bot/",
	"bot;",
	"-bot",
	"bot)",
	"crawler",
	"spider",
	"facebookexternalhit",
	"Facebot",
	"Slackbot",
	"Twitterbot",
	"Discordbot",
	"TelegramBot",
	"WhatsApp",
	"LinkedInBot",
	"SkypeUriPreview",
	"Microsoft Office",
	"Teams",
	"Iframely",
	"Embedly",
	"redditbot",
	"Pinterest",
	"vkShare",
	"Mastodon",
	"Google-PageRenderer",
	"Googlebot",
	"bingpreview",
	"Applebot",
	"SafeLinks",
	"Barracuda",
	"Proofpoint",
};

static bool has_any(const char *text, const char *const *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasestr(text, pieces[i])) {
			return true;
		}
	}
	return false;
}

static bool is_prefetch(const struct request *rq)
{
	static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};
	static const char *const values[] = {"prefetch", "prerender", "preview"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = request_header(rq, names[i]);

		if (value && has_any(value, values, ARRAY_LEN(values))) {
			return true;
		}
	}
	return false;
}

enum visitor visitor_of(const struct request *rq)
{
	const char *agent = request_header(rq, "User-Agent");

	if (is_prefetch(rq)) {
		return VISITOR_PREFETCH;
	}
	if (agent && has_any(agent, bots, ARRAY_LEN(bots))) {
		return VISITOR_BOT;
	}
	return VISITOR_PERSON;
}
