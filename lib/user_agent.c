#include "user_agent.h"

#include "cleanup.h"

#include <string.h>
#include <strings.h>

/* Parts of the header, in lower case. */
static const char *const robots[] = {
	"bot",
	"crawl",
	"spider",
	"slurp",
	"archiver",
	"facebookexternalhit",
	"facebookcatalog",
	"meta-externalagent",
	"whatsapp",
	"viber",
	"snapchat",
	"skypeuripreview",
	"microsoft office",
	"embedly",
	"iframely",
	"mastodon",
	"vkshare",
	"pinterest",
	"outbrain",
	"quora link preview",
	"bingpreview",
	"safelinks",
	"barracuda",
	"proofpoint",
	"google-pagerenderer",
	"google-read-aloud",
	"google-inspectiontool",
	"googleother",
	"chrome-lighthouse",
	"feedfetcher",
	"yandex",
	"baidu",
	"uptime",
	"pingdom",
	"statuscake",
};

static bool contains(const char *text, size_t len, const char *part)
{
	size_t part_len = strlen(part);

	for (size_t i = 0; i + part_len <= len; i++) {
		if (strncasecmp(text + i, part, part_len) == 0) {
			return true;
		}
	}
	return false;
}

bool user_agent_is_robot(const char *text, size_t len)
{
	/* A maker of telephones. */
	if (contains(text, len, "cubot")) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(robots); i++) {
		if (contains(text, len, robots[i])) {
			return true;
		}
	}
	return false;
}
