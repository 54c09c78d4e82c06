/* visitor: who looks at a page, and for whom nothing is woken. */

#include "unit.h"
#include "visitor.h"

static char text[4096];

static struct http_head head_of(const char *method, const char *lines)
{
	struct http_head head;
	struct err e;
	size_t used;

	(void)snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, lines);
	assert_int_equal(http_head_parse_request(text, strlen(text), &head, &used, &e), 1);
	return head;
}

static bool wakes(const char *method, const char *lines)
{
	struct http_head head = head_of(method, lines);

	return visitor_may_wake(&head);
}

static bool navigates(const char *method, const char *lines)
{
	struct http_head head = head_of(method, lines);

	return visitor_navigates(&head);
}

static void people_and_programs_wake(void **state)
{
	static const char *const agents[] = {
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
		"Chrome/140.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
		"(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 12; CUBOT P60) AppleWebKit/537.36 Chrome/120.0 Mobile "
		"Safari/537.36",
		"curl/8.5.0",
		"node",
		"",
	};
	char line[400];

	(void)state;
	assert_true(wakes("GET", ""));
	assert_true(wakes("POST", ""));
	for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
		(void)snprintf(line, sizeof(line), "User-Agent: %s\r\n", agents[i]);
		assert_true(wakes("GET", line));
	}
}

static void previews_and_robots_do_not(void **state)
{
	static const char *const agents[] = {
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
		"Slack-ImgProxy 0.19 (Slackbot)",
		"Twitterbot/1.0",
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
		"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
		"WhatsApp/2.23.20.0",
		"TelegramBot (like TwitterBot)",
		"LinkedInBot/1.0 (compatible; Mozilla/5.0; Jakarta Commons-HttpClient)",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
		"Mozilla/5.0 (compatible; YandexBot/3.0)",
		"Mozilla/5.0 (compatible; Baiduspider/2.0)",
		"GPTBot/1.2",
		"UptimeRobot/2.0",
		"SkypeUriPreview Preview/0.5",
	};
	char line[400];

	(void)state;
	for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++) {
		(void)snprintf(line, sizeof(line), "User-Agent: %s\r\n", agents[i]);
		assert_false(wakes("GET", line));
	}
	assert_false(wakes("HEAD", ""));
	assert_false(wakes("OPTIONS", ""));
	assert_false(wakes("GET", "Sec-Purpose: prefetch\r\n"));
	assert_false(wakes("GET", "Sec-Purpose: prefetch;prerender\r\n"));
	assert_false(wakes("GET", "Purpose: prefetch\r\n"));
	assert_false(wakes("GET", "X-Moz: prefetch\r\n"));
	assert_false(wakes("GET", "X-Purpose: preview\r\n"));
}

static void navigations(void **state)
{
	struct http_head head;

	(void)state;
	assert_true(navigates("GET", "Sec-Fetch-Mode: navigate\r\n"));
	assert_true(navigates("POST", "Sec-Fetch-Mode: navigate\r\n"));
	assert_true(navigates("GET", "Accept: text/html,application/xhtml+xml\r\n"));
	assert_false(navigates("GET", "Accept: */*\r\n"));
	assert_false(navigates("GET", ""));
	/* A page's own fetch of HTML, such as htmx does. */
	assert_false(navigates("GET", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n"));
	assert_false(navigates("POST", "Accept: text/html\r\n"));
	assert_false(navigates("GET", "Connection: upgrade\r\nUpgrade: websocket\r\n"
				      "Accept: text/html\r\n"));
	head = head_of("GET", "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n");
	assert_true(visitor_in_frame(&head));
	head = head_of("GET", "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
	assert_false(visitor_in_frame(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_and_programs_wake),
		cmocka_unit_test(previews_and_robots_do_not),
		cmocka_unit_test(navigations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
