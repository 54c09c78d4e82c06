#include "app_log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const stream_names[] = {
	[APP_LOG_STDOUT] = "stdout",
	[APP_LOG_STDERR] = "stderr",
	[APP_LOG_SYSTEM] = "system",
	[APP_LOG_STATE] = "state",
};

const char *app_log_stream_name(enum app_log_stream stream)
{
	return stream_names[stream];
}

const char *app_log_source_name(enum app_log_source source)
{
	return source == APP_LOG_INSTALL ? "install" : "app";
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void app_log_init(struct app_log *log)
{
	*log = (struct app_log){.first_id = wall_ms()};
	log->next_id = log->first_id;
}

static void drop_oldest(struct app_log *log)
{
	struct app_log_entry *entry = log->ring[log->first];

	log->first = (log->first + 1) % APP_LOG_LINES_MAX;
	log->n--;
	log->bytes -= entry->len;
	free(entry);
}

void app_log_fini(struct app_log *log)
{
	while (log->n > 0) {
		drop_oldest(log);
	}
}

void app_log_add(struct app_log *log, enum app_log_stream stream, enum app_log_source source,
		 const char *text, size_t len)
{
	struct app_log_entry *entry = malloc(sizeof(*entry) + len + 1);

	if (!entry) {
		return;
	}
	*entry = (struct app_log_entry){
		.id = log->next_id++,
		.t_ms = wall_ms(),
		.stream = stream,
		.source = source,
		.len = len,
	};
	memcpy(entry->text, text, len);
	entry->text[len] = '\0';
	while (log->n > 0 &&
	       (log->n == APP_LOG_LINES_MAX || log->bytes + len > APP_LOG_BYTES_MAX)) {
		drop_oldest(log);
	}
	log->ring[(log->first + log->n) % APP_LOG_LINES_MAX] = entry;
	log->n++;
	log->bytes += len;
}

int64_t app_log_last_id(const struct app_log *log)
{
	return log->next_id - 1;
}

const struct app_log_entry *app_log_after(const struct app_log *log, int64_t id,
					  int64_t *ret_missed)
{
	int64_t oldest = log->next_id - (int64_t)log->n;

	*ret_missed = 0;
	if (log->n == 0 || id >= log->next_id - 1) {
		return NULL;
	}
	if (id < oldest - 1) {
		/* Who knows nothing yet, or an agent before this one, has missed nothing of it. */
		*ret_missed = id >= log->first_id ? oldest - 1 - id : 0;
		id = oldest - 1;
	}
	return log->ring[(log->first + (size_t)(id + 1 - oldest)) % APP_LOG_LINES_MAX];
}

const struct app_log_entry *app_log_newest(const struct app_log *log, size_t i)
{
	return i < log->n ? log->ring[(log->first + log->n - 1 - i) % APP_LOG_LINES_MAX] : NULL;
}

char *app_log_entry_text(const struct app_log_entry *entry)
{
	json_t *object;
	char *text;

	if (entry->stream == APP_LOG_STATE) {
		return strdup(entry->text);
	}
	object = json_pack("{s:I,s:s,s:s,s:s%}", "t", (json_int_t)entry->t_ms, "stream",
			   app_log_stream_name(entry->stream), "source",
			   app_log_source_name(entry->source), "text", entry->text, entry->len);
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return text;
}
