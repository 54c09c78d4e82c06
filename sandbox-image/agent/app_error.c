#include "app_error.h"

#include "cleanup.h"
#include "utf8.h"

#include <ctype.h>
#include <string.h>

/* Of the newest lines: an error is near the end. */
#define LOOK_BACK 300

/* What npm adds to its first line of an error ("npm error code E404"). */
#define MORE_LINES_MAX 2

enum { NOTHING, SOME_LINE, SPEAKS_OF_ERRORS, MANAGER, NAMED };

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* "TypeError: x is not a function", "Error [ERR_MODULE_NOT_FOUND]: …", "Uncaught Error: …" */
static bool is_named_error(const char *line)
{
	size_t word;

	if (begins(line, "Uncaught ")) {
		line += 9;
	}
	word = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$.");
	if (word < 5 || !isupper((unsigned char)line[0]) ||
	    (strncmp(line + word - 5, "Error", 5) != 0 &&
	     (word < 9 || strncmp(line + word - 9, "Exception", 9) != 0))) {
		return false;
	}
	return line[word] == ':' || begins(line + word, " [");
}

/* What a package manager says of its own failure. */
static bool is_managers(const char *line)
{
	const char *yarn = strstr(line, " YN0");

	if (yarn && strchr(yarn, ':')) {
		/* YN0000 and its like only say what was done. */
		return strncmp(yarn, " YN0000", 7) != 0 && strncmp(yarn, " YN0013", 7) != 0;
	}
	return begins(line, "npm error code ") || begins(line, "npm ERR! code ") ||
	       strstr(line, "ERR_PNPM_") || begins(line, "error An unexpected") ||
	       begins(line, "error Couldn't find");
}

/* Traces, and what is said after every failure whatever it was. */
static bool is_noise(const char *line)
{
	static const char *const noise[] = {
		"at ",	      "Node.js v",     "npm error ", "npm ERR! ",
		"ELIFECYCLE", "error Command", "info Visit", "Failed running '",
		"npm warn ",  "npm notice",    "> ",	     "^",
		"}",	      "npm verbose"};

	line += strspn(line, " \t");
	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		if (begins(line, noise[i])) {
			return true;
		}
	}
	return line[0] == '\0' || strstr(line, "ELIFECYCLE");
}

int app_error_weight(const char *line)
{
	if (is_managers(line)) {
		return MANAGER;
	}
	if (is_noise(line)) {
		return NOTHING;
	}
	if (is_named_error(line + strspn(line, " \t"))) {
		return NAMED;
	}
	return strcasestr(line, "error") || strcasestr(line, "cannot find") ? SPEAKS_OF_ERRORS
									    : SOME_LINE;
}

bool app_error_is_told(const char *line)
{
	return app_error_weight(line) >= SPEAKS_OF_ERRORS;
}

static bool is_of(const struct app_log_entry *entry, enum app_log_source source)
{
	return entry->source == source &&
	       (entry->stream == APP_LOG_STDOUT || entry->stream == APP_LOG_STDERR);
}

/* The weightiest line, of equals on stderr and then the newest; its place counted from the newest,
 * or -1. */
static int find_best(const struct app_log *log, enum app_log_source source, int64_t from_id)
{
	const struct app_log_entry *entry;
	int best = -1, best_weight = 0;

	for (int i = 0; i < LOOK_BACK && (entry = app_log_newest(log, (size_t)i)) != NULL &&
			entry->id >= from_id;
	     i++) {
		int weight = is_of(entry, source) ? 2 * app_error_weight(entry->text) : 0;

		if (weight > 0 && entry->stream == APP_LOG_STDERR) {
			weight++;
		}
		if (weight > best_weight) {
			best = i;
			best_weight = weight;
		}
	}
	/* Output that speaks of nothing bad explains nothing, unless it came on stderr. */
	return best_weight > 2 * SOME_LINE ? best : -1;
}

static void add_text(struct strbuf *to, const char *text)
{
	size_t room = to->len < APP_ERROR_MAX_BYTES ? APP_ERROR_MAX_BYTES - to->len : 0;
	size_t len = strlen(text);

	if (len > room) {
		len = room - utf8_incomplete_tail(text, room);
	}
	strbuf_add(to, text, len);
}

static const char *without_prefix(const char *line)
{
	static const char *const prefixes[] = {"npm error ", "npm ERR! "};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (begins(line, prefixes[i])) {
			line += strlen(prefixes[i]);
		}
	}
	return line + strspn(line, " \t");
}

/* "npm error code E404" is followed by what is meant: "npm error 404 Not Found - GET …". */
static void add_npm_rest(const struct app_log *log, int best, struct strbuf *to)
{
	int added = 0;

	for (int i = best - 1; i >= 0 && added < MORE_LINES_MAX; i--) {
		const struct app_log_entry *entry = app_log_newest(log, (size_t)i);
		const char *text = without_prefix(entry->text);

		if (text == entry->text || begins(text, "A complete log")) {
			break;
		}
		if (text[strspn(text, "0123456789 ")] != '\0' && to->len < APP_ERROR_MAX_BYTES) {
			strbuf_adds(to, added ? "; " : ": ");
			add_text(to, text);
			added++;
		}
	}
}

void app_error_find(const struct app_log *log, enum app_log_source source, int64_t from_id,
		    struct strbuf *to)
{
	int best = find_best(log, source, from_id);
	const char *line;

	if (best < 0) {
		return;
	}
	line = app_log_newest(log, (size_t)best)->text;
	add_text(to, without_prefix(line));
	if (begins(line, "npm err") || begins(line, "npm ERR")) {
		add_npm_rest(log, best, to);
	}
}
