#pragma once

/* The threads that work without being asked. Each is a thread's start routine taking a sandboxd. */

/* Reconciles at start, when the event thread has news, and once a minute. */
void *keeper_run(void *sandboxd);

/* Follows the runtime's events and tells the keeper. */
void *event_watch_run(void *sandboxd);

/* Asks running agents how they are: twice no answer stops a sandbox. Stops idle ones. */
void *patrol_run(void *sandboxd);
