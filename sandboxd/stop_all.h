#pragma once

/* The end with SLIPWAY_STOP_SANDBOXES=1: every sandbox is stopped and its container removed,
 * several at once; the disks stay. What cannot be stopped is logged. */

struct sandboxd;

void stop_all(struct sandboxd *d);
